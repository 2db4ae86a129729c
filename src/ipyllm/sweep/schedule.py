"""Which call may begin: so many at once for each endpoint, in order. No clock, no thread."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Generic, TypeVar

__all__ = ("Schedule",)

_T = TypeVar("_T")


class Schedule(Generic[_T]):
    """
    `add` what is to be done, `take` what may begin, say `done` as each ends.

    * `at_once`: how many may be under way, for each endpoint.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting: dict[str, deque[_T]] = defaultdict(deque)
        self._limits: dict[str, int] = {}
        self._under_way: dict[str, int] = defaultdict(int)

    def add(self, endpoint: str, item: _T, *, alone: bool = False) -> None:
        """One more; `alone`: this endpoint does one thing at a time."""
        self._limits[endpoint] = 1 if alone else self._at_once
        self._waiting[endpoint].append(item)

    def take(self, most: int | None = None) -> list[_T]:
        """Everything that may begin now, or the first `most` of it; it counts as under way."""
        taken: list[_T] = []
        for endpoint, waiting in self._waiting.items():
            while waiting and self._under_way[endpoint] < self._limits[endpoint]:
                if most is not None and len(taken) >= most:
                    return taken
                self._under_way[endpoint] += 1
                taken.append(waiting.popleft())
        return taken

    def done(self, endpoint: str) -> None:
        """One of this endpoint's has ended."""
        self._under_way[endpoint] -= 1

    def drop(self) -> list[_T]:
        """Take back all that has not begun."""
        dropped = [item for waiting in self._waiting.values() for item in waiting]
        self._waiting.clear()
        return dropped

    @property
    def is_over(self) -> bool:
        """Nothing waits and nothing is under way."""
        return not any(self._waiting.values()) and not any(self._under_way.values())
