"""Reading the notebook's own objects: in which thread, and how a reading is stopped."""

from __future__ import annotations

import asyncio
import gc
import itertools
import operator
import signal
import threading
import traceback
from collections.abc import AsyncIterator, Iterator

import pytest

import ipyllm
from ipyllm import errors
from ipyllm.events import Finish, ReasoningDelta, TextDelta
from ipyllm.request import Request
from ipyllm.run.cancel import Interrupts
from ipyllm.run.policy import Policy
from ipyllm.run.pull import PythonSource, pumped
from ipyllm.run.pump import Run
from ipyllm.run.reply import Reply
from ipyllm.run.sink import NullSink
from ipyllm.run.source import source_for
from ipyllm.transport.limits import Limits
from ipyllm.transport.loop import network_loop

LIMIT = 20.0  # seconds
REQUEST = Request("", ({"role": "user", "content": "Hi"},), "Be brief.", {"n": 1})
MAIN = threading.main_thread()


class Here:
    """One answer, read in this thread as `%%llm` does."""

    def __init__(self, found: object, *, timeout: float | None = None, **options: object) -> None:
        self.source = PythonSource("python/it", found, REQUEST, Limits(total=timeout))
        self.run = Run(self.source, NullSink(), **options)
        self.hit = False
        before = signal.getsignal(signal.SIGINT)
        try:
            with Interrupts(self.run.cancel) as interrupts:
                self.reply = pumped(self.run, self.source, interrupts)
            self.hit = interrupts.hit
        finally:
            signal.signal(signal.SIGINT, before)


def interrupt(times: int = 1) -> None:
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


def in_background(found: object) -> Reply:
    run = Run(PythonSource("python/it", found, REQUEST, Limits()), NullSink())
    run.start()
    return run.pump()


def one_two() -> Iterator[str]:
    yield "one "
    yield "two"


async def a_one_two() -> AsyncIterator[str]:
    yield "one "
    await asyncio.sleep(0)
    yield "two"


async def awaited() -> str:
    return "one two"


async def awaited_iterator() -> Iterator[str]:
    return one_two()


WHOLE = {
    "generator": one_two(),
    "generator function": one_two,
    "iterator": iter(["one ", "two"]),
    "list": ["one ", "two"],
    "str": lambda: "one two",
    "async generator": a_one_two,
    "gives an async one": lambda messages: a_one_two(*messages[:0]),
    "coroutine function": awaited,
    "awaitable iterator": awaited_iterator,
}


@pytest.mark.parametrize("kind", WHOLE)
def test_all_kinds_are_read_to_their_end(kind):
    """In the thread that waits, or on the loop."""
    here = Here(WHOLE[kind])
    assert (here.reply, here.reply.finish_reason, here.hit) == ("one two", "stop", False)
    assert here.run.bug is None


@pytest.mark.parametrize("kind", [kind for kind in WHOLE if "function" in kind or " a" in kind])
def test_all_kinds_are_read_in_the_background(kind):
    """By a plain thread, or on the loop."""
    reply = in_background(WHOLE[kind])
    assert (reply, reply.finish_reason) == ("one two", "stop")


def test_each_str_is_a_token():
    """Counted, as there is no usage; empty ones are none."""
    reply = Here(lambda: iter(["a", "", "b", "c"])).reply
    assert (reply.timing.tokens, reply.timing.estimated) == (3, True)


def test_the_users_code_runs_in_the_thread_that_waits():
    """The call and each next: an interrupt could reach it nowhere else."""
    seen: list[threading.Thread] = []

    def noted() -> Iterator[str]:
        seen.append(threading.current_thread())
        yield "a"
        seen.append(threading.current_thread())

    Here(noted)
    assert seen == [MAIN, MAIN]
    in_background(noted)
    assert MAIN not in seen[2:]


def test_what_is_yielded_is_shown_while_the_next_is_waited_for():
    """The pump runs on while the user's code blocks."""
    shown = threading.Event()
    clock = itertools.count()

    class Seen(NullSink):
        def emit(self, batch: object) -> None:
            if getattr(batch, "pieces", ()):
                shown.set()

    def blocked() -> Iterator[str]:
        yield "a"
        assert shown.wait(LIMIT)
        yield "b"

    source = PythonSource("python/it", blocked, REQUEST, Limits())
    run = Run(source, Seen())
    with Interrupts(run.cancel) as interrupts:
        assert pumped(run, source, interrupts) == "ab"
    assert next(clock) == 0


