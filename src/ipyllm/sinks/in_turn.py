"""
A race in a terminal: all answers stream at once, and are written one after the other.

What comes for one whose turn it is not is kept until it is; so the second of two is usually there at once.
"""

from __future__ import annotations

import sys
from collections import deque
from functools import partial
from threading import Condition
from typing import TYPE_CHECKING, TextIO

from ipyllm.run.race import titles
from ipyllm.sinks.standings import standings
from ipyllm.sinks.terminal import TerminalSink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipyllm.run.batch import Batch
    from ipyllm.run.pump import Run
    from ipyllm.run.race import Race
    from ipyllm.run.reply import Reply

__all__ = ("InTurn",)

_LOOK = 0.1  # seconds between two looks whether the run was stopped


class InTurn:
    """A `Stage`."""

    def __init__(self, count: int, out: TextIO | None = None, *, background: bool = False) -> None:
        self._out = out or sys.stdout
        self._changed = Condition()
        self._turn = 0
        self._kept: list[deque[Callable[[], None]]] = [deque() for _ in range(count)]
        self._over = [False] * count
        self._titles: list[str] = []
        self.sinks = [
            _Lane(self, index, TerminalSink(out, background=background)) for index in range(count)
        ]

    def open(self, runs: Sequence[Run]) -> None:
        """Name the first."""
        self._titles = titles(run.label for run in runs)
        for run in runs:
            run.open()
        self._head()

    def begin(self, start: float) -> None:
        """No clock is shown."""

    def settle(self, race: Race) -> None:
        """Say who was first."""
        self._out.write(f"\n{standings(race.lanes)}\n")
        self._out.flush()

    def write(self, index: int, step: Callable[[], None], *, last: bool = False) -> None:
        """Now, or when its turn comes."""
        with self._changed:
            self._kept[index].append(step)
            self._over[index] = last
            self._write_on()

    def wait(self, index: int, run: Run) -> bool:
        """Until it is its turn; False if the run was stopped before."""
        with self._changed:
            while self._turn != index and not run.is_stopping:
                self._changed.wait(_LOOK)
            return self._turn == index

    def _write_on(self) -> None:
        while self._turn < len(self._kept):
            kept = self._kept[self._turn]
            while kept:
                kept.popleft()()
            if not self._over[self._turn]:
                return
            self._turn += 1
            self._head()
            self._changed.notify_all()

    def _head(self) -> None:
        if self._turn < len(self._titles):
            start = "\n" if self._turn else ""
            self._out.write(f"{start}{self._titles[self._turn]}\n\n")
            self._out.flush()


class _Lane:
    """The sink of one lane."""

    def __init__(self, stage: InTurn, index: int, sink: TerminalSink) -> None:
        self._stage = stage
        self._index = index
        self._sink = sink

    def open(self, run: Run) -> None:
        """As `Sink.open`."""
        self._sink.open(run)

    def emit(self, batch: Batch) -> None:
        """Write it when its turn comes."""
        self._stage.write(self._index, partial(self._sink.emit, batch))

    def ask(self, run: Run, index: int, question: str) -> bool | None:
        """Ask once all before are over."""
        return self._sink.ask(run, index, question) if self._stage.wait(self._index, run) else False

    def settle(self, reply: Reply, note: str) -> None:
        """The last that is written of it."""
        self._stage.write(self._index, partial(self._sink.settle, reply, note), last=True)
