"""Who makes the calls: this process here, or the workers of a cluster (`ipyllm.sweep.cluster`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ipyllm.run.pump import Run
from ipyllm.run.sink import NullSink
from ipyllm.sweep.row import Result, result_of

if TYPE_CHECKING:
    from ipyllm.providers import Target
    from ipyllm.run.budget import Spending
    from ipyllm.run.plan import Plan
    from ipyllm.run.reply import Reply
    from ipyllm.run.source import Source
    from ipyllm.sweep.model import Model
    from ipyllm.sweep.question import Question

__all__ = ("Allowance", "Engine", "Here", "Ongoing")

Allowance = Callable[[float], "Spending"]


class Ongoing(Protocol):
    """One call under way. All from the one thread that drives the grid, but for `so_far`."""

    def poll(self) -> Result | None:
        """What became of it; None: it is not over. Never waits, never raises."""
        ...

    def so_far(self) -> str:
        """The text that came; from any thread."""
        ...

    def cancel(self) -> None:
        """Stop it; `poll` will soon have a result."""
        ...


class Engine(Protocol):
    """`begin` a call; `wake` is called, from any thread, when it is worth a `poll` at once."""

    def begin(
        self, question: Question, wake: Callable[[], None], budget: Allowance | None, /
    ) -> Ongoing:
        """
        Start it; returns at once.

        Raises:
            IpyllmError: it cannot even be asked.
        """
        ...


class Here:
    """
    An `Engine`: all calls on this process's network loop, decoded by whoever polls.

    * `names`: the notebook's variables.
    """

    def __init__(self, names: Mapping[str, Any] | None = None) -> None:
        self._names = names
        # A key is looked for in four places: 0.5 ms, a fifth of what beginning a call takes.
        self._targets: dict[Model, Target | None] = {}

    def begin(
        self, question: Question, wake: Callable[[], None], budget: Allowance | None
    ) -> Ongoing:
        """As `Engine.begin`."""
        model = question.model
        if model not in self._targets:
            self._targets[model] = model.target()
        source, plan = question.prepared(self._names, self._targets[model])
        return _Call(_Polled(source, wake, plan, budget))


class _Call:
    """An `Ongoing` of this process."""

    __slots__ = ("_run",)

    def __init__(self, run: _Polled) -> None:
        self._run = run
        run.start()

    def poll(self) -> Result | None:
        """As `Ongoing.poll`."""
        reply = self._run.poll()
        return None if reply is None else result_of(self._run, reply)

    def so_far(self) -> str:
        """As `Ongoing.so_far`."""
        with self._run.lock:
            return self._run.completion.text

    def cancel(self) -> None:
        """As `Ongoing.cancel`."""
        self._run.cancel()


class _Polled(Run):
    """A `Run` without a thread of its own: whoever has many of them polls each now and then."""

    def __init__(
        self,
        source: Source,
        wake: Callable[[], None],
        plan: Plan | None,
        budget: Allowance | None,
    ) -> None:
        super().__init__(source, NullSink(), plan=plan, budget=budget)
        self._wake = wake

    def poll(self) -> Reply | None:
        """Decode what came; the settled answer once it is over."""
        self._flush()
        if not self._over():
            return None
        self._finish()
        if self._pause is not None:
            self._again(self._pause)
            return None
        if self._turn_end is not None and self._next_turn(self._turn_end):
            return None
        reply = self.pump()  # it has nothing left to wait for
        # They know this run and it knows them: kept so, it stayed in memory for thousands of rows.
        self._marks.on_sent = self._marks.on_headers = None
        return reply

    def _spawn(self, pause: float = 0.0) -> None:
        super()._spawn(pause)
        if self._task is not None:
            self._task.add_done_callback(lambda _: self._wake())
