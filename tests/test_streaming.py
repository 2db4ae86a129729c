"""Streaming from Python: iterated early or late, in a loop or in async code, stopped or failing."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from mock_server import End, Hold, Token

import ipyllm
from ipyllm import errors
from ipyllm.events import Finish, ReasoningDelta, StreamError, TextDelta
from ipyllm.run.reply import Reply
from ipyllm.streaming import Stream
from ipyllm.testing import ScriptedSource

LIMIT = 20.0  # seconds
ASKED = [{"role": "user", "content": "Hi"}]
HELLO = ([TextDelta("Hel")], [TextDelta("lo")], [Finish("stop")])
EVENTS = [TextDelta("Hel"), TextDelta("lo"), Finish("stop")]


def text(piece: str) -> bytes:
    return f'data: {{"choices":[{{"delta":{{"content":{json.dumps(piece)}}}}}]}}\n\n'.encode()


def test_events_come_in_order():
    """The last one is the Finish; the run's own phases are not among them."""
    assert list(Stream(ScriptedSource(*HELLO), ASKED)) == EVENTS


def test_events_come_while_the_answer_streams():
    """A token is there before the next is sent."""
    gate = threading.Event()
    events = iter(Stream(ScriptedSource([TextDelta("Hel")], gate, *HELLO[1:]), ASKED))
    assert next(events) == TextDelta("Hel")
    gate.set()
    assert list(events) == EVENTS[1:]


def test_iterating_late_gives_all_events():
    """The run goes on while nobody looks; whoever looks later misses nothing."""
    stream = Stream(ScriptedSource(*HELLO), ASKED)
    assert stream.reply == "Hello"
    assert list(stream) == EVENTS
    assert list(stream) == EVENTS


def test_two_readers_get_all_events():
    """Reading along takes nothing away."""
    gate = threading.Event()
    stream = Stream(ScriptedSource(HELLO[0], gate, *HELLO[1:]), ASKED)
    one, two = iter(stream), iter(stream)
    assert next(one) == next(two) == EVENTS[0]
    gate.set()
    assert list(two) == list(one) == EVENTS[1:]


