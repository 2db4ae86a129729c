"""
Text that came and is not decided yet, read by coroutines that wait for more of it.

What reads may stop anywhere: a `yield` waits for the next piece, so that a cut can make no
difference. Nothing here looks farther ahead than a marker is long.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TypeVar

__all__ = ("Tape", "Wait")

_T = TypeVar("_T")
Wait = Generator[None, None, _T]

_SPACE = re.compile(r"\s+")
_BLANK = 1024  # characters of white space that are read as one


class Tape:
    """
    A text's unread end.

    * `text`, `at`: what came; how far it is read.
    * `closed`: nothing more will come.
    * `record`: what was read since it is not None, to give back what turns out to be no call.
    """

    __slots__ = ("at", "closed", "record", "text")

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.closed = False
        self.record: list[str] | None = None

    def feed(self, text: str) -> None:
        self.text = self.text[self.at :] + text
        self.at = 0

    def take(self, end: int) -> str:
        """Read up to a position in `text`."""
        piece = self.text[self.at : end]
        self.at = end
        if self.record is not None and piece:
            self.record.append(piece)
        return piece

    def skip(self, count: int) -> str:
        return self.take(self.at + count)

    def recorded(self) -> str:
        """What was read since the record began, which ends it."""
        record, self.record = self.record, None
        return "".join(record or ())

    def grow(self) -> Wait[bool]:
        """Wait for more text; False: there is none."""
        size = len(self.text) - self.at
        while len(self.text) - self.at == size:
            if self.closed:
                return False
            yield
        return True

    def peek(self, ahead: int = 0) -> Wait[str]:
        """One character, not read; "" at the end."""
        while self.at + ahead >= len(self.text):
            if self.closed:
                return ""
            yield
        return self.text[self.at + ahead]

    def literal(self, *words: str, ahead: int = 0) -> Wait[str]:
        """Which of these comes next, not read; "" for none. No word may begin another one."""
        longest = max(map(len, words), default=0)
        while True:
            start = self.at + ahead
            rest = self.text[start : start + longest]
            for word in words:
                if rest.startswith(word):
                    return word
            if self.closed or not any(word.startswith(rest) for word in words):
                return ""
            yield

    def run(self, pattern: re.Pattern[str], limit: int) -> Wait[str]:
        """All that comes of some characters (`pattern` is `[...]+`), at most `limit` of them."""
        pieces: list[str] = []
        while limit:
            found = pattern.match(self.text, self.at, self.at + limit)
            if found:
                pieces.append(self.take(found.end()))
                limit -= len(pieces[-1])
            if self.at < len(self.text) or self.closed:
                break
            if limit:
                yield
        return "".join(pieces)

    def space(self) -> Wait[str]:
        return (yield from self.run(_SPACE, _BLANK))

    def past(self, marker: str) -> Wait[str]:
        """Read white space and the marker, if that follows; gives the white space where it does not."""
        self.record = []
        yield from self.space()
        found = yield from self.literal(marker)
        text = self.recorded()
        self.skip(len(found))
        return "" if found else text
