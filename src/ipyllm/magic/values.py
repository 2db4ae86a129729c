"""
A value as a prompt shows it: its text, a Markdown table, a picture, or what is in the file it names.

Text is used whole, however long; what was cut (a table's rows, an array's middle) is said in the
text itself and in a hint. With a conversion or a format spec it is Python's text of any value.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ipyllm.errors import UsageError
from ipyllm.magic.attachments import Images, Part, fenced, picture, text_of
from ipyllm.magic.reading import NotRead, reason
from ipyllm.magic.references import Path as Reference

__all__ = ("LONG", "Shown", "shown_file", "shown_value")

LONG = 100_000
"""Characters; a longer text is used as it is, and said to be long."""

_ITEMS = 1000  # of an array; numpy's own limit, which its print options may have lifted


@dataclass(frozen=True, slots=True)
class Shown:
    """
    One value.

    * `text`: "" where there is a picture.
    * `part`: the picture.
    * `is_block`: the text stands in lines of its own.
    * `hint`: what the user should know, as the end of a sentence about it; "" for nothing.
    """

    text: str = ""
    part: Part | None = None
    is_block: bool = False
    hint: str = ""


def shown_value(value: Any, path: Reference, images: Images) -> Shown:
    """
    What stands for the value.

    Raises:
        NotRead: the value's own methods failed.
        UsageError: a picture or a file that is too large, or a file that is neither.
    """
    try:
        shown = _formatted(value, path) if path.is_formatted else _shown(value, path.text, images)
    except UsageError:
        raise
    except Exception as exc:  # the user's own code: __str__, __format__, savefig, ... # noqa: BLE001
        raise NotRead(reason(exc)) from None
    if len(shown.text) > LONG:
        return Shown(
            shown.text, None, shown.is_block, f"was put in with {len(shown.text):,} characters"
        )
    return shown


def shown_file(path: Path, name: str, images: Images) -> Shown:
    """
    What stands for a file.

    Raises:
        UsageError: it cannot be read, is too large, or is neither text nor an image.
    """
    if (part := images.of_file(path, name)) is not None:
        return Shown(part=part)
    return Shown(fenced(text_of(path, name), name), is_block=True)


def _formatted(value: Any, path: Reference) -> Shown:
    match path.conversion:
        case "r":
            value = repr(value)
        case "s":
            value = str(value)
        case _:
            pass
    return Shown(format(value, path.spec))


def _shown(value: Any, name: str, images: Images) -> Shown:
    kind = cast("type[Any]", type(value))
    if issubclass(kind, str):
        return Shown(str(value))
    if issubclass(kind, Path):
        if value.is_file():
            return shown_file(value, value.name, images)
        return Shown(str(value), hint="names no file: the path itself was put in")
    from ipyllm.tools.table import table_of  # here: %load_ext does without the tools' 30 modules

    if (table := table_of(value)) is not None:
        rest = table.rpartition("\n\n")[2]
        cut = f"was cut: {rest}" if rest.startswith("… ") else ""
        return Shown(table, is_block=True, hint=cut)
    match picture(value):
        case str(url):
            return Shown(part={"type": "image_url", "image_url": {"url": url}})
        case (mime, data):
            return Shown(part=images.part(mime, data, name))
        case _:
            return _array(value) or Shown(str(value))


def _array(value: Any) -> Shown | None:
    numpy = cast("Any", sys.modules.get("numpy"))  # where it is not loaded, nothing is of it
    if numpy is None or not issubclass(type(value), numpy.ndarray) or value.size <= _ITEMS:
        return None
    shape = " x ".join(map(str, value.shape))
    text = f"{numpy.array2string(value, threshold=_ITEMS)}\n({shape}, {value.dtype})"
    return Shown(text, is_block=True, hint=f"was shortened: {shape} values of {value.dtype}")
