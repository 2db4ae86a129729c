"""Messages nobody described: what is taken for text, for reasoning, for the end."""

from __future__ import annotations

from typing import Any

import pytest
from cuts import cuts, each_way
from frames import decoded, frame, grammar, lines
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.dialects.messages import MESSAGES as DIALECT
from ipyllm.events import (
    Event,
    Finish,
    Notice,
    ReasoningDelta,
    StreamError,
    TextDelta,
    Usage,
)
from ipyllm.request import Request

STOP, TRUNCATED = Finish("stop"), Finish("truncated")
A, B = TextDelta("a"), TextDelta("b")
HM = ReasoningDelta("hm")
CLOSED = {"type": "closed", "code": 1000}

TEXTS: dict[str, Any] = {
    "plain text": "a",
    "chat": {"choices": [{"index": 0, "delta": {"content": "a"}}]},
    "whole chat": {"choices": [{"message": {"role": "assistant", "content": "a"}}]},
    "completion": {"choices": [{"text": "a"}]},
    "message.content": {"message": {"role": "assistant", "content": "a"}},
    "response (Ollama)": {"response": "a", "done": False},
    "delta": {"delta": "a"},
    "delta of a type": {"type": "content.delta", "delta": "a"},
    "text of a type": {"type": "text_chunk", "text": "a"},
    "delta.text (Anthropic)": {
        "type": "content_block_delta",
        "delta": {"type": "text_delta", "text": "a"},
    },
    "text": {"text": "a"},
    "content": {"content": "a"},
    "content in parts": {"content": [{"type": "text", "text": "a"}]},
    "token": {"token": "a"},
    "token.text": {"token": {"id": 5, "text": "a"}},
    "output_text": {"output_text": "a"},
    "data of an event": {"event": "token", "data": "a"},
    "text inside data": {"type": "chunk", "data": {"text": "a"}},
    "message of a type": {"type": "chunk", "message": "a"},
    "native (llama.cpp)": {"content": "a", "stop": False},
    "Responses": {"type": "response.output_text.delta", "delta": "a"},
    "Realtime": {"type": "response.text.delta", "delta": "a"},
    "a translation": {"type": "session.output_transcript.delta", "delta": "a"},
}
THOUGHTS: dict[str, Any] = {
    "reasoning": {"reasoning": "hm"},
    "delta.reasoning_content": {
        "choices": [{"delta": {"content": None, "reasoning_content": "hm"}}]
    },
    "thinking (Ollama)": {"message": {"content": "", "thinking": "hm"}},
    "a type that thinks": {"type": "thinking.delta", "delta": "hm"},
    "thinking_delta (Anthropic)": {
        "type": "content_block_delta",
        "delta": {"type": "thinking_delta", "thinking": "hm"},
    },
    "Responses": {"type": "response.reasoning_text.delta", "delta": "hm"},
}
ENDS: dict[str, tuple[Any, Finish]] = {
    "done": ({"done": True}, STOP),
    "finished": ({"finished": True}, STOP),
    "stop": ({"content": "", "stop": True}, STOP),
    "is_end": ({"is_end": True}, STOP),
    "done inside data": ({"type": "chunk", "data": {"done": True}}, STOP),
    "done_reason": ({"done": True, "done_reason": "length"}, Finish("length", "length")),
    "finish_reason": ({"finish_reason": "stop"}, Finish("stop", "stop")),
    "finish_reason of chat": (
        {"choices": [{"delta": {}, "finish_reason": "length"}]},
        Finish("length", "length"),
    ),
    "type done": ({"type": "done"}, Finish("stop", "done")),
    "event end": ({"event": "end", "data": None}, Finish("stop", "end")),
    "type complete": ({"type": "complete"}, Finish("stop", "complete")),
    "message_stop": ({"type": "message_stop"}, Finish("stop", "message_stop")),
    "stream.end": ({"type": "stream.end"}, Finish("stop", "stream.end")),
    "status": ({"status": "completed"}, Finish("stop", "completed")),
    "response.completed": ({"type": "response.completed"}, Finish("stop", "completed")),
    "response.done": ({"type": "response.done", "response": {}}, Finish("stop", "completed")),
    "DONE": ("[DONE]", STOP),
    "a regular close": (CLOSED, STOP),
    "any other close": ({"type": "closed", "code": 1011}, TRUNCATED),
}

