"""
Where the network thread leaves what arrives for the thread that decodes and shows it.

Bytes are stamped when they arrive and decoded when the next batch is due, several tokens
in a row: code that ran 5 ms ago is out of the processor's caches, and decoding one token
cold takes 60 us, twelve times what it takes in a row (measured at 200 tokens/s).

The receiver sleeps either until anything comes (nothing was shown for a while: the next
token goes out at once) or until its next batch is due: 25 wake-ups a second, not one a token.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipyllm.events import Event

__all__ = ("Inbox",)

# Windows cannot interrupt a wait for a lock: look up often enough to notice a Ctrl-C.
_SLICE = 0.2
_BACKLOG = 64 * 1024  # bytes waiting before the receiver is woken early
_FULL = 192 * 1024  # bytes waiting before the sender should pause


class Inbox:
    """One sender, one receiver. `SimpleQueue`, because its `put` never blocks on a lock of ours."""

    __slots__ = ("_arrived", "_eager", "_waiting", "_wake", "closed")

    def __init__(self) -> None:
        self._arrived: deque[tuple[float, bytes | list[Event]]] = deque()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._eager = False  # the receiver waits for anything
        self._waiting = 0  # bytes that arrived and were not taken
        self.closed = False  # nothing more will come

    def put(self, now: float, item: bytes | list[Event]) -> None:
        """Bytes, or events decoded elsewhere, that arrived at `now`."""
        before = self._waiting
        self._arrived.append((now, item))
        if isinstance(item, bytes):
            self._waiting = before + len(item)
        if self._eager or before <= _BACKLOG < self._waiting:
            self._eager = False
            self._wake.put(None)

    @property
    def full(self) -> bool:
        """More has piled up than should be held: the sender is faster than the decoder."""
        return self._waiting > _FULL

    def close(self) -> None:
        """Nothing more will come; wakes the receiver."""
        self.closed = True
        self._wake.put(None)

    def wake(self) -> None:
        """Wake the receiver, from any thread: a time is over."""
        self._wake.put(None)

    def drain(self) -> list[tuple[float, bytes | list[Event]]]:
        """All that has arrived."""
        self._waiting = 0
        out: list[tuple[float, bytes | list[Event]]] = []
        while self._arrived:
            out.append(self._arrived.popleft())
        return out

    def wait_for_any(self) -> None:
        """Sleep until something is there, the end comes, or a slice of time is over."""
        self._eager = True
        if not self._arrived and not self.closed:
            self._sleep(_SLICE)
        self._eager = False

    def wait(self, seconds: float) -> None:
        """Sleep so long; less if the end comes, or much has piled up."""
        if seconds > 0 and not self.closed:
            self._sleep(min(seconds, _SLICE))

    def _sleep(self, seconds: float) -> None:
        with suppress(Empty):
            self._wake.get(timeout=seconds)
