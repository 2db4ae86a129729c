"""
Pictures and files that go with a prompt: what they are, by their bytes, and how large they may be.

A picture is a part in the shape of OpenAI's chat (see `ipyllm.request.Message`). A file of text is
put into the text, in a fence below its name: every API takes that.
"""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path
from typing import Any, cast

from ipyllm.errors import UsageError

__all__ = (
    "MAX_IMAGES",
    "MAX_TEXT_FILE",
    "Images",
    "fenced",
    "picture",
    "size_of",
    "text_of",
)

MAX_IMAGES = 20_000_000
"""Bytes of all images of one prompt, before base64."""
MAX_TEXT_FILE = 200_000
"""Bytes of one file of text."""

_HEAD = 16  # bytes that tell an image
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_SHOWING = ("_repr_png_", "_repr_jpeg_", "savefig", "save")

Part = dict[str, Any]


class Images:
    """The images of one prompt, added up."""

    def __init__(self) -> None:
        self._bytes = 0

    def part(self, mime: str, data: bytes, name: str) -> Part:
        """
        The message's part for an image.

        Raises:
            UsageError: with it, the images are too large.
        """
        self._count(len(data), name)
        url = f"data:{mime};base64,{base64.b64encode(data).decode()}"
        return {"type": "image_url", "image_url": {"url": url}}

    def of_file(self, path: Path, name: str) -> Part | None:
        """
        The part for a file that is an image; None: it is none.

        Raises:
            UsageError: it cannot be read, or is too large.
        """
        try:
            with path.open("rb") as file:
                head = file.read(_HEAD)
                if not (mime := _mime(head)):
                    return None
                # Before it is read: a file may be larger than the memory.
                size = path.stat().st_size
                data = head + file.read() if self._bytes + size <= MAX_IMAGES else b""
        except OSError as exc:
            raise _unreadable(name, exc) from None
        if not data:
            self._count(size, name)
        return self.part(mime, data, name)

    def _count(self, size: int, name: str) -> None:
        before, self._bytes = self._bytes, self._bytes + size
        if self._bytes > MAX_IMAGES:
            beside = f" beside the {size_of(before)} before it" if before else ""
            raise UsageError(
                f"The image {name} has {size_of(size)}{beside}; a prompt takes {size_of(MAX_IMAGES)}.",
                hint="Make it smaller first.",
            )


def picture(value: Any) -> tuple[str, bytes] | str | None:
    """MIME type and bytes of a picture, or the address where it lies; None: it is none."""
    kind = cast("type[Any]", type(value))
    if issubclass(kind, (bytes, bytearray)):
        data = bytes(value)
        return (mime, data) if (mime := _mime(data[:_HEAD])) else None
    if _is_displayed(kind):
        data, url = value.data, value.url
        if isinstance(data, bytes) and (mime := _mime(data[:_HEAD])):
            return mime, data
        return url if isinstance(url, str) and url.startswith(("http://", "https://")) else None
    if not any(hasattr(kind, name) for name in _SHOWING):
        return None
    from ipyllm.tools.image import image_of  # here: %load_ext does without the tools' 30 modules

    return image_of(value)


def text_of(path: Path, name: str) -> str:
    """
    The text of a file.

    Raises:
        UsageError: it cannot be read, is too large, or is no text.
    """
    try:
        size = path.stat().st_size
        # One byte more than there may be: it may grow while it is read.
        with path.open("rb") as file:
            data = file.read(MAX_TEXT_FILE + 1) if size <= MAX_TEXT_FILE else b""
    except OSError as exc:
        raise _unreadable(name, exc) from None
    if size > MAX_TEXT_FILE or len(data) > MAX_TEXT_FILE:
        raise UsageError(
            f"The file {name} has {size_of(size)}; a file of text may have {size_of(MAX_TEXT_FILE)}.",
            hint="Read the part that matters into a variable.",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageError(
            f"The file {name} is neither text (UTF-8) nor a PNG, JPEG, GIF or WebP image.",
            hint="Read it into a variable, and name that.",
        )
    return text.replace("\r\n", "\n")


def fenced(text: str, name: str) -> str:
    """A file's text below its name, in a fence longer than any in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"`{name}`:\n\n{fence}\n{text.rstrip(chr(10))}\n{fence}"


def size_of(count: int) -> str:
    """`340 bytes`, `12 kB`, `3.4 MB`."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:.0f} kB" if count < 999_500 else f"{count / 1e6:.3g} MB"


def _mime(head: bytes) -> str:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _MAGIC if head.startswith(magic)), "")


def _is_displayed(kind: type[Any]) -> bool:
    display = sys.modules.get("IPython.display")  # where it is not loaded, nothing is of it
    return display is not None and issubclass(kind, display.Image)


def _unreadable(name: str, exc: OSError) -> UsageError:
    return UsageError(f"The file {name} cannot be read: {exc.strerror or exc}.")
