"""
The public API as a type checker sees it. Checked by pyright, never executed.

A change that breaks a line here breaks somebody's notebook.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from typing_extensions import assert_type

import ipyllm
from ipyllm import Reply, Stream, Timing, ToolCall
from ipyllm.errors import AuthError, IpyllmError, ServiceError, Stopped
from ipyllm.events import Event, Finish, FinishReason, StreamError, TextDelta, Usage
from ipyllm.request import Message
from ipyllm.run.sink import Sink
from ipyllm.run.source import Source
from ipyllm.testing import FakeClock, ScriptedSource


def streaming() -> None:
    stream = ipyllm.stream(
        "Hi",
        model="openai/gpt-5",
        system="Be brief.",
        messages=[{"role": "user", "content": "Hello"}],
        tools=[{"type": "function"}],
        params={"temperature": 0},
        timeout=ipyllm.Limits(first_byte=10, total=60),
        base_url="http://127.0.0.1:1/v1",
        key_env="KEY",
    )
    assert_type(stream, Stream)
    for event in stream:
        assert_type(event, Event)
    assert_type(iter(stream), Iterator[Event])
    assert_type(stream.cancel(), None)
    assert_type(stream.reply, Reply)


async def streaming_in_async_code() -> None:
    stream = ipyllm.stream(model="local", messages=())
    assert_type(stream.__aiter__(), AsyncIterator[Event])
    async for event in stream:
        assert_type(event, Event)


def asking() -> str:
    reply = ipyllm.ask("Hi", model="local")
    assert_type(reply, Reply)
    assert_type(reply.reasoning, str)
    assert_type(reply.refusal, str)
    assert_type(reply.tool_calls, list[ToolCall])
    assert_type(reply.usage, Usage)
    assert_type(reply.finish_reason, FinishReason)
    assert_type(reply.timing, Timing)
    assert_type(reply.timing.ttft, float | None)
    assert_type(reply.timing.decode_rate, float | None)
    assert_type(reply.model, str)
    assert_type(reply.messages, list[dict[str, Any]])
    assert_type(reply.error, StreamError | None)
    assert_type(reply.raw_events, list[Event])
    assert_type(reply.transcript, list[tuple[str, str]])
    return reply


def decoding(chunks: Iterable[bytes]) -> Reply:
    events = ipyllm.decode("openai_chat", chunks)
    assert_type(events, Iterator[Event])
    return ipyllm.fold(events)


def matching(event: Event) -> str:
    match event:
        case TextDelta(text):
            assert_type(text, str)
            return text
        case Finish(reason, raw):
            assert_type(reason, FinishReason)
            return raw
        case _:
            return ""


def failing() -> None:
    try:
        ipyllm.ask("Hi")
    except AuthError as error:
        assert_type(error.status, int | None)
    except ServiceError as error:
        assert_type(error.hint, str)
    except IpyllmError as error:
        assert_type(error.message, str)
    except Stopped as stopped:
        assert_type(stopped.reply, object)


def testing(sink: Sink) -> None:
    source: Source = ScriptedSource(b"data: [DONE]\n\n", [Finish("stop")], label="x", deaf=True)
    clock = FakeClock()
    assert_type(clock(), float)
    message: Message = {"role": "user", "content": "Hi"}
    del source, sink, message
