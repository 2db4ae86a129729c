"""`-m a -m b`: several answers at once, beside each other, on one clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ipyllm.errors import Stopped
from ipyllm.front_end import display_kind, is_watched
from ipyllm.magic.answer import Answer, stream_in_background, variables, was_stopped
from ipyllm.run import outcome
from ipyllm.run.cancel import Interrupts
from ipyllm.run.race import Race, Stage, settled, titles
from ipyllm.run.thread import in_thread
from ipyllm.sinks.in_turn import InTurn
from ipyllm.sinks.plain import PlainStage
from ipyllm.widget.page import delivering
from ipyllm.widget.race import RaceStage
from ipyllm.widget.race_html import race_bundle, race_metadata

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply
    from ipyllm.run.sink import Sink

__all__ = ("RACE", "RunningRace")

RACE = "_race"
"""The variable that always holds the last race; `_llm` is then the answer of its first `-m`."""
_SLICE = 0.2  # seconds; Windows cannot interrupt a wait


class RunningRace:
    """
    `show()` blocks until all answers are over; `show_in_background()` returns at once.

    * `answers`: those that were made for its models, none of them started.
    * `variable`: the name the `Race` gets in the notebook besides `_race`; "" for none.
    * `settled`: called with the first reply once all is in its variables.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        answers: Sequence[Answer],
        variable: str = "",
        settled: Callable[[Reply], object] | None = None,
    ) -> None:
        self.shell = shell
        self.answers = answers
        self.variable = variable
        self.settled = settled
        self._runs: list[Run] = []
        self._sinks: Sequence[Sink] = ()
        self._replies: dict[int, Reply] = {}
        self._bugs: list[BaseException] = []
        self._start = 0.0
        self._left = len(answers)
        self._lock = threading.Lock()
        self._over = threading.Event()

    def show(self) -> None:
        """
        Stream into this cell's output.

        Raises:
            Stopped: the user interrupted; variables and output hold what came.
            IpyllmError: every answer ended in an error; that of the first.
        """
        stage = self._opened(background=False)
        with Interrupts(self._cancel) as interrupts:
            self._stream()
            self._wait_here(stage)
            race = self._settle(stage)
        if interrupts.hit:
            raise Stopped(f"interrupted; what came is in `{self._name()}`")
        if all(reply.error is not None for reply in race):
            if bug := self._runs[0].bug:
                raise bug
            if failure := outcome.failure(race[0], self._name(0)):
                raise failure from None

    def show_in_background(self) -> None:
        """Stream into this cell's output while other cells run. Errors are shown there."""
        if not is_watched():  # whoever executes the notebook does not wait for threads
            self.show()
            return
        stage = self._opened(background=True)
        self._stream()
        in_thread(lambda: (self._over.wait(), self._settle(stage)), "ipyllm-race")

    # ------------------------------------------------------------------------------

    def _opened(self, *, background: bool) -> Stage:
        stage = _stage(self.shell, len(self.answers), background=background)
        pairs = zip(self.answers, stage.sinks, strict=True)
        self._runs = [answer.run(sink) for answer, sink in pairs]
        self._sinks = stage.sinks
        stage.open(self._runs)
        self._start = time.perf_counter()
        stage.begin(self._start)
        return stage

    def _stream(self) -> None:
        for run in self._runs:
            run.start()
        for index, run in enumerate(self._runs):
            stream_in_background(run, self.answers[index], partial(self._lane, index))

    def _cancel(self) -> None:
        for run in self._runs:
            run.cancel()

    def _lane(self, index: int) -> None:
        """One answer to its end, in a thread of its own."""
        run, answer, sink = self._runs[index], self.answers[index], self._sinks[index]
        try:
            reply = self._replies[index] = run.pump()
            stopped = was_stopped(sink)
            run.settle(reply, answer.note(reply, self._name(index), stopped=stopped, raises=False))
        except BaseException as exc:  # noqa: BLE001 - raised where the race is waited for
            self._bugs.append(exc)
        finally:
            with self._lock:
                self._left -= 1
                if not self._left:
                    self._over.set()

    def _wait_here(self, stage: Stage) -> None:
        """What pages say meanwhile (Stop, a model in the browser) a blocked cell has to fetch itself."""
        if not isinstance(stage, RaceStage):
            while not self._over.wait(_SLICE):
                pass
            return
        with delivering() as deliver:
            while not self._over.is_set():
                self._over.wait(deliver())

    def _settle(self, stage: Stage) -> Race:
        if self._bugs:
            raise self._bugs[0]
        replies = [self._replies[index] for index in range(len(self._runs))]
        names = titles(run.label for run in self._runs)
        lanes = [
            settled(reply, run.sent - self._start, title, stopped=was_stopped(sink))
            for reply, run, title, sink in zip(replies, self._runs, names, stage.sinks, strict=True)
        ]
        race = Race(replies, lanes)
        # The variables first: nothing that may go wrong in showing can lose a text.
        notebook = variables(self.shell)
        notebook["_llm"], notebook[RACE] = race[0], race
        if self.variable:
            notebook[self.variable] = race
        if self.settled is not None:
            self.settled(race[0])
        stage.settle(race)
        return race

    def _name(self, index: int | None = None) -> str:
        name = self.variable or RACE
        return name if index is None else f"{name}[{index}]"


def _stage(shell: InteractiveShell, count: int, *, background: bool) -> Stage:
    """Where answers are shown side by side here."""
    match display_kind(shell):
        case "widget":
            return RaceStage(count, background=background)
        case "terminal":
            return InTurn(count, background=background)
        case _:
            return PlainStage(count, _untimed)


def _untimed(race: Race) -> tuple[dict[str, Any], dict[str, Any]]:
    return race_bundle(race, timed=False), race_metadata(race)
