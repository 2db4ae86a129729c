"""
The one thread that asks everything: begins what may begin, polls what runs, settles what is over.

A call's end wakes it, so the next one begins at once; in between it decodes 20 times a second
whatever came, many tokens in a row.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from ipyllm.errors import IpyllmError
from ipyllm.sweep.row import Result, one_line
from ipyllm.sweep.schedule import Schedule

if TYPE_CHECKING:
    from ipyllm.sweep.allowed import Allowed
    from ipyllm.sweep.engine import Engine, Ongoing
    from ipyllm.sweep.journal import Journal
    from ipyllm.sweep.question import Question
    from ipyllm.sweep.row import Row

__all__ = ("Call", "Drive")

_POLL = 0.05  # seconds
_SETTLE = 4.0  # seconds that cancelled calls get to say what they have


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """
    One row to be asked.

    * `key`: what it is called in the file. `endpoint`: with whom it shares the limit.
    * `alone`: this endpoint does one thing at a time.
    """

    row: Row
    question: Question
    key: str
    endpoint: str
    alone: bool


class Drive:
    """
    `start` it once; `stop` from any thread and in a signal handler, any number of times.

    * `finished`: told each row that was asked as it is over, from the drive's thread; None at the end.
    """

    def __init__(
        self,
        calls: Sequence[Call],
        engine: Engine,
        at_once: int,
        finished: Callable[[Row | None], None],
        *,
        journal: Journal | None = None,
        allowed: Allowed | None = None,
    ) -> None:
        self._engine = engine
        self._finished = finished
        self._journal = journal
        self._allowed = allowed
        self._schedule: Schedule[Call] = Schedule(at_once)
        self._running: dict[Call, Ongoing] = {}
        self._woken: SimpleQueue[Call | None] = SimpleQueue()
        self._stopped = False
        for call in calls:
            self._schedule.add(call.endpoint, call, alone=call.alone)

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._drive, name="ipyllm-grid", daemon=True).start()

    def stop(self) -> None:
        """No more calls; those that run are cancelled."""
        self._stopped = True
        self._woken.put(None)

    def _drive(self) -> None:
        try:
            self._loop()
        finally:
            for call in [*self._running, *self._schedule.drop()]:  # a bug of ours hangs no notebook
                call.row.settle(Result("stopped"))
            if self._journal is not None:
                self._journal.close()
            self._finished(None)

    def _loop(self) -> None:
        due = 0.0
        while not self._stopped and not self._schedule.is_over:
            if following := self._schedule.take(1):
                self._begin(following[0])
            if time.monotonic() >= due:
                self._poll(list(self._running))
                due = time.monotonic() + _POLL
            # What has ended is written down before more is begun: that takes 20 times as long.
            self._poll(self._wait(0.0 if following else due))
        self._end()

    def _wait(self, due: float) -> list[Call]:
        """Sleep until something ends or `due`; gives what ended."""
        ended: list[Call] = []
        left = due - time.monotonic()
        with suppress(Empty):
            woken = self._woken.get(timeout=left) if left > 0 else self._woken.get_nowait()
            while True:
                if woken is not None:
                    ended.append(woken)
                woken = self._woken.get_nowait()
        return ended

    def _begin(self, call: Call) -> None:
        if self._allowed is not None and self._allowed.over():
            self._leave(call)
        else:
            self._ask(call)

    def _ask(self, call: Call) -> None:
        if self._journal is not None:
            self._journal.asked(call.key)
        budget = None if self._allowed is None else self._allowed.share(call.question)
        try:
            ongoing = self._engine.begin(call.question, lambda: self._woken.put(call), budget)
        except Exception as exc:  # noqa: BLE001 - a failure is a row
            self._settle(call, Result("failed", finish_reason="error", error=_said(exc)))
            return
        self._running[call] = ongoing
        call.row.begin(ongoing.so_far)

    def _poll(self, calls: Sequence[Call]) -> None:
        for call in calls:
            ongoing = self._running.get(call)
            if ongoing is not None and (result := ongoing.poll()) is not None:
                self._settle(call, result)

    def _settle(self, call: Call, result: Result) -> None:
        asked = self._running.pop(call, None) is not None
        self._schedule.done(call.endpoint)
        if self._journal is not None and (asked or result.state == "failed"):
            self._journal.ended(call.key, call.row, result)
        call.row.settle(result)
        self._finished(call.row)

    def _leave(self, call: Call) -> None:
        """The budget is spent: it is not even asked."""
        self._schedule.done(call.endpoint)
        call.row.settle(Result("stopped", finish_reason="budget"))

    def _end(self) -> None:
        """Cancel what runs, and keep what it has."""
        for ongoing in self._running.values():
            ongoing.cancel()
        limit = time.monotonic() + _SETTLE
        while self._running and time.monotonic() < limit:
            self._poll(list(self._running))
            if self._running:
                self._wait(time.monotonic() + _POLL)
        for call in list(self._running):
            self._settle(call, Result("stopped", call.row.text, finish_reason="interrupted"))
        for call in self._schedule.drop():
            call.row.settle(Result("stopped", finish_reason="interrupted"))


def _said(exc: Exception) -> str:
    said = exc.message if isinstance(exc, IpyllmError) else str(exc)
    return one_line(f"{type(exc).__name__}: {said}")
