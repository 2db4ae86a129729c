"""
The pump: starts the network's part of a run, and moves events to the sink.

Two threads meet here and nowhere else: the network loop delivers events into the inbox;
the pumping thread (the kernel's main one, or a background one) observes and shows them.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Literal

from ipyllm import errors
from ipyllm.events import (
    ChoiceDelta,
    Event,
    Finish,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Turn,
    ValueDelta,
)
from ipyllm.run.batch import Batch
from ipyllm.run.cancel import nothing, uninterrupted
from ipyllm.run.channels import piece_of
from ipyllm.run.coalesce import Coalescer
from ipyllm.run.completion import Completion
from ipyllm.run.inbox import Inbox
from ipyllm.run.metrics import Meter, Timing
from ipyllm.run.plan import PlainPlan
from ipyllm.run.policy import Policy
from ipyllm.run.reply import Reply
from ipyllm.run.tally import is_token
from ipyllm.transport.http import Marks
from ipyllm.transport.loop import network_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipyllm.request import Message
    from ipyllm.run.budget import Spending
    from ipyllm.run.cancel import Step
    from ipyllm.run.plan import Plan
    from ipyllm.run.sink import Sink
    from ipyllm.run.source import Source

__all__ = ("Run",)

_GIVE_UP = 2.0  # seconds for the network to let go of a cancelled request
_CANCEL_AGAIN = 0.1  # seconds
_SOON = 0.001  # seconds: the loop's clock may be a little ahead
_LINGER = (
    0.02  # seconds after the API's own end for that of the response: the connection is kept then
)


class Run:
    """
    One answer from one source.

    `start`, then `pump` in one thread until it returns; `cancel` from any thread or from a
    signal handler, any number of times.
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        *,
        asked: Sequence[Message] = (),
        clock: Callable[[], float] = time.perf_counter,
        loop: asyncio.AbstractEventLoop | None = None,
        policy: Policy | None = None,
        plan: Plan | None = None,
        budget: Callable[[float], Spending] | None = None,
        before: str = "",
    ) -> None:
        self.source = source
        self.aside = ""  # said beside the model's name
        self.references: Sequence[tuple[int, int, str]] = ()  # see `Reply.references`
        self.plan = plan or PlainPlan()
        self.spending: Spending | None = None
        self._budget = budget
        self._deadline = math.inf
        self.asked = asked
        self.completion = Completion(before)  # its text is shown at once, and not timed
        self.lock = Lock()  # held while events are added; views read snapshots under it
        self.cancelled_at: float | None = None
        self.tee: Callable[[list[Event]], None] | None = None
        # How the user's own code is run in the pumping thread, and stopped; see `run.cancel.Interrupts`.
        self.step: Step = uninterrupted
        self.poke: Callable[[], None] = nothing
        self._sinks = [sink]
        self._opened = False
        self._joining: list[Sink] = []
        self._clock = clock
        self._loop = loop or network_loop()
        self._marks = Marks(clock)
        self._origin: Marks | None = None  # those of the first turn, once there are more
        self._meter = Meter()
        self._coalescer = Coalescer()
        self._inbox = Inbox()
        self._task: asyncio.Task[None] | None = None
        self._started = clock()
        self._ended = self._started
        self._failure: BaseException | None = None
        self._undecodable = False
        self._paused = False
        self._policy = policy or Policy()
        self._failed = 0  # attempts that came to nothing
        self._pause: float | None = None  # seconds until the next attempt, once one has failed
        self._first_sent: float | None = None
        self._load: float | None = None
        self._begun = False  # this turn has given a token
        self._turn_end: Finish | None = None  # of a turn after which another may follow
        self._turns = 1
        self._reason: Literal["tools", "retry"] = "tools"
        self._calls = 0  # of the turns before
        self._alarm: asyncio.TimerHandle | None = None

    # any thread -------------------------------------------------------------------

    def open(self) -> None:
        """Have it shown, before `start`: runs of a race are all shown before the first is asked."""
        if not self._opened:
            self._opened = True
            for sink in self._sinks:
                sink.open(self)

    def start(self) -> None:
        """Begin; returns at once."""
        self._started = self._clock()
        if self._budget is not None:
            self.spending = self._budget(self._started)
            self._deadline = self._started + self.spending.due(self._started)
        self.open()
        self._loop.call_soon_threadsafe(self._spawn)
        self._loop.call_soon_threadsafe(self._set_alarm)

    def cancel(self) -> None:
        """Stop: the connection is closed within a millisecond or so. Safe in a signal handler."""
        if self.cancelled_at is None:
            self.cancelled_at = self._clock()
            self._loop.call_soon_threadsafe(self._cancel)
            self.plan.cancel()

    def attach(self, sink: Sink) -> None:
        """One more view of a run that may be under way; it gets what came before as one batch."""
        sink.open(self)
        self._joining.append(sink)

    def settle(self, reply: Reply, note: str) -> None:
        """Tell every view that the answer is over."""
        for sink in self._sinks:
            sink.settle(reply, note)

    @property
    def bug(self) -> BaseException | None:
        """What a source raised that is none of `ipyllm.errors`; to be raised once all is settled."""
        return None if isinstance(self._failure, errors.IpyllmError) else self._failure

    @property
    def is_structured(self) -> bool:
        """Calls or a value are to be expected."""
        return not isinstance(self.plan, PlainPlan)

    @property
    def is_stopping(self) -> bool:
        """Whoever waits for a person should not: it was cancelled, or its time is over."""
        return self.cancelled_at is not None or self._clock() >= self._deadline

    def spent(self) -> tuple[float, str, bool] | None:
        """
        (share of the budget, words for it, whether it is an estimate).

        Without a budget what else the source has that fills up; None without either.
        """
        if self.spending is None or not (words := self.spending.says(now := self._clock())):
            return self.source.gauge
        spent = self.spending.spent(now)
        return spent.share, words, spent.estimated

    @property
    def label(self) -> str:
        """What people see as the model's name."""
        return f"{self.source.label} · {self.aside}" if self.aside else self.source.label

    def timing(self, end: float | None = None) -> Timing:
        """Timing so far, or as of `end`."""
        marks = self._origin or self._marks
        connect = None
        if marks.connected is not None and marks.connecting is not None:
            connect = marks.connected - marks.connecting
        return self._meter.timing(
            sent=self.sent,
            end=self._clock() if end is None else end,
            connect=connect,
            headers=marks.headers,
            load=self._load if self.source.load is None else self.source.load,
            waited=None if self._first_sent is None else self.sent - self._first_sent,
        )

    @property
    def sent(self) -> float:
        """When the answer's first request was sent, as far as it was, on the run's clock."""
        marks = self._origin or self._marks
        return self._started if marks.sent is None else marks.sent

    # the network's thread ---------------------------------------------------------

    def _spawn(self, pause: float = 0.0) -> None:
        inbox = self._inbox
        if self.cancelled_at is not None:  # before this attempt, or this turn, began
            inbox.close()
            return
        self._task = self._loop.create_task(self._produce(pause))
        # Not in the task itself: one that is cancelled before its first step never runs.
        self._task.add_done_callback(lambda _: inbox.close())

    def _set_alarm(self) -> None:
        """Wake who pumps, and a tool that runs, when the time of the budget is over."""
        left = self._deadline - self._clock()
        if left <= 0:
            self._inbox.wake()
            self.plan.cancel()
        elif left < math.inf:
            self._alarm = self._loop.call_later(left + _SOON, self._set_alarm)

    def _cancel(self) -> None:
        self._cancel_task(self._task)

    def _cancel_task(self, task: asyncio.Task[None] | None) -> None:
        if task is not None and not task.done():
            task.cancel()
            # Libraries have lost a cancel that came just as a wait ended: say it again. To this
            # task: there may be another by then, the next attempt.
            self._loop.call_later(_CANCEL_AGAIN, self._cancel_task, task)

    async def _produce(self, pause: float) -> None:
        try:
            if pause:
                await asyncio.sleep(pause)
            await self.source.run(self._deliver, self._marks)
        except asyncio.CancelledError:
            pass
        except BaseException as exc:  # noqa: BLE001 - carried to the thread that pumps
            self._failure = exc

    def _deliver(self, item: bytes | list[Event], /, at: float | None = None) -> None:
        self._inbox.put(self._clock() if at is None else at, item)
        if self._inbox.full and not self._paused and self._marks.connection is not None:
            # Without it a fast server fills the memory with what is not decoded yet.
            self._paused = True
            self._marks.connection.pause()

    def _resume(self) -> None:
        if self._marks.connection is not None:
            self._marks.connection.resume()

    # the pumping thread -----------------------------------------------------------

    def pump(self) -> Reply:
        """Move events to the sink until the answer is over; what came is in the Reply, however it ends."""
        self._show_before()
        while True:
            while not self._over():
                self._step()
            self._finish()
            if self._pause is not None:
                self._again(self._pause)
            elif self._turn_end is None or not self._next_turn(self._turn_end):
                break
        self._flush()
        if self._alarm is not None:
            self._loop.call_soon_threadsafe(self._alarm.cancel)
        timing = self.timing(self._ended)
        reply = Reply.of(
            self.completion, timing, model=self.source.model, label=self.label, asked=self.asked
        )
        reply.references = tuple(self.references)
        self.plan.settle(reply)
        return reply

    def _show_before(self) -> None:
        """The text this answer goes on with; a state of its own, so that the first token goes out at once."""
        if self.completion.before:
            batch = Batch((("text", self.completion.before),), 0, 0, None)
            for sink in self._sinks:
                sink.emit(batch)

    def _over(self) -> bool:
        if self._inbox.closed:
            return True
        end = self.completion.finish or self._turn_end
        if end is not None:
            # One of our own making: what else the service has to say is not waited for.
            return end.reason in _CUT or self._clock() - self._ended > _LINGER
        return self.cancelled_at is not None and self._clock() - self.cancelled_at > _GIVE_UP

    def _step(self) -> None:
        if self._ends:
            # All is there; what is waited for is only the end of the response.
            self._flush()
            self._inbox.wait(_LINGER)
            return
        if self._begun:
            # One wake-up a batch: what comes within the interval is found when it is over.
            self._inbox.wait(self._coalescer.due(self._clock()))
            self._observe()
            ended = self._ends
            if self._coalescer.due(self._clock()) or self._flush() or ended:
                return
        self._inbox.wait_for_any()
        self._observe()
        if not self._coalescer.due(self._clock()):
            self._flush()

    @property
    def _ends(self) -> bool:
        """All of this turn is there."""
        return self.completion.finish is not None or self._turn_end is not None

    def _next_turn(self, end: Finish) -> bool:
        """Ask again with what the plan adds; False if that was all."""
        self._flush()
        following = self._following()
        if self.cancelled_at is not None:
            following = Finish("interrupted")
        elif self.spending is not None and (why := self.spending.over(self._clock())):
            following = Finish("budget", why)
        self._turn_end = None
        if isinstance(following, Finish):
            with self.lock:
                self._take([following], self._clock())
            return False
        self._load = self._load or self.source.load
        self._origin = self._origin or self._marks
        self.source = following
        self._turns += 1
        self._calls = len(self.completion.tool_calls)
        if self.spending is not None:
            self.spending.another()
        self._failed, self._begun = 0, False
        self._reason = "tools" if end.reason == "tool_calls" else "retry"
        self.say([Turn(self._turns, self._reason)])
        self._ask(0.0)
        return True

    def _following(self) -> Source | Finish:
        try:
            return self.plan.go_on(self)
        except Exception as exc:  # noqa: BLE001 - raised once all that came is settled
            self._failure = exc
            self.say([_stream_error(exc)])
            return Finish("error")

    def _read(self, events: list[Event]) -> list[Event]:
        try:
            return self.plan.feed(events)
        except Exception as exc:  # noqa: BLE001 - as above
            self._failure = exc
            seen = [event for event in events if not isinstance(event, Finish)]
            return [*seen, _stream_error(exc), Finish("error")]

    def ask(self, index: int, question: str) -> bool | None:
        """Whether call `index` may be made; None where nobody sees the answer. In the pumping thread."""
        self._flush()
        answers = (sink.ask(self, index, question) for sink in reversed(self._sinks))
        return next((answer for answer in answers if answer is not None), None)

    def say(self, events: list[Event]) -> None:
        """Events of the run itself, shown at once. In the pumping thread."""
        with self.lock:
            self._take(events, self._clock())
        self._flush()

    def _again(self, pause: float) -> None:
        """Ask once more, as if nothing had been asked."""
        if self._first_sent is None and self._origin is None:
            self._first_sent = self.sent
        self._ask(pause)

    def _ask(self, pause: float) -> None:
        self._pause = self._failure = None
        self._undecodable = self._paused = False
        self._inbox, self._marks = Inbox(), Marks(self._clock)
        self._loop.call_soon_threadsafe(self._spawn, pause)

    def _finish(self) -> None:
        """Nothing more comes: bring the answer, or this attempt, to its one end."""
        self._observe()
        if self._pause is not None:
            return
        if self._ends:
            self._let_go()
            return
        *rest, end = self.source.close()
        if isinstance(end, Finish) and end.reason in ("truncated", "error"):
            # Without a proof of a finished answer. With one, a late cut or cancel changes nothing.
            if self.cancelled_at is not None:
                end = Finish("interrupted")
            elif self._failure is not None:
                rest.append(_stream_error(self._failure))
                end = Finish("error")
        self._all([*rest, end], self._clock())

    def _let_go(self) -> None:
        # The answer is whole, but the server keeps the response open.
        if not self._inbox.closed:
            self._loop.call_soon_threadsafe(self._cancel)

    def _flush(self) -> bool:
        """Show what is there; False if there is nothing."""
        self._observe()
        ms = round(1e3 * (self._meter.last - self.sent)) if self._meter.started else 0
        batch = self._coalescer.take(self._clock(), self._meter.deltas, ms)
        if batch is not None:
            for sink in self._sinks:
                sink.emit(batch)
        while self._joining:
            sink = self._joining.pop()
            seen = tuple(self.completion.transcript())
            sink.emit(Batch(seen, self._meter.deltas, ms, self._coalescer.state))
            self._sinks.append(sink)
        return batch is not None

    def _observe(self) -> None:
        for now, item in self._inbox.drain():
            events = self._decoded(item) if isinstance(item, bytes) else item
            self._all(events, now)
        if self._paused:
            self._paused = False
            self._loop.call_soon_threadsafe(self._resume)
        if self.spending is not None and not self._ends:
            now = self._clock()
            if why := self.spending.over(now):
                self._all([Finish("budget", why)], now)

    def _decoded(self, chunk: bytes) -> list[Event]:
        if self._ends or self._undecodable:
            return []
        try:
            return self.source.decode(chunk)
        except errors.IpyllmError as exc:
            self._failure, self._undecodable = exc, True
            self._loop.call_soon_threadsafe(self._cancel)
            return []

    def _all(self, events: list[Event], now: float) -> None:
        # The tee too within the lock: who begins to read meanwhile gets each event once.
        with self.lock:
            if self._ends or self._pause is not None:
                return  # an end is an end: a cancel that came too late changes nothing
            events = self._held(self._afforded(self._read(self._refused(events)), now))
            if not self._begun:
                events = self._beginning(events, now)
            if self._calls:
                events = [_numbered(event, self._calls) for event in events]
            self._take(events, now)

    def _take(self, events: list[Event], now: float) -> None:
        for event in events:
            self._one(event, now)
        if self.tee is not None:
            self.tee(events)

    def _afforded(self, events: list[Event], now: float) -> list[Event]:
        """The same, up to the delta that reaches the budget; what came with it is kept beside."""
        if self.spending is None:
            return events
        within, rest = self.spending.cut(events, now)
        if not any(map(is_token, rest)):
            return events
        beyond = "".join(piece[1] for event in rest if (piece := piece_of(event)))
        why = self.spending.over(now) or ""
        return [*within, Notice("beyond_budget", beyond), Finish("budget", why)]

    def _held(self, events: list[Event]) -> list[Event]:
        """The same; without the turn's end, if that is not the answer's."""
        end = events[-1] if events else None
        if not isinstance(end, Finish) or self.cancelled_at is not None:
            return events
        if not self.plan.wants_more(end):
            return events
        self._turn_end = end
        return events[:-1]

    def _beginning(self, events: list[Event], now: float) -> list[Event]:
        """The same; with when a further turn's first token came, if it came."""
        first = next((i for i, event in enumerate(events) if isinstance(event, _TOKENS)), None)
        if first is None:
            return events
        self._begun = True
        if self._turns == 1:
            return events
        sent = now if self._marks.sent is None else self._marks.sent
        told = Turn(self._turns, self._reason, max(now - sent, 0.0))
        return [*events[:first], told, *events[first:]]

    def _refused(self, events: list[Event]) -> list[Event]:
        """The same events; a notice in place of an error after which it is tried again."""
        error = next((event for event in events if isinstance(event, StreamError)), None)
        if error is None or self._begun or self.cancelled_at is not None:
            return events
        if any(isinstance(event, _TOKENS) for event in events[: events.index(error)]):
            return events  # one read brought both
        pause = self._policy.pause(error, self._failed + 1)
        if pause is None:
            return events
        self._failed += 1
        self._pause = pause
        self._loop.call_soon_threadsafe(self._cancel)
        return [Notice("retry", _retry_text(error, pause, self._failed, self._policy.retries))]

    def _one(self, event: Event, now: float) -> None:
        if isinstance(event, Finish):
            self._ended = now
        if not (isinstance(event, Notice) and event.kind in _NO_FRAMES):
            self._meter.observe(event, now)
        self.completion.add(event)
        self._coalescer.push(event)