CASES: dict[str, tuple[bytes, list[Event]]] = {
    **{f"text: {name}": (lines(one, CLOSED), [A, STOP]) for name, one in TEXTS.items()},
    **{f"reasoning: {name}": (lines(one, CLOSED), [HM, STOP]) for name, one in THOUGHTS.items()},
    **{f"end: {name}": (lines("a", one), [A, end]) for name, (one, end) in ENDS.items()},
    "text with the end": (lines({"response": "a", "done": True}), [A, STOP]),
    "the whole text again at the end": (
        lines("a", {"type": "done", "text": "a"}),
        [A, Finish("stop", "done")],
    ),
    "the whole text in the end alone": (
        lines({"type": "done", "text": "a"}),
        [A, Finish("stop", "done")],
    ),
    "cut": (lines("a"), [A, TRUNCATED]),
    "a close with nothing before it": (lines(CLOSED), [TRUNCATED]),
    "nothing at all": (b"", [TRUNCATED]),
    "nothing after the end counts": (lines("a", {"done": True}, "b"), [A, STOP]),
    "white space and braces are text": (
        lines("a", "\n\n", " {", "12", CLOSED),
        [A, TextDelta("\n\n"), TextDelta(" {"), TextDelta("12"), STOP],
    ),
    "an empty message": (lines("", "a", {"text": ""}, CLOSED), [A, STOP]),
    "usage": (
        lines("a", {"type": "done", "usage": {"prompt_tokens": 5, "completion_tokens": 7}}),
        [
            A,
            Usage(5, 7, raw={"prompt_tokens": 5, "completion_tokens": 7}),
            Finish("stop", "done"),
        ],
    ),
    "counts of Ollama": (
        lines({"response": "a", "done": True, "prompt_eval_count": 5, "eval_count": 7}),
        [A, Usage(5, 7), STOP],
    ),
    "Anthropic": (
        lines(
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}},
            {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {}},
            {"type": "message_stop"},
        ),
        [
            A,
            Notice(
                "message",
                '{"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {}}',
            ),
            Finish("length", "max_tokens"),
        ],
    ),
    "what is no text": (
        lines({"type": "status", "message": "loading"}, {"type": "ping"}, {"n": 1}, "a", CLOSED),
        [
            Notice("message", '{"type": "status", "message": "loading"}'),
            Notice("message", '{"n": 1}'),
            A,
            STOP,
        ],
    ),
    "the question, echoed": (
        lines({"role": "user", "content": "Hi"}, "a", CLOSED),
        [Notice("message", '{"role": "user", "content": "Hi"}'), A, STOP],
    ),
    "an error": (
        lines("a", {"error": "Boom"}),
        [A, StreamError("ServerError", "Boom", raw={"error": "Boom"}), Finish("error")],
    ),
    "an error by its type": (
        lines("a", {"type": "error", "data": "Boom"}),
        [
            A,
            StreamError("ServerError", "Boom", raw={"type": "error", "data": "Boom"}),
            Finish("error", "error"),
        ],
    ),
    "a gateway's complaint": (
        lines({"message": "Boom", "connectionId": "c"}),
        [
            StreamError("ServerError", "Boom", raw={"message": "Boom", "connectionId": "c"}),
            Finish("error"),
        ],
    ),
    "a pair of surrogates cut over messages": (
        b'"a\\ud83d"\n"\\ude42b"\n' + lines(CLOSED),
        [A, TextDelta("🙂b"), STOP],
    ),
}
NAMES = [*("text", "content", "delta", "message", "choices", "type", "event", "data", "done")]
NAMES += [
    "usage",
    "status",
    "role",
    "reasoning",
    "error",
    "code",
    "closed",
    "finish_reason",
    "stop",
]


@each_way
@pytest.mark.parametrize("raw, events", CASES.values(), ids=CASES)
def test_a_stream_gives_its_events(cut, raw, events):
    """Each case gives these events, whole and byte by byte."""
    assert decoded(DIALECT, cut(raw)) == events


@pytest.mark.parametrize("raw, events", CASES.values(), ids=CASES)
def test_the_quick_way_and_the_long_way_agree(monkeypatch, raw, events):
    """Without the typed look at the usual delta, the events are the same."""
    monkeypatch.setattr(grammar(DIALECT), "plain", lambda *_: False)
    assert decoded(DIALECT, [raw]) == events


@pytest.mark.parametrize("raw", [raw for raw, _ in CASES.values()], ids=CASES)
def test_every_stream_ends_in_one_finish(raw):
    """Cut anywhere and ended there, the last event and no other is a Finish."""
    for size in range(len(raw)):
        kinds = [type(event) for event in decoded(DIALECT, [raw[:size]])]
        assert kinds.count(Finish) == 1
        assert kinds[-1] is Finish


@given(cuts(st.sampled_from([raw for raw, _ in CASES.values()])))
def test_any_cut_of_a_stream_decodes_alike(case):
    """Where the network cuts never changes the events."""
    raw, pieces = case
    assert decoded(DIALECT, pieces) == decoded(DIALECT, [raw])


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "\\ud83d", *NAMES]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(_json, max_size=4))
def test_any_json_gives_events(payloads):
    """JSON of any shape fails nothing, and no half of a character comes out."""
    events = decoded(DIALECT, [b"".join(map(frame, payloads))])
    assert isinstance(events[-1], Finish)
    for event in events:
        if isinstance(event, (TextDelta, ReasoningDelta)):
            assert event.text
            event.text.encode()


def test_an_unknown_message_is_shown_short():
    """A message may be a megabyte of sound."""
    notice, _ = decoded(DIALECT, [lines({"n": "x" * 1_000_000})])
    assert isinstance(notice, Notice)
    assert len(notice.text) <= 200


def test_half_a_message_is_no_error():
    """A socket cut within a message leaves what came before it."""
    raw = lines("a", "b", CLOSED)
    for size in range(len(raw) - 2):
        assert decoded(DIALECT, [raw[:size]])[-1] == TRUNCATED


def test_the_first_message_asks():
    """The question has the shape most would expect."""
    request = Request(
        "m", ({"role": "user", "content": "Hi"},), system="Be brief.", params={"k": 1}
    )
    assert DIALECT.body(request) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
        ],
        "stream": True,
        "k": 1,
    }
    assert DIALECT.path(request) == ""