def test_events_are_taken_as_they_are():
    """A Finish of its own is the end; what comes after it is not asked for."""
    closed: list[bool] = []

    def events() -> Iterator[object]:
        try:
            yield ReasoningDelta("hm")
            yield "a"
            yield Finish("length", "max")
            yield "never"
        finally:
            closed.append(True)

    reply = Here(events).reply
    assert (reply, reply.reasoning, reply.finish_reason) == ("a", "hm", "length")
    assert closed == [True]


def test_an_interrupt_is_a_keyboard_interrupt_in_the_users_code():
    """His `finally` runs, here; what came is kept."""
    seen: list[object] = []

    def interrupted() -> Iterator[str]:
        try:
            yield "kept"
            interrupt()
        except BaseException as exc:
            seen.append((type(exc), threading.current_thread()))
            raise

    here = Here(interrupted)
    assert (here.reply, here.reply.finish_reason, here.hit) == ("kept", "interrupted", True)
    assert seen == [(KeyboardInterrupt, MAIN)]
    assert here.run.bug is None


def test_an_interrupt_wakes_a_blocked_generator():
    """As one that waits for a lock, in C."""
    seen: list[str] = []

    def blocked() -> Iterator[str]:
        yield "kept"
        try:
            threading.Timer(0, signal.pthread_kill, (MAIN.ident, signal.SIGINT)).start()
            threading.Event().wait(LIMIT)
        finally:
            seen.append("finally")

    here = Here(blocked)
    assert (here.reply, here.reply.finish_reason, seen) == ("kept", "interrupted", ["finally"])


def test_three_interrupts_at_once_lose_nothing():
    """Only the first is raised; the clean-up of the user's code is left alone by the others."""
    seen: list[str] = []

    def pressed() -> Iterator[str]:
        try:
            yield "one "
            yield "two"
            interrupt(3)
        finally:
            interrupt(2)
            seen.append("cleaned")

    here = Here(pressed)
    assert (here.reply, seen) == ("one two", ["cleaned"])


@pytest.fixture
def _no_finalizers() -> Iterator[None]:
    """A KeyboardInterrupt in one is lost: Python only reports it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_finalizers")
def test_an_interrupt_between_two_items_loses_none():
    """An item that was fetched is in the answer, whenever the signal came: 30 moments."""
    main = MAIN.ident
    assert main is not None
    texts = [f"{i} " for i in range(1_000_000)]
    for spin in range(30):
        # In C, where no signal comes between the fetching and the storing.
        items = iter(texts)
        go = threading.Event()

        def press(spin: int = spin, go: threading.Event = go) -> None:
            go.wait(LIMIT)
            for _ in range(spin * 100):
                pass
            for _ in range(3):
                signal.pthread_kill(main, signal.SIGINT)

        def found(items: Iterator[str] = items, go: threading.Event = go) -> Iterator[str]:
            go.set()
            return items

        presser = threading.Thread(target=press)
        presser.start()
        here = Here(found)
        presser.join()
        taken = len(texts) - operator.length_hint(items)
        assert here.hit
        assert here.reply == "".join(texts[:taken])
        assert here.reply.finish_reason == "interrupted"


def test_code_that_swallows_the_interrupt_is_not_asked_again():
    """What it said last is kept; then it is closed."""
    seen: list[str] = []

    def stubborn() -> Iterator[str]:
        try:
            while True:
                try:
                    yield "a"
                    interrupt()
                except KeyboardInterrupt:
                    yield "bye"
        finally:
            seen.append("closed")

    here = Here(stubborn)
    assert here.reply.startswith("abye")
    assert (here.reply.finish_reason, seen) == ("interrupted", ["closed"])


def test_libraries_may_make_another_exception_of_an_interrupt():
    """It is still an interrupt."""

    def wrapped() -> Iterator[str]:
        yield "a"
        try:
            interrupt()
        except KeyboardInterrupt:
            raise RuntimeError("aborted") from None

    here = Here(wrapped)
    assert (here.reply, here.reply.finish_reason, here.run.bug) == ("a", "interrupted", None)


def test_a_stop_from_elsewhere_wakes_the_users_code_too():
    """As the Stop button does; it is no interrupt of the user's."""
    seen: list[type] = []
    runs: list[Run] = []

    def blocked() -> Iterator[str]:
        yield "kept"
        try:
            threading.Thread(target=runs[0].cancel).start()
            threading.Event().wait(LIMIT)
        except BaseException as exc:
            seen.append(type(exc))
            raise

    source = PythonSource("python/it", blocked, REQUEST, Limits())
    runs.append(Run(source, NullSink()))
    with Interrupts(runs[0].cancel) as interrupts:
        reply = pumped(runs[0], source, interrupts)
    assert (reply, reply.finish_reason, seen) == ("kept", "interrupted", [KeyboardInterrupt])
    assert not interrupts.hit


