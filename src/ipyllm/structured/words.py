"""Texts of which only a few are allowed, judged while they grow; and how errors show texts."""

from __future__ import annotations

from collections.abc import Iterable

from ipyllm.structured.patterns import Trail

__all__ = ("Words", "counted", "short")


class Words:
    """Which of a few texts, or of a few patterns, a text can still become."""

    __slots__ = ("_left", "_length", "_trails")

    def __init__(self, words: Iterable[str], trails: Iterable[Trail] = ()) -> None:
        self._left = [*words]
        self._trails = [*trails]
        self._length = 0

    def feed(self, char: str) -> bool:
        """Whether there is one left."""
        at = self._length
        self._left = [word for word in self._left if word.startswith(char, at)]
        self._trails = [trail for trail in self._trails if trail.feed(char)]
        self._length = at + 1
        return bool(self._left or self._trails)

    @property
    def whole(self) -> bool:
        """Whether it is one; a pattern is not asked."""
        return any(len(word) == self._length for word in self._left)


def short(value: object) -> str:
    said = repr(value)
    return said if len(said) <= 60 else said[:40] + "..." + said[-10:]


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + "s" * (count != 1)
