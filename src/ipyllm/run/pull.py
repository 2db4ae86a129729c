"""
Answers out of Python objects: who reads them, and how a reading is stopped.

A synchronous iterator is read in the thread that waits for the answer, so that an interrupt lands in
the user's own code (a generator that runs in another thread can be neither interrupted nor closed);
the pump moves to a thread of its own meanwhile. Where nobody waits, a plain thread reads, and a
stop takes effect at the next item. Asynchronous ones are read on the network's loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from ipyllm.events import Event, Finish, Notice, TextDelta
from ipyllm.run import cancel
from ipyllm.run.beside import beside
from ipyllm.run.cancel import Step, nothing, uninterrupted
from ipyllm.run.thread import in_thread
from ipyllm.transport import iterator
from ipyllm.transport.iterator import Items, called, kind_of, named, refuse_used
from ipyllm.transport.limits import Limits, Watchdog
from ipyllm.wire.surrogates import SurrogateJoiner

if TYPE_CHECKING:
    from types import TracebackType

    from ipyllm.request import Message, Request
    from ipyllm.run.cancel import Interrupts
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply
    from ipyllm.run.source import Deliver
    from ipyllm.transport.connection import Connection
    from ipyllm.transport.http import Marks

__all__ = ("PythonSource", "Reading", "named", "pumped")

_GIVE_UP = 2.0  # seconds a stopped reading may take to give what it has
_HELD = 1.0  # seconds a reader waits at most for a pump that has fallen behind


class PythonSource:
    """
    An object of the notebook: `found`, called or iterated anew for each attempt.

    * `readings`: where to leave them for the thread that reads; None: a plain thread is made.
    """

    def __init__(self, spec: str, found: Any, request: Request, limits: Limits) -> None:
        if not callable(found):
            kind_of(found, spec)  # refuse now what reading would refuse later
        self.model = self.label = spec
        self.load: float | None = None
        self.gauge: tuple[float, str, bool] | None = None
        self.readings: SimpleQueue[Reading | None] | None = None
        self._found = found
        self._request = request
        self._limits = Limits(connect=None, idle=None, total=limits.total)
        self._reading: Reading | None = None
        self._joiner = SurrogateJoiner()

    async def run(self, deliver: Deliver, marks: Marks) -> None:
        """Wait for whoever reads; read what is asynchronous here."""
        marks.sent = marks.clock()
        deliver([Notice("phase", "waiting")])
        reading = self._reading = Reading(self._found, self._request, self.model, deliver)
        # What the pump knows of a connection is how to hold it back.
        marks.connection = cast("Connection", reading.flow)
        watchdog = Watchdog(self._limits)
        try:
            await reading.attend(self.readings)
        except asyncio.CancelledError:
            if watchdog.expired:
                raise watchdog.expired from None
            raise
        finally:
            watchdog.stop()

    def decode(self, chunk: bytes) -> list[Event]:
        """As `Source.decode`: text travels as bytes, which the inbox counts."""
        text = self._joiner.feed(chunk.decode("utf-8", "surrogatepass"))
        return [TextDelta(text)] if text else []

    def close(self) -> list[Event]:
        """As `Source.close`; an iterator that is exhausted has said all."""
        rest = self._joiner.close()
        events: list[Event] = [TextDelta(rest)] if rest else []
        if self._reading is None or not self._reading.exhausted:
            if self._reading is not None:
                self._reading.show_only_theirs()
            return [*events, Finish("truncated")]
        return [*events, Finish("stop")]

    def more(self, messages: Sequence[Message]) -> PythonSource:
        """As `Source.more`: a function is called again; whoever reads goes on reading."""
        asked = self._request.after(messages)
        following = PythonSource(self.model, self._found, asked, self._limits)
        following.readings = self.readings
        return following


class _Flow:
    """Holds the reader back while the pump is behind."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()

    def pause(self) -> None:
        self.open.clear()

    def resume(self) -> None:
        self.open.set()


