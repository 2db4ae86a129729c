"""
What a tool returned, as a model reads it and as people do.

None is `null`: a model that sees nothing at all tends to call again.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, cast

from ipyllm.tools.image import image_of
from ipyllm.tools.plain import NoJson, plain, said
from ipyllm.tools.table import table_of

__all__ = ("LONGEST", "SHOWN", "Content", "Result", "cut", "result_of")

LONGEST = 20_000  # characters for the model
SHOWN = 4_000  # characters for the card
_PICTURES = 8  # of a list, sent as pictures

Content = str | list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Result:
    """
    One value, for its two readers.

    * `content`: of the tool's message: text, or parts in the shape of OpenAI's chat.
    * `shown`: Markdown for the card.
    """

    content: Content
    shown: str


def result_of(value: Any) -> Result:
    """The result for any value; what its own methods raise is said, not raised."""
    try:
        return _pictures(value) or _words(value)
    except Exception as exc:  # noqa: BLE001 - the user's own code: __len__, _repr_png_, ...
        text = cut(f"{said(value)}\n\n(not shown better: {type(exc).__name__})", LONGEST)
        return Result(text, _fenced(text, ""))


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and how much was cut."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n… cut: {len(text) - longest} more characters"


def _pictures(value: Any) -> Result | None:
    items = cast("list[Any]", [*value] if isinstance(value, (list, tuple)) else [value])
    found = [image_of(each) for each in items[:_PICTURES]]
    if not any(found):
        return None
    parts: list[dict[str, Any]] = []
    notes: list[str] = []
    for each, image in zip(items, found, strict=False):
        note = _text(each)[0] if image is None else f"{image[0]}, {len(image[1])} bytes"
        notes.append(note)
        parts.append({"type": "text", "text": note})
        if image is not None:
            parts.append(_part(*image))
    if more := len(items) - len(found):
        notes.append(f"… {more} more items")
        parts.append({"type": "text", "text": notes[-1]})
    return Result(parts, cut("\n\n".join(notes), SHOWN))


def _part(mime: str, data: bytes) -> dict[str, Any]:
    url = f"data:{mime};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _words(value: Any) -> Result:
    text, language = _text(value)
    shown = text if language is None else _fenced(text, language)
    return Result(text, "*no result*" if value is None else shown if language else cut(text, SHOWN))


def _text(value: Any) -> tuple[str, str | None]:
    """Text for the model, and the language of its fence on the card; None: it is Markdown."""
    if isinstance(value, str):
        return cut(str.__str__(value), LONGEST), None
    if isinstance(value, BaseException):
        return cut(f"{type(value).__name__}: {value}", LONGEST), None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"({memoryview(cast('Any', value)).nbytes} bytes)", None
    if (table := table_of(value)) is not None:
        return cut(table, LONGEST), None
    try:
        text = json.dumps(plain(value), ensure_ascii=False)
    except NoJson:
        return _own(value)
    return cut(text, LONGEST), "json"


def _own(value: Any) -> tuple[str, str | None]:
    if not isinstance(value, type) and hasattr(cast("Any", type(value)), "_repr_markdown_"):
        markdown = value._repr_markdown_()  # IPython's protocol
        if isinstance(markdown, tuple):
            markdown = cast("tuple[Any, ...]", markdown)[0]
        if isinstance(markdown, str):
            return cut(markdown, LONGEST), None
    return cut(said(value), LONGEST), "text"


def _fenced(text: str, language: str) -> str:
    # A fence longer than any in the text.
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{cut(text, SHOWN)}\n{fence}"
