"""
What counts as a reference in a prompt: `name`, `.attr`, `[0]`, `["k"]`, `!r`, `:.2f`, and nothing more.

Python's f-strings have the same words for it, less calls, operators, slices and blanks. A format
spec is literal: the braces that may stand in Python's are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ("Attribute", "Found", "Item", "Path", "parsed", "references")

_NAME = r"[^\W\d]\w*"
_STEP = rf"""\.{_NAME}|\[-?(?:0|[1-9][0-9]{{0,17}})\]|\["[^"\\{{}}\n]*"\]|\['[^'\\{{}}\n]*'\]"""
# A blank after the colon is no spec: `{a: 1}` is JSON's cousin. A width of five digits is no width.
_SPEC = r":(?![ ])(?![^{}\n]*[0-9]{5})[^{}\n]+"
_PATH = rf"(?P<root>{_NAME})(?P<steps>(?:{_STEP})*)(?P<conversion>![rs])?(?P<spec>{_SPEC})?"
# From the first brace of a row: a row of a million braces is read once.
_BRACED = re.compile(rf"(?<!\{{)(?P<left>\{{+){_PATH}(?P<right>\}}+)")
_WHOLE = re.compile(_PATH)
_STEPS = re.compile(_STEP)


@dataclass(frozen=True, slots=True)
class Attribute:
    """`.name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """`[0]` or `["k"]`."""

    key: int | str


@dataclass(frozen=True, slots=True)
class Path:
    """
    One reference.

    * `text`: as it stands between the braces.
    * `conversion`: `r`, `s` or "".
    * `spec`: of its format; "" for none.
    """

    text: str
    root: str
    steps: tuple[Attribute | Item, ...] = ()
    conversion: str = ""
    spec: str = ""

    @property
    def is_formatted(self) -> bool:
        """The text of the value is asked for, not its picture or its table."""
        return bool(self.conversion or self.spec)


@dataclass(frozen=True, slots=True)
class Found:
    """A reference in a text: from the first of its `braces` (on each side) to the last."""

    start: int
    end: int
    braces: int
    path: Path


def references(text: str) -> Iterator[Found]:
    """Everything in braces that reads as a reference, in order; braces without a partner stay outside."""
    for match in _BRACED.finditer(text):
        left, right = len(match["left"]), len(match["right"])
        braces = min(left, right)
        start = match.start() + left - braces
        end = match.end() - right + braces
        yield Found(start, end, braces, _path(match, text[start + braces : end - braces]))


def parsed(text: str) -> Path | None:
    """The reference that this text is, as a whole and without braces; None: it is none."""
    match = _WHOLE.fullmatch(text)
    return None if match is None else _path(match, text)


def _path(match: re.Match[str], text: str) -> Path:
    steps = tuple(map(_step, _STEPS.findall(match["steps"])))
    conversion = (match["conversion"] or "")[1:]
    return Path(text, match["root"], steps, conversion, (match["spec"] or "")[1:])


def _step(text: str) -> Attribute | Item:
    if text.startswith("."):
        return Attribute(text[1:])
    key = text[1:-1]
    return Item(key[1:-1]) if key[0] in "\"'" else Item(int(key))