class Reading:
    """
    One object, called and read once.

    `read` blocks in the user's code; `attend` waits for it on the network's loop, and goes on there
    with what is asynchronous.

    * `exhausted`: it was read to its end.
    """

    def __init__(self, found: Any, request: Request, name: str, deliver: Deliver) -> None:
        self.exhausted = False
        self.flow = _Flow()
        self._found = found
        self._request = request
        self._name = name
        self._deliver = deliver
        self._items = Items(name)
        self._stopping = False
        self._over = False  # a Finish came
        self._count = 0
        self._poke: Callable[[], None] = nothing
        self._failure: BaseException | None = None
        self._trace: TracebackType | None = None
        self._loop = asyncio.get_running_loop()
        self._handed: asyncio.Future[Any] = self._loop.create_future()

    # the reading thread -------------------------------------------------------------

    def read(self, step: Step, poke: Callable[[], None]) -> None:
        """
        Call the object and read it to its end, unless it is asynchronous.

        `step` runs the user's code; `poke` makes an interrupt in it.
        """
        self._poke = poke
        got: list[Any] = []
        rest = None
        try:
            if step(lambda: got.append(called(self._found, self._request, self._name))) and got:
                rest = self._read(got[0], step)
        except BaseException as exc:  # noqa: BLE001 - the user's code may raise anything
            self._fail(exc)
        finally:
            self._poke = nothing
            self._loop.call_soon_threadsafe(self._hand, rest)

    def _read(self, result: Any, step: Step) -> Any:
        """Give back what only the loop can read; None if nothing is left."""
        match kind_of(result, self._name):
            case "item":
                self._take(result)
                self._end()
            case "iterable":
                refuse_used(result, self._name)
                self._iterate(result, step)
            case _:
                return result
        return None

    def _iterate(self, result: Any, step: Step) -> None:
        made: list[Any] = []
        step(lambda: made.append(iter(result)))
        if not made:
            return
        items = made[0]
        try:
            while not (self._stopping or self._over):
                # Stored in the same call in C that fetches it: no interrupt comes between.
                arrived: list[Any] = []
                alive = step(lambda arrived=arrived: arrived.extend(islice(items, 1)))
                for item in arrived:
                    self._take(item)
                if not alive:
                    return
                if not arrived:
                    self._end()
                    return
                if not self.flow.open.is_set():
                    self.flow.open.wait(_HELD)
                    self.flow.open.set()
        finally:
            if not self.exhausted and callable(close := getattr(items, "close", None)):
                step(close)

    def _take(self, item: Any) -> None:
        self._count += 1
        if isinstance(item, str):
            if item:
                self._deliver(item.encode("utf-8", "surrogatepass"))
            return
        events = self._items.events(item)
        if events:
            self._deliver(events)
        self._over = self._over or any(isinstance(event, Finish) for event in events)

    def _end(self) -> None:
        # An iterator that gives nothing at all has been read before.
        if not self._count and iterator.is_iterator(self._found):
            raise iterator.used_up(self._name)
        if events := self._items.end():
            self._deliver(events)
        self.exhausted = True

    def _fail(self, exc: BaseException) -> None:
        trace = exc.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename in _OURS:
            trace = trace.tb_next
        self._failure, self._trace = exc, trace or exc.__traceback__

    def show_only_theirs(self) -> None:
        """Leave the user's own frames in the traceback of what his code raised."""
        if self._failure is not None:
            self._failure.__traceback__ = self._trace

    # the network's thread -------------------------------------------------------------

    async def attend(self, readings: SimpleQueue[Reading | None] | None) -> None:
        """Have it read; go on with what is asynchronous. Raises: what the user's code raised."""
        if readings is not None:
            readings.put(self)
        else:
            self._read_in_a_thread()
        rest = await self._until_handed()
        while rest is not None:
            match kind_of(rest, self._name):
                case "async":
                    rest = await self._iterate_async(rest)
                case "awaitable":
                    rest = await self._awaited(rest)
                case _:  # what an awaitable gave
                    rest = await self._read_rest(rest)

    def _read_in_a_thread(self) -> None:
        in_thread(lambda: self.read(uninterrupted, nothing), "ipyllm-reader")

    async def _read_rest(self, rest: Any) -> Any:
        self._found, self._handed = (lambda: rest), self._loop.create_future()
        self._read_in_a_thread()
        return await self._until_handed()

    async def _until_handed(self) -> Any:
        try:
            await asyncio.wait([self._handed])
        except asyncio.CancelledError:
            self._stop()
            deadline = self._loop.time() + _GIVE_UP
            while not self._handed.done() and (left := deadline - self._loop.time()) > 0:
                with suppress(asyncio.CancelledError):  # it is said again and again
                    await asyncio.wait([self._handed], timeout=left)
            raise
        if self._failure is not None:
            raise self._failure
        return self._handed.result()

    def _stop(self) -> None:
        self._stopping = True
        self.flow.resume()
        self._poke()

    def _hand(self, rest: Any) -> None:
        if not self._handed.done():
            self._handed.set_result(rest)

    async def _awaited(self, rest: Any) -> Any:
        try:
            return await rest
        except Exception as exc:
            self._fail(exc)
            raise

    async def _iterate_async(self, rest: Any) -> None:
        items = aiter(rest)
        try:
            async for item in items:
                self._take(item)
                if self._over:
                    return
                # One that never waits would let nothing else run, a cancel neither.
                await asyncio.sleep(0)
                while not self.flow.open.is_set():  # noqa: ASYNC110 - threads set it
                    await asyncio.sleep(0.01)
            self._end()
        except Exception as exc:
            self._fail(exc)
            raise
        finally:
            if not self.exhausted and callable(close := getattr(items, "aclose", None)):
                await cast("Any", close())


def pumped(run: Run, source: PythonSource, interrupts: Interrupts) -> Reply:
    """
    Start `run`; read `source` in this thread while another one pumps, to the end of both.

    Raises:
        BaseException: whatever the pump raised.
    """
    readings: SimpleQueue[Reading | None] = SimpleQueue()
    source.readings = readings

    def read() -> None:
        while (reading := _next(readings)) is not None:
            reading.read(interrupts.run, interrupts.poke)

    return beside(run, read, ended=lambda: readings.put(None))


def _next(readings: SimpleQueue[Reading | None]) -> Reading | None:
    while True:
        with suppress(Empty):
            return readings.get(timeout=0.2)  # in slices: Windows cannot interrupt a wait


_OURS = (__file__, cancel.__file__, iterator.__file__)