def test_readers_that_come_at_any_moment_get_each_event_once():
    """Between what came before and what comes next nothing is lost or doubled."""
    deltas = [[TextDelta(str(i))] for i in range(300)]
    stream = Stream(ScriptedSource(*deltas, [Finish("stop")]), ASKED)
    seen: list[list[object]] = []
    readers = [threading.Thread(target=lambda: seen.append(list(stream))) for _ in range(20)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    expected = [*(delta for (delta,) in deltas), Finish("stop")]
    assert all(events == expected for events in seen)
    assert len(seen) == 20


async def test_async_iteration():
    """The same events for `async for`."""
    assert [event async for event in Stream(ScriptedSource(*HELLO), ASKED)] == EVENTS


@pytest.mark.parametrize(
    "steps, finish",
    [
        ([text("a")], Finish("truncated")),
        ([text("a"), errors.ConnectionLost("cut")], Finish("error")),
    ],
    ids=["truncated", "error"],
)
def test_every_stream_ends_in_a_finish(steps, finish):
    """Also one that the service never finished."""
    *_, last = Stream(ScriptedSource(*steps), ASKED)
    assert last == finish


def test_cancel_keeps_what_came():
    """The stream ends, and the reply has what was there."""
    stream = Stream(ScriptedSource(HELLO[0], threading.Event()), ASKED)
    events = iter(stream)
    assert next(events) == TextDelta("Hel")
    stream.cancel()
    assert list(events) == [Finish("interrupted")]
    assert (stream.reply, stream.reply.finish_reason) == ("Hel", "interrupted")


def test_a_loop_that_is_left_stops_the_answer():
    """Nobody wants the rest: the service is not made to write it."""
    source = ScriptedSource(HELLO[0], threading.Event())
    stream = Stream(source, ASKED)
    for _event in stream:
        break
    assert stream.reply.finish_reason == "interrupted"
    assert source.cancelled.wait(30)


async def test_an_async_loop_that_is_left_stops_the_answer():
    """The same for `async for`, once its iterator is closed."""
    stream = Stream(ScriptedSource(HELLO[0], threading.Event()), ASKED)
    events = stream.__aiter__()
    assert await anext(events) == TextDelta("Hel")
    await events.aclose()
    assert stream.reply.finish_reason == "interrupted"


def test_the_reply_has_the_conversation():
    """What was asked, and the answer at its end."""
    reply = Stream(ScriptedSource([ReasoningDelta("hm")], *HELLO), ASKED).reply
    assert reply.messages == [*ASKED, {"role": "assistant", "content": "Hello"}]
    assert reply.reasoning == "hm"


def test_an_error_is_raised_with_what_came():
    """The exception is the error's own class; its reply has the text."""
    stream = Stream(ScriptedSource(text("Hel"), errors.RateLimited("Too many.", status=429)), ASKED)
    with pytest.raises(errors.RateLimited, match="Too many") as caught:
        _ = stream.reply
    assert caught.value.reply == "Hel"
    assert caught.value.status == 429


def test_a_bug_of_a_source_is_raised_where_the_stream_is_read():
    """It is not lost in a thread, and nobody waits for ever."""
    stream = Stream(ScriptedSource(*HELLO[:1], ZeroDivisionError()), ASKED)
    first, error, end = list(stream)
    assert (first, end) == (TextDelta("Hel"), Finish("error"))
    assert isinstance(error, StreamError)
    with pytest.raises(ZeroDivisionError):
        _ = stream.reply


@pytest.fixture
def press() -> Iterator[Callable[[], None]]:
    """Give a function that sends SIGINT once the main thread waits with a handler of ours."""
    before = signal.getsignal(signal.SIGINT)
    main = threading.main_thread().ident
    assert main is not None

    def once_it_waits() -> None:
        while signal.getsignal(signal.SIGINT) is before:
            time.sleep(0.001)
        signal.pthread_kill(main, signal.SIGINT)

    presser = threading.Thread(target=once_it_waits)
    yield presser.start
    presser.join()
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_while_waiting_stops_the_answer(press):
    """Ctrl-C at `.reply` is Stopped, with what came."""
    stream = Stream(ScriptedSource(HELLO[0], press, threading.Event()), ASKED)
    with pytest.raises(errors.Stopped) as caught:
        _ = stream.reply
    assert isinstance(caught.value.reply, Reply)
    assert (caught.value.reply, caught.value.reply.finish_reason) == ("Hel", "interrupted")


def test_an_interrupt_in_a_loop_stops_the_answer(press):
    """The loop gets what came and the Finish, then Stopped is raised."""
    seen: list[object] = []
    looping = threading.Event()
    stream = Stream(ScriptedSource(HELLO[0], looping, press, threading.Event()), ASKED)

    def loop() -> None:
        for event in stream:
            seen.append(event)
            looping.set()

    with pytest.raises(errors.Stopped) as caught:
        loop()
    assert seen == [TextDelta("Hel"), Finish("interrupted")]
    assert caught.value.reply == "Hel"


@pytest.fixture
def asked(mock, monkeypatch):
    """Make `vllm/...` the scripted server."""
    monkeypatch.setenv("VLLM_BASE_URL", mock.base_url)
    monkeypatch.delenv("IPYLLM_MODEL", raising=False)
    return mock


def test_asking_a_server(asked):
    """From the prompt to the reply, over a real socket."""
    asked.answer(Token("Hel"), Token("lo"), End())
    reply = ipyllm.ask("Hi", model="vllm/m", system="Be brief.", params={"temperature": 0})
    assert (reply, reply.finish_reason, reply.model) == ("Hello", "stop", "vllm/m")
    assert reply.timing.ttft is not None
    sent = asked.exchange().json
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    assert (sent["model"], sent["temperature"], sent["stream"]) == ("m", 0, True)


def test_a_conversation_goes_on(asked):
    """The reply's messages are the next question's."""
    asked.answer(Token("Hello"), End())
    asked.answer(Token("Fine"), End())
    first = ipyllm.ask("Hi", model="vllm/m")
    second = ipyllm.ask("How are you?", model="vllm/m", messages=first.messages)
    assert second == "Fine"
    roles = [message["role"] for message in asked.exchange(1).json["messages"]]
    assert roles == ["user", "assistant", "user"]


def test_the_default_model_is_that_of_the_environment(asked, monkeypatch):
    """`IPYLLM_MODEL` is asked where no model is named."""
    monkeypatch.setenv("IPYLLM_MODEL", "vllm/default")
    asked.answer(Token("a"), End())
    assert ipyllm.ask("Hi").model == "vllm/default"


@pytest.mark.parametrize("messages", ["hello", ["x"], [{"content": "x"}]], ids=repr)
def test_what_is_no_conversation_is_refused(messages):
    """With the form it should have."""
    with pytest.raises(errors.UsageError, match="is no message"):
        ipyllm.ask(messages=messages, model="vllm/m")


@pytest.mark.parametrize("timeout", [0, -1, ipyllm.Limits(first_byte=0)], ids=repr)
def test_no_time_is_refused(timeout):
    """Before anything is sent; the limit is named."""
    with pytest.raises(errors.UsageError, match="leaves no time"):
        ipyllm.ask("Hi", model="vllm/m", timeout=timeout)


def test_a_phase_can_be_limited(mock, monkeypatch):
    """A prompt that takes too long to read ends by the limit of the first byte."""
    monkeypatch.setenv("VLLM_BASE_URL", mock.base_url)
    mock.answer(Hold())
    with pytest.raises(errors.Timeout, match="No first byte"):
        ipyllm.ask("Hi", model="vllm/m", timeout=ipyllm.Limits(first_byte=0.1))


def test_the_time_for_an_answer_can_be_limited(asked):
    """What came until then is in the error's reply."""
    gate = asked.gate()
    asked.answer(Token("Hel"), Hold(gate), End())
    with pytest.raises(errors.Timeout) as caught:
        ipyllm.ask("Hi", model="vllm/m", timeout=0.5)
    assert caught.value.reply == "Hel"
    gate.open()


def test_nothing_to_ask_is_refused():
    """Before anything is sent."""
    with pytest.raises(errors.UsageError, match="nothing to ask"):
        ipyllm.stream()


def test_an_unknown_provider_is_refused_at_once():
    """Where it is called, not where it is read."""
    with pytest.raises(errors.UsageError, match="Unknown provider"):
        ipyllm.stream("Hi", model="nobody/m")


def test_a_cancelled_async_for_leaves_no_thread_behind():
    """`asyncio.run` joins it at its end, and would wait for ever."""

    async def read(stream: Stream) -> None:
        async for _ in stream:
            first.set()

    async def main() -> None:
        reading = asyncio.ensure_future(read(Stream(ScriptedSource(HELLO[0], held), ASKED)))
        await asyncio.to_thread(first.wait, LIMIT)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    held, first = threading.Event(), threading.Event()
    runner = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    runner.start()
    runner.join(LIMIT)
    assert not runner.is_alive()


def test_partials_are_the_value_as_it_grows():
    """Plain Python, a copy each; the typed value is the reply's."""
    pieces = ['{"va', 'lue": [1, 2', "0, 3", "]}"]
    stream = ipyllm.stream("Numbers?", model=lambda: iter(pieces), schema=list[int])
    partials = list(stream.partials())
    assert partials[-1] == {"value": [1, 20, 3]}
    assert all(one is not other for one, other in pairwise(partials))
    assert stream.reply.value == [1, 20, 3]


def test_partials_that_are_left_end_the_stream():
    stopped = threading.Event()

    def endless():
        try:
            yield '{"value": ['
            while True:
                yield "1, "
        finally:
            stopped.set()

    stream = ipyllm.stream("Numbers?", model=endless, schema=list[int])
    for _ in stream.partials():
        break
    assert stopped.wait(30)
    assert stream.reply.finish_reason == "interrupted"
