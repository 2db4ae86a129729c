"""Bytes to events to a Reply: no network, no clock."""

from __future__ import annotations

import pytest

import ipyllm
from ipyllm.errors import UsageError
from ipyllm.events import (
    Finish,
    ReasoningDelta,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)

CHUNKS = [
    b'data: {"choices":[{"delta":{"content":"He',
    b'llo"}}]}\n\ndata: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
]


def test_decoding_ends_in_a_finish():
    """Chunks cut anywhere give the events of the stream."""
    assert list(ipyllm.decode("openai_chat", CHUNKS)) == [
        TextDelta("Hello"),
        Finish("stop", "stop"),
    ]


def test_events_come_as_soon_as_their_bytes():
    """Nothing is read ahead."""
    read: list[bytes] = []

    def chunks():
        for chunk in CHUNKS:
            read.append(chunk)
            yield chunk

    assert next(ipyllm.decode("openai_chat", chunks())) == TextDelta("Hello")
    assert read == CHUNKS[:2]


def test_an_unknown_api_is_refused_at_once():
    """Before any byte is read, with the names there are."""
    with pytest.raises(UsageError, match=r"No API named 'openai'\. Known: .*openai_chat"):
        ipyllm.decode("openai", [])


@pytest.mark.parametrize("name", ["../wire/sse", "openai_chat.Decoder", "", "__init__"])
def test_only_names_of_apis_are_imported(name):
    """A name is looked up, not executed."""
    with pytest.raises(UsageError):
        ipyllm.decode(name, [])


def test_folding_gives_a_reply():
    """Events add up to the text and all that is known about it."""
    reply = ipyllm.fold(
        [ReasoningDelta("hm"), TextDelta("a"), TextDelta("b"), Usage(1, 5), Finish("length", "max")]
    )
    assert (reply, reply.reasoning, reply.finish_reason) == ("ab", "hm", "length")
    assert (reply.timing.tokens, reply.timing.estimated) == (5, False)
    assert reply.timing.ttft is None


def test_folding_counts_deltas_where_nothing_else_does():
    """Without usage, tokens are an estimate and marked as one."""
    events = [
        TextDelta("a"),
        ToolCallStart(0, "c", ""),
        ToolCallDelta(0, "{}"),
        Finish("tool_calls"),
    ]
    timing = ipyllm.fold(events).timing
    assert (timing.tokens, timing.estimated) == (2, True)


def test_folding_without_an_end_is_truncated():
    """A part of the events makes no whole answer."""
    assert ipyllm.fold([TextDelta("a")]).finish_reason == "truncated"
    assert ipyllm.fold([]) == ""


def test_folding_raises_no_error_of_the_service():
    """The error is in the reply."""
    error = StreamError("ServerError", "Boom")
    assert ipyllm.fold([error, Finish("error")]).error == error