def test_the_time_for_an_answer_can_be_limited():
    """The user's code is woken, and what came is kept."""

    def blocked() -> Iterator[str]:
        yield "kept"
        threading.Event().wait(LIMIT)

    here = Here(blocked, timeout=0.2)
    assert (here.reply, here.reply.finish_reason, here.hit) == ("kept", "error", False)
    assert here.reply.error is not None
    assert here.reply.error.kind == "Timeout"


def test_an_exception_of_the_users_code_is_his_own():
    """What it yielded before is kept; the traceback begins in his code."""

    def failing() -> Iterator[str]:
        yield "kept"
        raise ZeroDivisionError("mine")

    here = Here(failing)
    assert (here.reply, here.reply.finish_reason) == ("kept", "error")
    assert isinstance(here.run.bug, ZeroDivisionError)
    frames = traceback.extract_tb(here.run.bug.__traceback__)
    assert [frame.name for frame in frames] == ["failing"]


def test_an_exception_of_async_code_is_his_own():
    """The same on the loop."""

    async def failing() -> AsyncIterator[str]:
        yield "kept"
        raise ZeroDivisionError("mine")

    here = Here(failing)
    assert (here.reply, here.reply.finish_reason) == ("kept", "error")
    assert isinstance(here.run.bug, ZeroDivisionError)
    assert traceback.extract_tb(here.run.bug.__traceback__)[-1].name == "failing"


