"""
Strings and numbers while they stream: the earliest moment a part of a rule cannot be kept.

An escape counts as its last character, since the edits show no earlier one.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from ipyllm.structured.claims import Claim, Fall
from ipyllm.structured.edits import Path
from ipyllm.structured.number_prefix import NumberPrefix, Span
from ipyllm.structured.part import Part
from ipyllm.structured.patterns import Trail
from ipyllm.structured.words import Words, counted, short

__all__ = ("NumberWatch", "PartWatch", "StringWatch")

_LARGEST = 1000  # digits of a number whose `multipleOf` is checked


class PartWatch:
    """A part, the value's path, and the claim that falls with it."""

    __slots__ = ("claim", "part", "path")

    def __init__(self, part: Part, path: Path, claim: Claim) -> None:
        self.part = part
        self.path = path
        self.claim = claim

    def fall(self, rule: str, said: str, at: int) -> None:
        self.claim.fall(Fall(self.path, rule, said, at))


class StringWatch(PartWatch):
    """`enum`, `const`, `minLength`, `maxLength`, `pattern` and `format` of a string."""

    __slots__ = ("_length", "_trails", "_words")

    def __init__(self, part: Part, path: Path, claim: Claim) -> None:
        super().__init__(part, path, claim)
        self._length = 0
        self._words = None if part.texts is None else Words(part.texts)
        known = [each for each in part.patterns if each[2].steps is not None]
        self._trails = [(keyword, said, Trail(pattern)) for keyword, said, pattern in known]

    def grow(self, char: str, at: int) -> None:
        part = self.part
        if self._words is not None and not self._words.feed(char):
            return self.fall(part.listed, f"a text that is not {part.expected}", at)
        for keyword, said, trail in self._trails:
            if not trail.feed(char):
                return self.fall(keyword, f"a text that does not fit the {keyword} {said}", at)
        self._length += 1
        if (most := part.length.most) is not None and self._length > most:
            self.fall("maxLength", f"more than {counted(most, 'character')}", at)
        return None

    def end(self, value: Any, at: int) -> None:
        part = self.part
        if self._words is not None and not self._words.whole:
            self.fall(part.listed, f"{short(value)} is not {part.expected}", at)
        if self._length < part.length.least:
            said = f"{short(value)} has fewer than {counted(part.length.least, 'character')}"
            self.fall("minLength", said, at)
        for keyword, said, known in part.patterns:
            if not known.search(value):
                self.fall(keyword, f"{short(value)} does not fit the {keyword} {said}", at)


class NumberWatch(PartWatch):
    """`integer`, `enum`, `const`, the bounds and `multipleOf` of a number."""

    __slots__ = ("_left", "_prefix", "_text")

    def __init__(self, part: Part, path: Path, claim: Claim) -> None:
        super().__init__(part, path, claim)
        self._prefix = NumberPrefix()
        self._left = part.numbers

    def grow(self, char: str, at: int) -> None:
        self._prefix.feed(char)
        if wrong := self._hopeless():
            self.fall(*wrong, at)

    def end(self, value: Any, at: int) -> None:
        number = self._prefix.value
        if self.part.whole and not self._prefix.is_whole:
            self.fall("type", f"{value} is no integer", at)
        if self._left is not None and not any(number == each for each, _, _ in self._left):
            self.fall(self.part.listed, f"{value} is not {self.part.expected}", at)
        for keyword, bound in self.part.bounds.items():
            if not _keeps(number, keyword, bound):
                self.fall(keyword, f"{value} is not {_BOUNDS[keyword]} {bound}", at)

    def _hopeless(self) -> tuple[str, str] | None:
        prefix = self._prefix
        if self.part.whole and not prefix.may_be_whole:
            return "type", "a number that is no integer"
        if self._left is not None:
            self._left = tuple(each for each in self._left if prefix.may_be(*each))
            if not self._left:
                return self.part.listed, f"a number that is not {self.part.expected}"
        span = prefix.span(whole=self.part.whole) if self.part.bounds else None
        for keyword, bound in self.part.bounds.items():
            if span and not _reaches(span, keyword, bound):
                return keyword, f"a number that is not {_BOUNDS[keyword]} {bound}"
        return None


_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
}


def _reaches(span: Span, keyword: str, bound: Decimal) -> bool:
    """Whether one of the numbers can keep the bound."""
    match keyword:
        case "minimum":
            return span.reaches(bound)
        case "exclusiveMinimum":
            return span.passes(bound)
        case "maximum":
            return span.turned().reaches(bound.copy_negate())
        case "exclusiveMaximum":
            return span.turned().passes(bound.copy_negate())
        case _:
            return True


def _keeps(number: Decimal, keyword: str, bound: Decimal) -> bool:
    match keyword:
        case "minimum":
            return number >= bound
        case "exclusiveMinimum":
            return number > bound
        case "maximum":
            return number <= bound
        case "exclusiveMaximum":
            return number < bound
        case _:
            # As fractions, since floats say that 0.3 is no multiple of 0.1. A number of a
            # million digits is let through: the division would take a second.
            far = max(abs(number.adjusted()), len(number.as_tuple().digits)) > _LARGEST
            return far or not Fraction(number) % Fraction(bound)
