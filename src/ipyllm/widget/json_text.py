"""What the static views of JSON have in common: reading it, and writing a value in one line."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any, TypeGuard

from ipyllm.sinks.inline import QUIET, UI_FONT, themed
from ipyllm.structured.edits import Path
from ipyllm.structured.partial_json import InvalidJson, PartialJson

__all__ = (
    "ERROR",
    "SMALL",
    "beginning",
    "compact",
    "counted",
    "is_list",
    "is_object",
    "read",
    "seen",
    "shown",
    "size_line",
)

ERROR = themed("color", "#d32f2f", "error-color1")
SMALL = f"{QUIET};{UI_FONT};font-size:11px;font-variant-numeric:tabular-nums"

# What cannot be seen, or turns round what stands beside it; as in compact.ts.
_UNSEEN = re.compile(
    '[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"\\\\]'
)
_HALVES = re.compile("[\ud800-\udfff]")
_MARKS = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def read(text: str) -> tuple[Any, str, Path | None]:
    """What the text spells, what of it cannot be read, and where the value is that is not whole."""
    parser = PartialJson(edits=False)
    try:
        parser.feed(text)
    except InvalidJson as error:
        return parser.value, text[error.at :], None
    return parser.value, "", None if parser.complete else parser.open


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it is a JSON object."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether it is a JSON array."""
    return isinstance(value, list)


def compact(value: Any, *, as_call: bool = False) -> str:
    """A value in one line: as JSON, or a call's arguments (`city="Berlin", days=5`)."""
    if is_object(value):
        if as_call:
            return ", ".join(f"{seen(name)}={compact(each)}" for name, each in value.items())
        members = (f'"{seen(name)}": {compact(each)}' for name, each in value.items())
        return f"{{{', '.join(members)}}}"
    if is_list(value):
        return f"[{', '.join(map(compact, value))}]"
    return f'"{seen(value)}"' if isinstance(value, str) else json.dumps(value)


def seen(text: str) -> str:
    """In one line, and all of it visible: a question that is approved must not look other than it is."""
    return _UNSEEN.sub(lambda found: _MARKS.get(found[0]) or f"\\u{ord(found[0]):04x}", text)


def shown(text: str) -> str:
    """As HTML; half a surrogate pair cannot be sent."""
    return escape(_HALVES.sub("\N{REPLACEMENT CHARACTER}", text))


def beginning(text: str, limit: int) -> tuple[str, bool]:
    """HTML of at most so many characters, and whether there are more."""
    if len(text) <= limit:
        return shown(text), False
    more = f"\N{HORIZONTAL ELLIPSIS} {len(text) - limit:,} more characters"
    return f'{shown(text[:limit])}<span style="{SMALL}">{more}</span>', True


def counted(count: int, noun: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def size_line(size: str) -> str:
    """Above a value, as high as the live view's line with its buttons: nothing moves as the answer ends."""
    style = f"{QUIET};{UI_FONT};font-size:12px;line-height:24px;min-height:24px;margin-bottom:2px"
    return f'<div style="{style}">{size}</div>'