def test_async_code_is_cancelled():
    """Where it waits; its `finally` runs."""
    seen: list[str] = []
    waiting = threading.Event()

    async def blocked() -> AsyncIterator[str]:
        try:
            yield "kept"
            waiting.set()
            await asyncio.sleep(LIMIT)
        finally:
            seen.append("finally")

    def press() -> None:
        waiting.wait(LIMIT)
        signal.pthread_kill(MAIN.ident or 0, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    here = Here(blocked)
    presser.join()
    assert (here.reply, here.reply.finish_reason, here.hit) == ("kept", "interrupted", True)
    assert seen == ["finally"]


def test_async_code_that_never_waits_can_be_stopped():
    """It lets others run after each item."""

    async def endless() -> AsyncIterator[str]:
        for number in itertools.count():
            if number == 100:
                signal.pthread_kill(MAIN.ident or 0, signal.SIGINT)
            yield "a"

    here = Here(endless)
    assert here.reply.finish_reason == "interrupted"
    assert here.reply.startswith("a" * 100)


def test_a_callable_is_called_again_for_a_retry():
    """An error of ours before the first token is tried again, as with any source."""
    calls: list[int] = []

    def overloaded() -> Iterator[str]:
        calls.append(1)
        if len(calls) < 3:
            raise errors.Overloaded("Busy.")
        yield "a"

    here = Here(overloaded, policy=Policy(first=0.0))
    assert (here.reply, here.reply.finish_reason, len(calls)) == ("a", "stop", 3)


def test_a_used_iterator_says_so():
    """A second time, it would be an empty answer."""
    used = one_two()
    assert Here(used).reply == "one two"
    for again in (used, iter(())):
        here = Here(again)
        assert here.reply.error is not None
        assert here.reply.error.message.startswith("python/it is used up.")
    empty = Here(lambda: iter(()))
    assert (empty.reply, empty.reply.finish_reason) == ("", "stop")


def test_an_interrupted_generator_is_used_up():
    """It was closed."""

    def endless() -> Iterator[str]:
        yield "a"
        interrupt()
        yield "b"

    generator = endless()
    assert Here(generator).reply == "a"
    again = Here(generator)
    assert again.reply.error is not None
    assert "used up" in again.reply.error.message


def test_items_without_text_are_named():
    """One clear line; what came before is kept, and the generator is closed."""
    closed: list[bool] = []

    def odd() -> Iterator[object]:
        try:
            yield "a"
            yield 3
        finally:
            closed.append(True)

    here = Here(odd)
    assert (here.reply, closed) == ("a", [True])
    assert here.reply.error is not None
    assert here.reply.error.kind == "UsageError"
    assert "gives 3 (int) where text should be" in here.reply.error.message


def test_a_fast_iterator_does_not_fill_the_memory():
    """It waits for the pump: what it is ahead is bounded."""
    most = 0
    runs: list[Run] = []

    def flood() -> Iterator[str]:
        nonlocal most
        for _ in range(200):
            yield "x" * 100_000
            most = max(most, runs[0]._inbox._waiting)

    source = PythonSource("python/it", flood, REQUEST, Limits())
    runs.append(Run(source, NullSink()))
    with Interrupts(runs[0].cancel) as interrupts:
        assert len(pumped(runs[0], source, interrupts)) == 20_000_000
    assert most < 1_000_000


def test_halves_of_a_character_are_joined():
    """As JSON with escapes may give them; a half alone can be neither shown nor sent."""
    assert Here(["\ud83d", "\ude42", "a\ud83d"]).reply == "🙂a\N{REPLACEMENT CHARACTER}"


def test_streaming_an_object():
    """`model=` takes it as it is; the loop gets each item while the next is made."""
    gate = threading.Event()

    def gated() -> Iterator[str]:
        yield "a"
        assert gate.wait(LIMIT)
        yield "b"

    stream = ipyllm.stream("Hi", model=gated)
    events = iter(stream)
    assert next(events) == TextDelta("a")
    gate.set()
    assert [*events] == [TextDelta("b"), Finish("stop")]
    assert stream.reply.model == "python/gated"


def test_cancelling_a_stream_takes_effect_at_the_next_item():
    """The generator is closed then, by the thread that reads it."""
    gate, closed = threading.Event(), threading.Event()

    def gated() -> Iterator[str]:
        try:
            yield "a"
            assert gate.wait(LIMIT)
            yield "b"
            yield "c"
        finally:
            closed.set()

    stream = ipyllm.stream("Hi", model=gated)
    events = iter(stream)
    assert next(events) == TextDelta("a")
    stream.cancel()
    for _ in range(4):  # until the loop has told the reader
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), network_loop()).result()
    gate.set()
    assert stream.reply == "ab"
    assert stream.reply.finish_reason == "interrupted"
    assert closed.wait(LIMIT)


def test_a_bug_is_raised_where_the_stream_is_read():
    """With what came before it."""

    def failing() -> Iterator[str]:
        yield "a"
        raise ZeroDivisionError

    stream = ipyllm.stream("Hi", model=failing)
    assert next(events := iter(stream)) == TextDelta("a")
    with pytest.raises(ZeroDivisionError):
        _ = stream.reply
    assert [*events][-1] == Finish("error")


def test_names_of_the_notebook():
    """Found when the cell runs; one line for what is not there."""
    source = source_for("python/it", REQUEST, Limits(), names={"it": one_two})
    assert (source.model, source.label, source.load) == ("python/it", "python/it", None)
    for spec, names in (("python/it", {}), ("python/", {}), ("python/it", {"it": 3})):
        with pytest.raises(errors.UsageError):
            source_for(spec, REQUEST, Limits(), names=names)
    with pytest.raises(errors.UsageError, match="no notebook"):
        source_for("python/it", REQUEST, Limits())
