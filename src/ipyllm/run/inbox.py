"""
Where the network thread leaves events for the thread that shows them.

The receiver sleeps either until anything comes (nothing was shown for a while: the next
token goes out at once) or until its next batch is due, and is not woken for each token:
30 wake-ups a second instead of one a token.
"""

from __future__ import annotations

from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipyllm.events import Event

__all__ = ("Inbox",)

# Windows cannot interrupt a wait for a lock: look up often enough to notice a Ctrl-C.
_SLICE = 0.2


class Inbox:
    """One sender, one receiver. `SimpleQueue` because its `put` may be called from a signal handler."""

    __slots__ = ("_arrived", "_eager", "_wake", "closed")

    def __init__(self) -> None:
        self._arrived: deque[tuple[float, list[Event]]] = deque()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._eager = False  # the receiver waits for anything
        self.closed = False  # nothing more will come

    def put(self, now: float, events: list[Event]) -> None:
        """Events decoded at `now`."""
        self._arrived.append((now, events))
        if self._eager:
            self._eager = False
            self._wake.put(None)

    def close(self) -> None:
        """Nothing more will come; wakes the receiver."""
        self.closed = True
        self._wake.put(None)

    def drain(self) -> list[tuple[float, list[Event]]]:
        """All that has arrived."""
        out: list[tuple[float, list[Event]]] = []
        while self._arrived:
            out.append(self._arrived.popleft())
        return out

    def wait_for_any(self) -> None:
        """Sleep until something is there, the end comes, or a slice of time is over."""
        self._eager = True
        if self._arrived or self.closed:
            self._eager = False
            return
        self._sleep(_SLICE)
        self._eager = False

    def wait_for_end(self, seconds: float) -> None:
        """Sleep so long, less if the end comes."""
        if seconds > 0 and not self.closed:
            self._sleep(seconds)

    def _sleep(self, seconds: float) -> None:
        try:
            self._wake.get(timeout=seconds)
        except Empty:
            pass
