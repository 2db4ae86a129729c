"""Recordings that are handed on when they are over: nothing of them is ever half there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipyllm.transport.cassette.file import Take

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipyllm.providers import Target

__all__ = ("Collected",)


class Collected:
    """
    A `Paper` that gives `done` the lines of each recording once it has ended, and what was left out.

    * `limit`: characters kept of one recording; its end comes besides.
    """

    def __init__(
        self, done: Callable[[list[str], int], None], *, limit: float = float("inf")
    ) -> None:
        self.failure = ""
        self._done = done
        self._limit = limit
        self._kept: dict[Take, int] = {}
        self._left_out: dict[Take, tuple[int, str]] = {}  # characters, the last line

    def take(self, target: Target, url: str, payload: dict[str, Any]) -> Take:
        """As `Paper.take`."""
        take = Take(self, target, url, payload)
        self._kept[take] = 0
        return take

    def write(self, take: Take, lines: list[str]) -> None:
        """As `Paper.write`."""
        for line in lines:
            if self._kept[take] <= self._limit:
                take.waiting.append(line)
                self._kept[take] += len(line)
            else:
                before, _ = self._left_out.get(take, (0, ""))
                self._left_out[take] = (before + len(line), line)

    def end(self, take: Take) -> None:
        """As `Paper.end`: its last line was that of its end."""
        del self._kept[take]
        left_out, last = self._left_out.pop(take, (0, ""))
        self._done([*take.waiting, *filter(None, [last])], left_out - len(last))
