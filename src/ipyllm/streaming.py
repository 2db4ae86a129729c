"""
Streaming from Python: `for event in ipyllm.stream("...")`.

The run is pumped by a thread of its own, so that it also goes on while nobody iterates;
iterating late gives the events from the first on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from contextlib import closing, contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from ipyllm.errors import Stopped, UsageError
from ipyllm.events import Event, Notice
from ipyllm.front_end import notebook
from ipyllm.request import Message, Request
from ipyllm.run import outcome
from ipyllm.run.browser import BrowserSource
from ipyllm.run.cancel import Interrupts
from ipyllm.run.growing import Growing
from ipyllm.run.pull import PythonSource
from ipyllm.run.pump import Run
from ipyllm.run.reply import Reply
from ipyllm.run.sink import NullSink, Sink
from ipyllm.run.source import source_for, usual_model
from ipyllm.run.thread import in_thread
from ipyllm.transport.limits import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator, Sequence

    from ipyllm.run.budget import Spending
    from ipyllm.run.plan import Plan
    from ipyllm.run.source import Source
    from ipyllm.tools.planning import Approve
    from ipyllm.tools.tool import Tool
    from ipyllm.widget.page import OwnPage
    from ipyllm.widget.sink import WidgetSink

__all__ = ("Answers", "Stream", "ask", "stream")

Answers = Callable[..., Any] | Iterable[Any] | AsyncIterable[Any]
"""A Python object that answers: see docs/python-sources.md."""

Wait = Callable[[Callable[[float], Any]], Any]
"""Calls what blocks for so many seconds, and gives what that gives."""


class Stream:
    """
    One answer as it comes.

    * `for event in s`, `async for event in s`: events from the first on.
    * `s.reply`: waits for the end. `s.cancel()`: stops; what came stays.
    * As a cell's last value it shows itself, live.
    """

    def __init__(
        self,
        source: Source,
        asked: Sequence[Message],
        *,
        plan: Plan | None = None,
        budget: Callable[[float], Spending] | None = None,
    ) -> None:
        self._page = _page_of(source)
        self._run = Run(source, NullSink(), asked=asked, plan=plan, budget=budget)
        self._reply: Reply | None = None
        self._bug: BaseException | None = None
        self._interrupted = False
        self._over = threading.Event()
        self._readers: list[SimpleQueue[list[Event] | None]] = []
        self._views: list[WidgetSink] = []
        self._run.tee = self._hand_on
        self._run.start()
        in_thread(self._pump, "ipyllm-stream")

    def cancel(self) -> None:
        """Stop the answer; what has arrived is kept."""
        self._run.cancel()

    @property
    def reply(self) -> Reply:
        """
        The settled answer; waits for it.

        Raises:
            IpyllmError: the answer ended in an error; its `reply` attribute has what came.
            Stopped: the user interrupted the wait; the same.
        """
        with Interrupts(self.cancel) as interrupts:
            return self.settled(interrupts)

    def settled(self, interrupts: Interrupts) -> Reply:
        """As `reply`, under an interrupt handler of the caller's."""
        with self._attentive() as wait:
            while not self._over.is_set():
                wait(self._over.wait)
        if self._bug is not None:
            raise self._bug
        assert self._reply is not None  # noqa: S101 - over, and no bug
        if interrupts.hit:
            raise self._stopped()
        if error := outcome.failure(self._reply, "error.reply"):
            error.reply = self._reply
            raise error
        return self._reply

    def __iter__(self) -> Iterator[Event]:
        """Events from the first on."""
        with closing(self._reads()) as reads:
            for events in reads:
                yield from _public(events)

    def partials(self) -> Iterator[Any]:
        """
        The value of a structured answer as it grows: one copy for each read that brought more of it.

        The last is what came, checked or not; the typed object is `s.reply.value`.
        """
        growing = Growing()
        with closing(self._reads()) as reads:
            for events in reads:
                if growing.feed(events):
                    yield growing.value

    def _reads(self) -> Generator[list[Event], None, None]:
        """Events as they were read; leaving early ends the stream."""
        reader = self._reader()
        done = False
        try:
            with self._attentive() as wait:
                while (events := self._next(reader, wait)) is not None:
                    yield events
            done = True
        finally:
            self._leave(reader, cancel=not done)
        if self._interrupted:
            raise self._stopped()

    def _next(self, reader: SimpleQueue[list[Event] | None], wait: Wait) -> list[Event] | None:
        # An interrupt in the wait ends the stream; the loop still gets what came, then `Stopped`.
        with Interrupts(self.cancel) as interrupts:
            events: list[Event] | None = []
            while not events and events is not None:
                with suppress(Empty):
                    events = wait(lambda seconds: reader.get(timeout=seconds))
        self._interrupted = self._interrupted or interrupts.hit
        return events

    async def _next_async(self, reader: SimpleQueue[list[Event] | None]) -> list[Event] | None:
        if self._page is None or not self._page.must_be_delivered:
            return await asyncio.to_thread(reader.get)
        # The kernel's loop would keep what the page says until the cell is over: do not leave it to it.
        await asyncio.sleep(0)
        with self._attentive() as wait:
            return self._next(reader, wait)

    @contextmanager
    def _attentive(self) -> Generator[Wait, None, None]:
        """How this thread waits for what comes by another: it may have to fetch that itself."""
        if self._page is None:
            yield lambda block: block(0.2)  # in slices: Windows cannot interrupt a wait
            return
        from ipyllm.widget.page import delivering

        with delivering() as deliver:
            yield lambda block: block(deliver())

    def _stopped(self) -> Stopped:
        stopped = Stopped("interrupted; its attribute `reply` has what came")
        stopped.reply = self._reply
        return stopped

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The same for `async for`."""
        reader = self._reader()
        done = False
        try:
            while (events := await self._next_async(reader)) is not None:
                for event in _public(events):
                    yield event
            done = True
        finally:
            self._leave(reader, cancel=not done)

    def _reader(self) -> SimpleQueue[list[Event] | None]:
        reader: SimpleQueue[list[Event] | None] = SimpleQueue()
        with self._run.lock:
            reader.put(self._run.completion.events())
            if self._over.is_set():
                reader.put(None)
            else:
                self._readers.append(reader)
        return reader

    def _leave(self, reader: SimpleQueue[list[Event] | None], *, cancel: bool) -> None:
        with self._run.lock:
            if reader in self._readers:
                self._readers.remove(reader)
            # An `async for` that was cancelled has left a thread waiting here, joined at exit.
            reader.put(None)
        if cancel:  # the loop was left early: nobody wants the rest
            self.cancel()

    def _hand_on(self, events: list[Event]) -> None:
        for reader in self._readers:
            reader.put(events)

    def _pump(self) -> None:
        try:
            self._reply = self._run.pump()
            stopped = any(view.stopped for view in self._views)
            self._run.settle(self._reply, outcome.note(self._reply, "reply", stopped=stopped))
            self._bug = self._run.bug
        except BaseException as exc:  # noqa: BLE001 - raised where the stream is read
            self._bug = exc
        finally:
            if self._page is not None:
                self._page.close()
            with self._run.lock:
                self._over.set()
                for reader in self._readers:
                    reader.put(None)

    def _display_(self) -> object:
        """What marimo shows in place of this object."""
        if self._over.is_set():
            return self.reply
        from ipyllm.widget.returned import Returned
        from ipyllm.widget.sink import WidgetSink

        place = Returned()
        self._views.append(WidgetSink(place, background=True))
        self._run.attach(self._views[-1])
        return place.model

    def _ipython_display_(self) -> None:
        from IPython import get_ipython
        from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

        from ipyllm.magic.answer import sink_for
        from ipyllm.sinks.plain import PlainSink
        from ipyllm.widget.sink import WidgetSink

        sink: Sink = sink_for(get_ipython(), background=True)
        # Whoever executes a notebook without a page does not wait for threads.
        if self._over.is_set() or isinstance(sink, PlainSink):
            display(self.reply)
        else:
            if isinstance(sink, WidgetSink):
                self._views.append(sink)
            self._run.attach(sink)


def stream(
    prompt: str = "",
    *,
    model: str | Answers = "",
    system: str = "",
    messages: Sequence[Message] = (),
    tools: Sequence[Callable[..., Any] | Tool | Mapping[str, Any]] = (),
    max_rounds: int = 8,
    approve: bool | Approve = False,
    schema: object = None,
    abort: bool = True,
    retries: int = 0,
    budget: str | Sequence[str] = (),
    params: Mapping[str, Any] | None = None,
    timeout: float | Limits | None = None,
    base_url: str = "",
    key_env: str = "",
) -> Stream:
    """
    Begin to stream an answer; returns at once.

    Args:
        prompt: what to ask; put after `messages`.
        model: `provider/model`; "" is `IPYLLM_MODEL`, else the embedded model. Or an object that
            answers: an iterator, an async one, or a function that gives one or a `str`.
        system: instructions before the conversation.
        messages: the conversation so far, oldest first: `{"role": ..., "content": ...}`.
        tools: functions the model may call, run here; or their schemas alone, as the API takes them.
        max_rounds: requests at most, of those that tools make.
        approve: ask before each call, where the stream is shown; or a function that is asked with
            the tool's name and the arguments.
        schema: what the answer has to fit: a class, a type, a JSON Schema; see `Reply.value`.
        abort: cut an answer that cannot fit any more.
        retries: how often to ask again after one that did not fit.
        budget: `500tok`, `10s`, `0.02usd`, or several.
        params: parameters as the API names them.
        timeout: seconds for the whole answer; or `ipyllm.Limits`, for its phases.
        base_url: another address that speaks the provider's API.
        key_env: environment variable that holds the key.

    Raises:
        IpyllmError: nothing to ask, unknown provider, no key, no weights.
    """
    asked: list[Any] = [*messages, *([{"role": "user", "content": prompt}] if prompt else [])]
    if not asked:
        raise UsageError("There is nothing to ask.", hint="Give a prompt or messages.")
    for message in cast("list[object]", asked):
        if not isinstance(message, Mapping) or "role" not in message:
            raise UsageError(
                f"{str(cast('object', message))[:80]!r} is no message.",
                hint='Write {"role": ..., "content": ...}.',
            )
    limits = Limits.of(timeout)
    request = Request("", asked, system, dict(params or {}))
    plan = None
    if tools or schema is not None:
        from ipyllm.tools.planning import Wanted, planned

        wanted = Wanted(tools, max_rounds, approve, schema, abort, retries)
        request, plan = planned(request, wanted, notebook())
    source: Source
    if isinstance(model, str):
        spec = model or usual_model()
        source = source_for(
            spec, request, limits, base_url=base_url, key_env=key_env, names=notebook()
        )
    else:
        source = PythonSource(f"python/{_name_of(model)}", model, request, limits)
    words = [budget] if isinstance(budget, str) and budget else list(budget)
    return Stream(source, asked, plan=plan, budget=_allowance(words, source.model, asked))


def _page_of(source: Source) -> OwnPage | None:
    """The way to the page, for a source that needs one. Raises: UsageError: there is no page."""
    if not isinstance(source, BrowserSource):
        return None
    from ipyllm.widget.page import OwnPage

    page = source.page = OwnPage(source.model)
    return page


def _allowance(
    words: list[str], model: str, asked: Sequence[Message]
) -> Callable[[float], Spending] | None:
    if not words:
        return None
    from ipyllm.run.allowance import allowance

    return allowance(words, model, asked)


def _name_of(model: object) -> str:
    named: str = getattr(model, "__name__", "") or type(model).__name__
    return named


def ask(prompt: str = "", **options: Any) -> Reply:
    """
    Stream an answer to its end; takes what `ipyllm.stream` takes.

    Raises:
        Stopped: the user interrupted; its `reply` attribute has what came.
        IpyllmError: as `ipyllm.stream`, or the answer ended in an error.
    """
    running: list[Stream] = []
    with Interrupts(lambda: _cancel_all(running)) as interrupts:
        running.append(stream(prompt, **options))
        if interrupts.hit:  # before there was anything to cancel
            running[0].cancel()
        return running[0].settled(interrupts)


def _cancel_all(streams: list[Stream]) -> None:
    for one in streams:
        one.cancel()


def _public(events: list[Event]) -> Iterator[Event]:
    return (event for event in events if not (isinstance(event, Notice) and event.kind == "phase"))


def _show(reply: Reply) -> None:
    from ipyllm.widget.showing import show  # anywidget: who only asks does not load it

    show(reply)


Reply.opener = _show