def _numbered(event: Event, calls: int) -> Event:
    """The same; a call's after so many of the turns before."""
    if isinstance(event, (ToolCallStart, ToolCallDelta, ToolCallEnd)):
        return replace(event, index=event.index + calls)
    return event


_TOKENS = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallStart, ChoiceDelta, ValueDelta)
_CUT = ("budget", "invalid")
_NO_FRAMES = (
    "phase",
    "loading",
    "rate_limit",
    "request_id",
    "retry",
)  # said beside the stream, not in it
_WHY = {
    "ConnectionLost": "connection lost",
    "Overloaded": "overloaded",
    "RateLimited": "rate limit",
    "ServerError": "server error",
}


def _retry_text(error: StreamError, pause: float, failed: int, retries: int) -> str:
    why = _WHY.get(error.kind, "refused")
    return f"{why}; trying again in {pause:.1f} s ({failed} of {retries})"


def _stream_error(exc: BaseException) -> StreamError:
    kind = type(exc).__name__
    if not isinstance(exc, errors.IpyllmError):
        return StreamError(kind, f"{kind}: {exc}")
    if not isinstance(exc, errors.ServiceError):
        return StreamError(kind, str(exc))
    return StreamError(
        kind, str(exc), status=exc.status, retry_after=exc.retry_after, retry=exc.retry
    )
