"""
The pump: starts the network's part of a run, and moves events to the sink.

Two threads meet here and nowhere else: the network loop delivers events into the inbox;
the pumping thread (the kernel's main one, or a background one) observes and shows them.
"""

from __future__ import annotations

import asyncio
import time
from threading import Lock
from typing import TYPE_CHECKING

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
    ToolCallStart,
)
from ipyllm.run.batch import Batch
from ipyllm.run.coalesce import Coalescer
from ipyllm.run.completion import Completion
from ipyllm.run.inbox import Inbox
from ipyllm.run.metrics import Meter, Timing
from ipyllm.run.policy import Policy
from ipyllm.run.reply import Reply
from ipyllm.transport.http import Marks
from ipyllm.transport.loop import network_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipyllm.request import Message
    from ipyllm.run.sink import Sink
    from ipyllm.run.source import Source

__all__ = ("Run",)

_GIVE_UP = 2.0  # seconds for the network to let go of a cancelled request
_CANCEL_AGAIN = 0.1  # seconds
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
    ) -> None:
        self.source = source
        self.asked = asked
        self.completion = Completion()
        self.lock = Lock()  # held while events are added; views read snapshots under it
        self.cancelled_at: float | None = None
        self.tee: Callable[[list[Event]], None] | None = None
        self._sinks = [sink]
        self._joining: list[Sink] = []
        self._clock = clock
        self._loop = loop or network_loop()
        self._marks = Marks(clock)
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

    # any thread -------------------------------------------------------------------

    def start(self) -> None:
        """Begin; returns at once."""
        self._started = self._clock()
        for sink in self._sinks:
            sink.open(self)
        self._loop.call_soon_threadsafe(self._spawn)

    def cancel(self) -> None:
        """Stop: the connection is closed within a millisecond or so. Safe in a signal handler."""
        if self.cancelled_at is None:
            self.cancelled_at = self._clock()
            self._loop.call_soon_threadsafe(self._cancel)

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
    def label(self) -> str:
        """What people see as the model's name."""
        return self.source.label

    def timing(self, end: float | None = None) -> Timing:
        """Timing so far, or as of `end`."""
        marks = self._marks
        connect = None
        if marks.connected is not None and marks.connecting is not None:
            connect = marks.connected - marks.connecting
        return self._meter.timing(
            sent=self._sent,
            end=self._clock() if end is None else end,
            connect=connect,
            headers=marks.headers,
            load=self.source.load,
            waited=None if self._first_sent is None else self._sent - self._first_sent,
        )

    @property
    def _sent(self) -> float:
        return self._started if self._marks.sent is None else self._marks.sent

    # the network's thread ---------------------------------------------------------

    def _spawn(self, pause: float = 0.0) -> None:
        inbox = self._inbox
        if self._failed and self.cancelled_at is not None:  # cancelled between two attempts
            inbox.close()
            return
        self._task = self._loop.create_task(self._produce(pause))
        # Not in the task itself: one that is cancelled before its first step never runs.
        self._task.add_done_callback(lambda _: inbox.close())

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

    def _deliver(self, item: bytes | list[Event]) -> None:
        self._inbox.put(self._clock(), item)
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
        while True:
            while not self._over():
                self._step()
            self._finish()
            if self._pause is None:
                break
            self._again(self._pause)
        self._flush()
        timing = self.timing(self._ended)
        return Reply.of(
            self.completion, timing, model=self.source.model, label=self.label, asked=self.asked
        )

    def _over(self) -> bool:
        if self._inbox.closed:
            return True
        if self.completion.finish is not None:
            return self._clock() - self._ended > _LINGER
        return self.cancelled_at is not None and self._clock() - self.cancelled_at > _GIVE_UP

    def _step(self) -> None:
        if self.completion.finish is not None:
            # All is there; what is waited for is only the end of the response.
            self._flush()
            self._inbox.wait(_LINGER)
            return
        if self._meter.started:
            # One wake-up a batch: what comes within the interval is found when it is over.
            self._inbox.wait(self._coalescer.due(self._clock()))
            self._observe()
            ended = self.completion.finish is not None
            if self._coalescer.due(self._clock()) or self._flush() or ended:
                return
        self._inbox.wait_for_any()
        self._observe()
        if not self._coalescer.due(self._clock()):
            self._flush()

    def _again(self, pause: float) -> None:
        """Ask once more, as if nothing had been asked."""
        if self._first_sent is None:
            self._first_sent = self._sent
        self._pause = self._failure = None
        self._undecodable = self._paused = False
        self._inbox, self._marks = Inbox(), Marks(self._clock)
        self._loop.call_soon_threadsafe(self._spawn, pause)

    def _finish(self) -> None:
        """Nothing more comes: bring the answer, or this attempt, to its one end."""
        self._observe()
        if self._pause is not None:
            return
        if self.completion.finish is not None:
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
        ms = round(1e3 * (self._meter.last - self._sent)) if self._meter.started else 0
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

    def _decoded(self, chunk: bytes) -> list[Event]:
        if self.completion.finish is not None or self._undecodable:
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
            if self.completion.finish is not None or self._pause is not None:
                return  # an end is an end: a cancel that came too late changes nothing
            events = self._refused(events)
            for event in events:
                self._one(event, now)
            if self.tee is not None:
                self.tee(events)

    def _refused(self, events: list[Event]) -> list[Event]:
        """The same events; a notice in place of an error after which it is tried again."""
        error = next((event for event in events if isinstance(event, StreamError)), None)
        if error is None or self._meter.started or self.cancelled_at is not None:
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


_TOKENS = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallStart, ChoiceDelta)
_NO_FRAMES = ("phase", "rate_limit", "request_id", "retry")  # said beside the stream, not in it
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
