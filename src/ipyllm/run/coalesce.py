"""
Deltas to batches: the first at once, then at most one every 40 ms.

Jupyter's server silently drops what comes faster than 1,000 messages a second, and the
page falls behind long before (measured: 12 s at 2,000/s). Twenty-five a second is what a
screen shows anyway. A batch is never held when nothing was shown for 40 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipyllm.events import Event, Notice, Progress, TextDelta, ToolResult, Turn
from ipyllm.run.batch import Batch
from ipyllm.run.channels import piece_of

if TYPE_CHECKING:
    from ipyllm.run.batch import State

__all__ = ("INTERVAL", "Coalescer")

INTERVAL = 0.04
"""Seconds between two batches. CPU at 200 tokens/s, x httpx alone: 1.36 at 33 ms, 1.31 at 40."""


class Coalescer:
    """`push` events, `take` a batch when it is due."""

    __slots__ = ("_last", "_notice", "_pieces", "_progress", "_results", "_shown", "_state")

    def __init__(self) -> None:
        self._pieces: list[tuple[str, list[str]]] = []
        self._state: State | None = None
        self._shown: State | None = None
        self._progress: Progress | None = None
        self._notice: str | None = None
        self._results: dict[int, ToolResult] = {}
        self._last = float("-inf")  # time of the last batch

    def push(self, event: Event) -> None:
        """One event, in order."""
        match event:
            case TextDelta(text):
                self._add("text", text)
            case ToolResult():
                self._results[event.index] = event
            case Turn():
                self._turn(event)
            case Progress():
                self._progress = event
                self._enter("prefill")
            case Notice(kind="phase", text=("asking" | "calling") as phase):
                self._leave(phase)
            case Notice(kind="phase", text=phase):
                self._enter(phase)  # pyright: ignore[reportArgumentType] # the run's own words
            case Notice(kind="loading", text=said):
                self._notice = said
                self._enter("loading")
            case Notice(kind="retry", text=said):
                self._notice = said
                self._enter("waiting")
            case _:  # how it ended is the settled Reply's to say
                if piece := piece_of(event):
                    self._add(*piece)

    @property
    def state(self) -> State | None:
        """The newest state."""
        return self._state

    def due(self, now: float) -> float:
        """Seconds until the next batch may go; 0 when it may go now, as the first token always may."""
        if self._pieces and self._shown != "streaming":
            return 0.0
        return max(self._last + INTERVAL - now, 0.0)

    def take(self, now: float, tokens: int, ms: int) -> Batch | None:
        """The batch of all that was pushed since the last; None if there is nothing."""
        state = self._state if self._state != self._shown else None
        if not (self._pieces or state or self._progress or self._notice or self._results):
            return None
        pieces = tuple((channel, "".join(parts)) for channel, parts in self._pieces)
        results = tuple(self._results.values())
        batch = Batch(pieces, tokens, ms, state, self._progress, self._notice, results)
        self._shown = self._state
        self._pieces.clear()
        self._results.clear()
        self._progress = self._notice = None
        self._last = now
        return batch

    def _turn(self, turn: Turn) -> None:
        self._leave("waiting")
        if piece := piece_of(turn):
            self._piece(*piece)

    def _leave(self, state: State) -> None:
        """What comes after a stream that was no end."""
        if self._state != "stopping":
            self._state = state

    def _add(self, channel: str, text: str) -> None:
        self._leave("streaming")
        self._piece(channel, text)

    def _piece(self, channel: str, text: str) -> None:
        if self._pieces and self._pieces[-1][0] == channel:
            self._pieces[-1][1].append(text)
        else:
            self._pieces.append((channel, [text]))

    def _enter(self, state: State) -> None:
        if self._state not in ("streaming", "stopping"):
            self._state = state
