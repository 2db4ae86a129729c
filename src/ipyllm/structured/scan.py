"""
How the tokens of JSON look, cut anywhere: RFC 8259, sections 2, 6 and 7.

Each pattern goes on where the last one stopped, so that no token is read again from its start for
having come in pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from ipyllm.structured.edits import Kind, Path

__all__ = (
    "ESCAPE",
    "KINDS",
    "NAME",
    "NUMBER",
    "PLAIN",
    "STRING",
    "WHITE",
    "escape_so_far",
    "joined",
    "number",
    "spelled",
    "unescaped",
)

_Scan = Callable[[str, int], "re.Match[str]"]
_Try = Callable[[str, int], "re.Match[str] | None"]


def _always(pattern: str) -> _Scan:
    """A pattern that matches everywhere, if only nothing."""
    return cast("_Scan", re.compile(pattern).match)


WHITE = _always(r"[ \t\n\r]*")
# "All Unicode characters may be placed within the quotation marks, except for the characters that
# MUST be escaped: quotation mark, reverse solidus, and the control characters (U+0000 through U+001F)."
PLAIN = _always(r'[^"\\\x00-\x1f]*')
STRING: _Try = re.compile(r'"([^"\\\x00-\x1f]*)"').match
NAME: _Try = re.compile(r'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:').match
ESCAPE: _Try = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})').match
_ESCAPE_SO_FAR = _always(r'(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{0,4})?)?')
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

KINDS: dict[str, Kind] = {
    "{": "object",
    "[": "array",
    '"': "string",
    "t": "true",
    "f": "false",
    "n": "null",
    **dict.fromkeys("-0123456789", "number"),
}
"""What a value is, by its first character."""

# "number = [ minus ] int [ frac ] [ exp ]". The last group that matched says where a number was cut,
# and so which pattern its next piece has to match.
_EXP = r"(?:(?<!\.)[eE](?P<e>)(?:[+-](?P<sign>))?(?:[0-9]+(?P<exp>))?)?"
_FRAC = r"(?:\.(?P<point>)(?:[0-9]+(?P<frac>))?)?" + _EXP
_INT = r"(?:(?:0(?P<zero>)|[1-9][0-9]*(?P<int>))" + _FRAC + ")?"
NUMBER = {
    "start": _always("-?(?P<minus>)" + _INT),
    "minus": _always(_INT),
    "zero": _always(_FRAC),
    "int": _always("[0-9]*" + _FRAC),
    "point": _always(r"(?:[0-9]+(?P<frac>)" + _EXP + ")?"),
    "frac": _always("[0-9]*" + _EXP),
    "e": _always(r"(?:[+-](?P<sign>))?(?:[0-9]+(?P<exp>))?"),
    "sign": _always("(?:[0-9]+(?P<exp>))?"),
    "exp": _always("[0-9]*"),
}

_ESCAPES = {"\\" + mark: char for mark, char in zip('"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True)}


def number(text: str, phase: str) -> int | float | None:
    """What a number spells that was cut in a phase of `NUMBER`; None where it may not end."""
    match phase:
        case "zero" | "int":
            return int(text)
        case "frac" | "exp":
            return float(text)
        case _:
            return None


def escape_so_far(text: str) -> int:
    """How many characters of `text` can be the start of one escape."""
    return _ESCAPE_SO_FAR(text, 0).end()


def unescaped(escape: str) -> str:
    return _ESCAPES.get(escape) or chr(int(escape[2:], 16))  # noqa: FURB166 - `\u` is no prefix that int knows


def joined(high: str, low: str) -> str:
    """The character that a pair of surrogates spells; "" if they are no pair."""
    if not (high and "\udc00" <= low <= "\udfff"):
        return ""
    return chr(0x10000 + (ord(high) - 0xD800) * 0x400 + ord(low) - 0xDC00)


def spelled(path: Path) -> str:
    """A path as people write it: `$.rows[2].name`."""
    return "$" + "".join(map(_key, path))


def _key(key: str | int) -> str:
    if isinstance(key, str) and _IDENTIFIER.fullmatch(key):
        return f".{key}"
    return f"[{key!r}]"
