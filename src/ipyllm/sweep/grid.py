"""`ipyllm.grid(...)`: many prompts x models x parameters x repeats, streamed, resumable, as a table."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ipyllm.errors import Stopped, UsageError
from ipyllm.front_end import notebook
from ipyllm.run.cancel import Interrupts
from ipyllm.sweep.allowed import Allowed
from ipyllm.sweep.calls import Form, calls_of
from ipyllm.sweep.cells import cells
from ipyllm.sweep.diff import Diff, diff
from ipyllm.sweep.drive import Drive
from ipyllm.sweep.engine import Here
from ipyllm.sweep.frame import frame
from ipyllm.sweep.journal import Journal
from ipyllm.sweep.kept import restore
from ipyllm.sweep.model import models_of
from ipyllm.sweep.plot import Plot, plot
from ipyllm.sweep.show import show
from ipyllm.sweep.table import Standing, table, words
from ipyllm.transport.limits import Limits

if TYPE_CHECKING:
    import os

    from ipyllm.sweep.drive import Call
    from ipyllm.sweep.engine import Engine
    from ipyllm.sweep.row import Row, State

__all__ = ("Grid", "grid")

Answers = Callable[..., Any]

_SLICE = 0.2  # seconds: Windows cannot interrupt a wait


class Grid:
    """
    Calls under way, and their rows.

    * `for row in g`: rows as they finish, from the first on; leaving early stops the rest.
    * `g.rows`: all of them in order, whatever their state. `len(g)`: how many.
    * `g.wait()`: until all is over. `g.cancel()`: stops; what came stays.
    * `g.df`, `g.plot()`, `g.diff(a, b)`: wait for the end first.
    * As a cell's last value it shows itself, live.
    """

    def __init__(
        self,
        calls: Sequence[Call],
        engine: Engine,
        at_once: int,
        *,
        journal: Journal | None = None,
        allowed: Allowed | None = None,
    ) -> None:
        self.name = uuid4().hex[:12]
        self.rows = [call.row for call in calls]
        self._finished = [row for row in self.rows if row.is_over]  # those of the file
        self._earlier = len(self._finished)
        self._interrupted = False
        self._news = threading.Condition()
        self._over = threading.Event()
        self._journal = journal
        left = [call for call in calls if not call.row.is_over]
        self._lost = sum(call.key in journal.lost for call in left) if journal is not None else 0
        self._started = time.monotonic()
        self._ended = self._started
        drive = Drive(left, engine, at_once, self._take, journal=journal, allowed=allowed)
        self._stop = drive.stop
        drive.start()

    def cancel(self) -> None:
        """Stop: nothing more is asked, what runs is cut; what has arrived is kept."""
        self._stop()

    def wait(self) -> Grid:
        """
        Wait until all rows are over; gives the grid.

        Raises:
            Stopped: the user interrupted, which stops all; the rows have what came.
        """
        with Interrupts(self.cancel) as interrupts:
            while not self._over.wait(_SLICE):
                pass
        if interrupts.hit:
            raise _stopped()
        return self

    def joined(self, seconds: float) -> bool:
        """Whether all is over; waits so long for it."""
        return self._over.wait(seconds)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]

    def __iter__(self) -> Iterator[Row]:
        """Rows as they finish."""
        at, done = 0, False
        try:
            while (row := self._next(at)) is not None:
                yield row
                at += 1
            done = True
        finally:
            if not done:
                self.cancel()

    @property
    def df(self) -> Any:
        """
        A pandas DataFrame, one line for each row; waits for the end.

        Raises:
            UsageError: pandas is not installed.
        """
        self.wait()
        return frame(self.rows)

    def plot(self) -> Plot:
        """Time to first token and speed of each model, as a picture; waits for the end."""
        self.wait()
        return plot(self.rows)

    def diff(self, a: Row | int | str, b: Row | int | str) -> Diff:
        """
        Two rows (or their numbers), or all answers of two models, compared word by word.

        Raises:
            UsageError: there is no such row or model.
        """
        self.wait()
        return diff(self.rows, a, b)

    def bundle(self, *, live: bool = False, timed: bool = True) -> dict[str, Any]:
        """The table as it is now, in the formats of a display."""
        standing = self._standing()
        return {
            "text/html": table(self.rows, standing, live=live, timed=timed),
            "text/plain": words(self.rows, standing, timed=timed),
        }

    def __repr__(self) -> str:
        return words(self.rows, self._standing())

    def _ipython_display_(self) -> None:
        show(self)

    def _next(self, at: int) -> Row | None:
        with Interrupts(self.cancel) as interrupts:
            while at >= len(self._finished) and not self._over.is_set():
                with self._news:
                    self._news.wait_for(
                        lambda: at < len(self._finished) or self._over.is_set(), _SLICE
                    )
        # What came is still given, then `Stopped`.
        self._interrupted = self._interrupted or interrupts.hit
        if at < len(self._finished):
            return self._finished[at]
        if self._interrupted:
            raise _stopped()
        return None

    def _take(self, row: Row | None) -> None:
        with self._news:
            if row is not None:
                self._finished.append(row)
            else:
                self._ended = time.monotonic()
                self._over.set()
            self._news.notify_all()

    def _standing(self) -> Standing:
        states: Counter[State] = Counter(row.state for row in self.rows)
        over = self._over.is_set()
        elapsed = (self._ended if over else time.monotonic()) - self._started
        new = len(self._finished) - self._earlier
        left = states["waiting"] + states["running"]
        return Standing(
            name=self.name,
            states=states,
            kept=self._earlier,
            lost=self._lost,
            elapsed=elapsed,
            # As fast as until now; the calls under way are half done, about.
            eta=elapsed * left / new if new and left else None,
            note=self._journal.failure if self._journal is not None else "",
        )


def _stopped() -> Stopped:
    return Stopped("interrupted; the grid's rows have what came")


def grid(
    prompts: str | Iterable[str],
    *,
    models: str | Answers | Mapping[str, str] | Iterable[str | Answers | Mapping[str, str]],
    params: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None = None,
    repeats: int = 1,
    variables: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None = None,
    system: str = "",
    schema: object = None,
    retries: int = 0,
    at_once: int = 8,
    path: str | os.PathLike[str] | None = None,
    engine: object = None,
    budget: str | Sequence[str] = (),
    timeout: float | Limits | None = None,
    base_url: str = "",
    key_env: str = "",
) -> Grid:
    """
    Ask every combination; returns at once.

    Args:
        prompts: one or several; with `variables`, templates with `{name}` in them.
        models: one or several of `provider/model`, a function that answers, or
            `{"model": ..., "base_url": ..., "key_env": ...}`.
        params: parameters as the API names them: a dict of lists is every combination, a list of
            dicts is just those.
        repeats: how often each combination is asked.
        variables: what fills the templates, in the same two forms; a list of dicts may have more
            names than the templates.
        system: instructions before each prompt; a template too.
        schema: what each answer has to fit, as `ipyllm.stream` takes it; `row.value` is the object.
        retries: how often to ask again after an answer that did not fit.
        at_once: calls under way at one time, for each address. The embedded model takes one.
        path: a file to go on from: what is finished there is not asked again.
        engine: a `dask.distributed` Client, whose workers make the calls.
        budget: `20ktok`, `10min`, `0.5usd`, or several, of the whole grid.
        timeout: seconds for each answer; or `ipyllm.Limits`, for its phases.
        base_url: another address that speaks the provider's API, for models that name none.
        key_env: environment variable that holds the key; the same.

    Raises:
        IpyllmError: nothing to ask, a name that is no variable, unknown provider, no key, no weights.
    """
    _whole(at_once)
    names = notebook()
    wanted = models_of(models, base_url, key_env)
    combined = cells(prompts, wanted, params, repeats, variables, system)
    calls = calls_of(combined, Form(schema, retries), Limits.of(timeout), names)
    runner = _engine(engine, budget, names)
    said = [budget] if isinstance(budget, str) and budget else list(budget)
    allowed = Allowed(said, wanted) if said else None
    journal = None
    if path is not None:
        journal = Journal(path, [secret for model in wanted for secret in model.secrets])
        restore(calls, journal, names)
    return Grid(calls, runner, at_once, journal=journal, allowed=allowed)


def _whole(at_once: Any) -> None:
    if not isinstance(at_once, int) or isinstance(at_once, bool) or at_once < 1:
        raise UsageError(f"at_once={at_once!r} is no number of calls.", hint="It is 1 or more.")


def _engine(given: object, budget: object, names: Mapping[str, Any] | None) -> Engine:
    if given is None:
        return Here(names)
    from ipyllm.sweep.cluster import Cluster

    if budget:
        raise UsageError(
            "A budget is kept by this process, and engine= makes the calls elsewhere.",
            hint='Give params={"max_tokens": [...]} and timeout= instead.',
        )
    return Cluster(given)
