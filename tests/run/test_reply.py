"""The variable a cell leaves behind."""

from __future__ import annotations

import copy
import pickle

import pytest

from ipyllm.decoding import fold
from ipyllm.events import (
    Finish,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Timing
from ipyllm.run.reply import Reply, ToolCall

EVENTS = [
    ReasoningDelta("hm"),
    TextDelta("Hel"),
    TextDelta("lo"),
    ToolCallStart(0, "c1", "add"),
    ToolCallDelta(0, '{"a":1}'),
    Usage(3, 4, raw={"x": 1}),
    StreamError("ServerError", "Boom"),
    Finish("error", "oops"),
]


def replied(*events, **more) -> Reply:
    completion = Completion()
    for event in events:
        completion.add(event)
    return Reply.of(completion, Timing(total=1.5, tokens=4), **more)


def test_a_reply_is_its_text():
    """It can be used wherever a string can."""
    reply = fold(EVENTS)
    assert reply == "Hello"
    assert isinstance(reply, str)
    assert f"{reply.upper()}!" == "HELLO!"
    assert type(str(reply)) is str


def test_a_reply_knows_the_rest():
    """Reasoning, calls, usage and the end are attributes."""
    reply = replied(*EVENTS, model="m/x", asked=[{"role": "user", "content": "Hi"}])
    assert reply.reasoning == "hm"
    assert reply.tool_calls == [ToolCall("c1", "add", '{"a":1}')]
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (3, 4)
    assert reply.finish_reason == "error"
    assert reply.error == StreamError("ServerError", "Boom")
    assert reply.model == "m/x"
    assert reply.messages == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]
    assert reply.raw_events == EVENTS
    assert reply.value is None
    assert reply.transcript[0] == ("reasoning", "hm")


def test_without_an_end_a_reply_is_truncated():
    """A reply of events that never finished does not claim to be whole."""
    assert replied(TextDelta("a")).finish_reason == "truncated"


def test_a_refusal_is_kept_apart():
    """The model's words for not answering are no answer."""
    reply = replied(RefusalDelta("No."), Finish("refusal"))
    assert (reply, reply.refusal) == ("", "No.")


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda reply: pickle.loads(pickle.dumps(reply))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_is_whole(again):
    """Copied, pickled or sent to another process, a reply keeps all it knows."""
    reply = replied(*EVENTS, model="m/x", asked=[{"role": "user", "content": "Hi"}])
    reply.value = {"a": 1}
    other = again(reply)
    assert type(other) is Reply
    assert other == reply
    for name in (
        "reasoning",
        "tool_calls",
        "usage",
        "finish_reason",
        "error",
        "timing",
        "model",
        "messages",
        "value",
    ):
        assert getattr(other, name) == getattr(reply, name)
    assert other.raw_events == EVENTS


def test_what_was_asked_is_not_changed():
    """The reply's conversation is a copy."""
    asked = [{"role": "user", "content": "Hi"}]
    replied(TextDelta("a"), asked=asked).messages[0]["content"] = "changed"
    assert asked == [{"role": "user", "content": "Hi"}]


def test_a_reply_shows_itself(monkeypatch):
    """As a cell's last value it is Markdown, also where no widget was ever loaded."""
    monkeypatch.setattr(Reply, "bundle", None)
    assert fold([TextDelta("**a**")])._repr_mimebundle_() == {
        "text/plain": "**a**",
        "text/markdown": "**a**",
    }
    monkeypatch.setattr(Reply, "bundle", lambda reply: {"text/plain": f"<{reply}>"})
    assert fold([TextDelta("a")])._repr_mimebundle_(include=None) == {"text/plain": "<a>"}


def test_an_end_called_error_is_one():
    """Some services say no more than that; it must not pass for an answer."""
    reply = fold([TextDelta("a"), Finish("error", "MALFORMED_FUNCTION_CALL")])
    assert reply.error is not None
    assert "MALFORMED_FUNCTION_CALL" in reply.error.message
