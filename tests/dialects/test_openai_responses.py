"""Responses: each text once, however often it is sent; calls; ends; Realtime; recordings."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from cuts import byte_by_byte, cut_at, cuts, each_way, whole
from frames import DONE, decoded, folded, frame, grammar, lines, without_comments
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.dialects import dialect
from ipyllm.dialects.openai_responses import RESPONSES
from ipyllm.errors import ProtocolError, UsageError
from ipyllm.events import (
    Event,
    Finish,
    Logprobs,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from ipyllm.request import Request

STOP = Finish("stop", "completed")
CALLED = Finish("tool_calls", "completed")
TRUNCATED = Finish("truncated")
A, B = TextDelta("a"), TextDelta("b")


def event(kind: str, **fields: Any) -> bytes:
    return b"event: " + kind.encode() + b"\n" + frame({"type": kind, **fields})


def response(kind: str, **fields: Any) -> bytes:
    return event(f"response.{kind}", **fields)


def text(piece: str, **fields: Any) -> bytes:
    return response("output_text.delta", delta=piece, **fields)


def end(status: str = "completed", more: dict[str, Any] | None = None, **fields: Any) -> bytes:
    return response(status, response={"status": status, "output": [], **fields}, **(more or {}))


def message(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(parts), **fields}


def words(said: str) -> dict[str, Any]:
    return {"type": "output_text", "text": said, "annotations": []}


def added(item: dict[str, Any], **fields: Any) -> bytes:
    return response("output_item.added", item=item, **fields)


def item_done(item: dict[str, Any], **fields: Any) -> bytes:
    return response("output_item.done", item=item, **fields)


def call(arguments: Any = "", **fields: Any) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "c1",
        "name": "f",
        "arguments": arguments,
        **fields,
    }


def arguments(piece: str, **fields: Any) -> bytes:
    return response("function_call_arguments.delta", delta=piece, **fields)


def called(args: str = "{}", ident: str = "c1", index: int = 0) -> list[Event]:
    delta = [ToolCallDelta(index, args)] if args else []
    return [ToolCallStart(index, ident, "f"), *delta, ToolCallEnd(index)]


CREATED = response("created", response={"status": "in_progress"})
END = end()
USAGE = {
    "input_tokens": 5,
    "output_tokens": 7,
    "input_tokens_details": {"cached_tokens": 2},
    "output_tokens_details": {"reasoning_tokens": 3},
}
ERROR = {"type": "server_error", "code": "E1", "message": "Boom"}
HALF = b'{"type":"response.output_text.delta","delta":"a\\ud83d"}'
OTHER_HALF = b'{"type":"response.output_text.delta","delta":"\\ude42b"}'

CASES: dict[str, tuple[bytes, list[Event]]] = {
    "text": (CREATED + text("a") + text("b") + END, [A, B, STOP]),
    "each text is sent five times": (
        text("a", output_index=0, item_id="m", content_index=0)
        + response("output_text.done", text="a", output_index=0, item_id="m", content_index=0)
        + response("content_part.done", part=words("a"), output_index=0, content_index=0)
        + item_done(message(words("a"), id="m"), output_index=0)
        + end(output=[message(words("a"), id="m")]),
        [A, STOP],
    ),
    "no index, ids only (llama.cpp)": (
        text("a", item_id="m")
        + response("output_text.done", text="a", item_id="m")
        + response("content_part.done", part=words("a"), item_id="m")
        + item_done(message(words("a"), id="m"))
        + end(output=[message(words("a"), id="m")]),
        [A, STOP],
    ),
    "neither index nor id": (
        text("a") + response("output_text.done", text="a") + END,
        [A, STOP],
    ),
    "ids that change (Copilot)": (
        text("a", output_index=0, item_id="x", content_index=0)
        + response("output_text.done", text="a", output_index=0, item_id="y", content_index=0)
        + item_done(message(words("a"), id="z"), output_index=0)
        + end(output=[message(words("a"), id="w")]),
        [A, STOP],
    ),
    "an index in some events only": (
        text("a", item_id="m")
        + response("output_text.done", text="a", output_index=3, item_id="m", content_index=0)
        + END,
        [A, STOP],
    ),
    "text in output_text.done only": (
        response("output_text.done", text="a", output_index=0, content_index=0)
        + response("content_part.done", part=words("a"), output_index=0, content_index=0)
        + item_done(message(words("a")), output_index=0)
        + end(output=[message(words("a"))]),
        [A, STOP],
    ),
    "text in content_part.done only": (
        response("content_part.done", part=words("a"), output_index=0, content_index=0) + END,
        [A, STOP],
    ),
    "text in output_item.done only": (
        item_done(message(words("a"), words("b")), output_index=0) + END,
        [A, B, STOP],
    ),
    "text in the last event only": (
        CREATED + end(output=[message(words("a")), message(words("b"))]),
        [A, B, STOP],
    ),
    "a second message in done only": (
        text("a", output_index=0)
        + response("output_text.done", text="b", output_index=1, content_index=0)
        + END,
        [A, B, STOP],
    ),
    "the deltas count, not a longer text after them": (
        text("a", output_index=0) + response("output_text.done", text="ab", output_index=0) + END,
        [A, STOP],
    ),
    "reasoning": (
        response("reasoning_text.delta", delta="hm", item_id="r")
        + text("a", item_id="m")
        + item_done(
            {"type": "reasoning", "id": "r", "content": [{"type": "reasoning_text", "text": "hm"}]}
        )
        + END,
        [ReasoningDelta("hm"), A, STOP],
    ),
    "summaries of reasoning": (
        response("reasoning_summary_text.delta", delta="h", output_index=0, summary_index=0)
        + response("reasoning_summary_text.delta", delta="m", output_index=0, summary_index=1)
        + response("reasoning_summary_text.done", text="m", output_index=0, summary_index=1)
        + text("a", output_index=1)
        + END,
        [ReasoningDelta("h"), ReasoningDelta("m"), A, STOP],
    ),
    "reasoning in item.done only": (
        item_done({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]})
        + text("a")
        + END,
        [ReasoningDelta("hm"), A, STOP],
    ),
    "a summary of what streamed is not given again": (
        response("reasoning_text.delta", delta="hm", output_index=0)
        + item_done(
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            output_index=0,
        )
        + END,
        [ReasoningDelta("hm"), STOP],
    ),
    "refusal": (
        response("refusal.delta", delta="No", output_index=0, content_index=0)
        + response("refusal.done", refusal="No", output_index=0, content_index=0)
        + item_done(message({"type": "refusal", "refusal": "No"}), output_index=0)
        + END,
        [RefusalDelta("No"), STOP],
    ),
    "a call": (
        added(call(), output_index=0)
        + arguments('{"a', output_index=0, item_id="fc_1")
        + arguments('":1}', output_index=0, item_id="fc_1")
        + response("function_call_arguments.done", arguments='{"a":1}', output_index=0)
        + item_done(call('{"a":1}'), output_index=0)
        + end(output=[call('{"a":1}')]),
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, '{"a'),
            ToolCallDelta(0, '":1}'),
            ToolCallEnd(0),
            CALLED,
        ],
    ),
    "arguments in done only (LM Studio)": (
        added(call(), output_index=2)
        + response("function_call_arguments.done", arguments="{}", output_index=2)
        + item_done(call("{}"), output_index=2)
        + END,
        [*called(), CALLED],
    ),
    "a call in item.done only": (item_done(call("{}"), output_index=0) + END, [*called(), CALLED]),
    "a call in the last event only": (end(output=[call("{}")]), [*called(), CALLED]),
    "all arguments in item.added": (added(call("{}")) + END, [*called(), CALLED]),
    "arguments in item.added and again in deltas": (
        added(call("{}"), output_index=0) + arguments("{}", output_index=0) + END,
        [*called(), CALLED],
    ),
    "arguments as an object": (item_done(call({"a": 1})) + END, [*called('{"a": 1}'), CALLED]),
    "no arguments": (added(call()) + item_done(call()) + END, [*called(""), CALLED]),
    "calls without index (llama.cpp)": (
        added(call())
        + arguments("{}", item_id="fc_1")
        + item_done(call("{}"))
        + added(call(id="fc_2", call_id="c2"))
        + arguments("[]", item_id="fc_2")
        + item_done(call("[]", id="fc_2", call_id="c2"))
        + END,
        [*called(), *called("[]", "c2", 1), CALLED],
    ),
    "calls in turns": (
        added(call(), output_index=0)
        + added(call(id="fc_2", call_id="c2"), output_index=1)
        + arguments("[]", output_index=1)
        + arguments("{}", output_index=0)
        + END,
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallStart(1, "c2", "f"),
            ToolCallDelta(1, "[]"),
            ToolCallDelta(0, "{}"),
            ToolCallEnd(0),
            ToolCallEnd(1),
            CALLED,
        ],
    ),
    "item ids of a call that change": (
        added(call(id="x"), output_index=0)
        + arguments("{}", output_index=0, item_id="y")
        + item_done(call("{}", id="z"), output_index=0)
        + END,
        [*called(), CALLED],
    ),
    "arguments before the name": (
        arguments("{", output_index=0)
        + added(call(), output_index=0)
        + arguments("}", output_index=0)
        + item_done(call("{}"), output_index=0)
        + END,
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, "{"),
            ToolCallDelta(0, "}"),
            ToolCallEnd(0),
            CALLED,
        ],
    ),
    "a custom call": (
        added({"type": "custom_tool_call", "id": "x", "call_id": "c1", "name": "f", "input": ""})
        + response("custom_tool_call_input.delta", delta="ls", item_id="x")
        + response("custom_tool_call_input.done", input="ls", item_id="x")
        + END,
        [*called("ls"), CALLED],
    ),
    "a call the service runs itself asks nothing of us": (
        added({"type": "mcp_call", "id": "c1", "name": "f", "arguments": ""}, output_index=0)
        + response("mcp_call_arguments.done", arguments="{}", output_index=0)
        + item_done({"type": "mcp_call", "id": "c1", "name": "f"}, output_index=0)
        + text("a", output_index=1)
        + END,
        [*called(), A, STOP],
    ),
    "other items and events": (
        added({"type": "web_search_call", "id": "w"}, output_index=0)
        + response("web_search_call.searching", output_index=0)
        + response("shell_call_command.delta", delta="ls", output_index=0)
        + response("brand_new.delta", delta="x")
        + response("output_text.annotation.added", annotation={"type": "url_citation"})
        + frame({"type": "keepalive", "sequence_number": 3})
        + text("a")
        + END,
        [A, STOP],
    ),
    "usage": (text("a") + end(usage=USAGE), [A, Usage(5, 7, 3, 2, USAGE), STOP]),
    "too long": (
        text("a") + end("incomplete", incomplete_details={"reason": "max_output_tokens"}),
        [A, Finish("length", "incomplete")],
    ),
    "filtered": (
        text("a") + end("incomplete", incomplete_details={"reason": "content_filter"}),
        [A, Finish("content_filter", "incomplete")],
    ),
    "failed": (
        text("a") + response("failed", response={"status": "failed", "error": ERROR}),
        [
            A,
            StreamError("ServerError", "Boom", code="E1", raw={"status": "failed", "error": ERROR}),
            Finish("error", "failed"),
        ],
    ),
    "failed without a reason": (
        response("failed", response=None),
        [StreamError("ServerError", "The response failed.", raw={}), Finish("error", "failed")],
    ),
    "an error, nested, then failed": (
        event("error", error=ERROR) + response("failed", response={"error": ERROR}),
        [
            StreamError("ServerError", "Boom", code="E1", raw={"type": "error", "error": ERROR}),
            Finish("error"),
        ],
    ),
    "an error, flat": (
        text("a") + event("error", code="E1", message="Boom", param=None),
        [
            A,
            StreamError(
                "ServerError",
                "Boom",
                code="E1",
                raw={"type": "error", "code": "E1", "message": "Boom", "param": None},
            ),
            Finish("error"),
        ],
    ),
    "DONE after the end": (text("a") + END + DONE, [A, STOP]),
    "DONE is no end": (text("a") + DONE, [A, TRUNCATED]),
    "comments (OpenRouter)": (
        b": OPENROUTER PROCESSING\n\n" + text("a") + END,
        [A, STOP],
    ),
    "timings beside the response (llama.cpp)": (
        text("a") + end(more={"timings": {"predicted_n": 1}}),
        [A, Notice("timings", '{"predicted_n": 1}'), STOP],
    ),
    "logprobs": (
        text("a", logprobs=[{"token": "a", "logprob": -0.5, "top_logprobs": []}]) + END,
        [A, Logprobs((("a", -0.5),)), STOP],
    ),
    "empty logprobs and padding": (
        text("a", logprobs=[], obfuscation="x", sequence_number=4) + END,
        [A, STOP],
    ),
    "a pair of surrogates cut over deltas": (
        frame(HALF) + frame(OTHER_HALF) + END,
        [A, TextDelta("🙂b"), STOP],
    ),
    "half a character at the end": (frame(HALF) + END, [A, TextDelta("\ufffd"), STOP]),
    "nothing after the end counts": (text("a") + END + text("b"), [A, STOP]),
    "nothing at all": (b"", [TRUNCATED]),
    "one plain answer instead of a stream": (
        json.dumps(
            {
                "object": "response",
                "status": "completed",
                "error": None,
                "output": [
                    {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]},
                    message(words("a")),
                    call("{}"),
                ],
                "usage": USAGE,
            },
            indent=1,
        ).encode(),
        [ReasoningDelta("hm"), A, *called(), Usage(5, 7, 3, 2, USAGE), CALLED],
    ),
    "an answer that goes on in the background": (
        json.dumps({"object": "response", "status": "queued", "output": []}).encode(),
        [TRUNCATED],
    ),
    "a WebSocket": (
        lines({"type": "response.output_text.delta", "delta": "a"})
        + lines({"type": "response.completed", "response": {}, "stream_id": "s"}),
        [A, STOP],
    ),
    "a socket closed before the end": (
        lines({"type": "response.output_text.delta", "delta": "a"})
        + lines({"type": "closed", "code": 1000}),
        [A, TRUNCATED],
    ),
    "Realtime": (
        lines(
            {"type": "session.created", "event_id": "e"},
            {"type": "response.created", "event_id": "e", "response": {}},
            {"type": "response.output_text.delta", "event_id": "e", "delta": "a"},
            {"type": "response.output_text.done", "event_id": "e", "text": "a"},
            {
                "type": "response.done",
                "response": {
                    "object": "realtime.response",
                    "status": "completed",
                    "output": [message({"type": "text", "text": "a"})],
                    "usage": {"input_tokens": 1, "output_tokens": 2},
                },
            },
        ),
        [A, Usage(1, 2, raw={"input_tokens": 1, "output_tokens": 2}), STOP],
    ),
    "Realtime by its older names": (
        lines(
            {"type": "response.text.delta", "delta": "a"},
            {"type": "response.text.done", "text": "a"},
            {"type": "response.done", "response": {"status": "completed"}},
        ),
        [A, STOP],
    ),
    "Realtime, too long": (
        lines(
            {"type": "response.text.delta", "delta": "a"},
            {
                "type": "response.done",
                "response": {
                    "status": "incomplete",
                    "status_details": {"reason": "max_output_tokens"},
                },
            },
        ),
        [A, Finish("length", "incomplete")],
    ),
    "an error within a Realtime answer does not end it": (
        lines(
            {"type": "response.created", "event_id": "e"},
            {"type": "error", "event_id": "e", "error": ERROR},
            {"type": "response.text.delta", "delta": "a"},
            {"type": "response.done", "response": {"status": "completed"}},
        ),
        [Notice("error", "Boom"), A, STOP],
    ),
    "an error in place of a Realtime answer ends it": (
        lines(
            {"type": "session.created", "event_id": "e"},
            {"type": "error", "event_id": "e", "error": ERROR},
        ),
        [
            StreamError(
                "ServerError",
                "Boom",
                code="E1",
                raw={"type": "error", "event_id": "e", "error": ERROR},
            ),
            Finish("error"),
        ],
    ),
    "an error after which a Realtime answer never ends": (
        lines(
            {"type": "response.text.delta", "delta": "a"},
            {"type": "error", "event_id": "e", "error": ERROR},
        ),
        [
            A,
            Notice("error", "Boom"),
            StreamError(
                "ServerError",
                "Boom",
                code="E1",
                raw={"type": "error", "event_id": "e", "error": ERROR},
            ),
            Finish("error"),
        ],
    ),
}


@each_way
@pytest.mark.parametrize("raw, events", CASES.values(), ids=CASES)
def test_a_stream_gives_its_events(cut, raw, events):
    """Each case gives these events, whole and byte by byte."""
    assert without_comments(decoded(RESPONSES, cut(raw))) == events


@pytest.mark.parametrize("raw, events", CASES.values(), ids=CASES)
def test_the_quick_way_and_the_long_way_agree(monkeypatch, raw, events):
    """Without the typed look at the usual delta, the events are the same."""
    monkeypatch.setattr(grammar(RESPONSES), "plain", lambda *_: False)
    assert without_comments(decoded(RESPONSES, [raw])) == events


@pytest.mark.parametrize("raw", [raw for raw, _ in CASES.values()], ids=CASES)
def test_every_stream_ends_in_one_finish(raw):
    """Cut anywhere and ended there, the last event and no other is a Finish."""
    for size in range(0, len(raw), 3):
        kinds = [type(event) for event in decoded(RESPONSES, [raw[:size]])]
        assert kinds.count(Finish) == 1
        assert kinds[-1] is Finish


@given(cuts(st.sampled_from([raw for raw, _ in CASES.values()])))
def test_any_cut_of_a_stream_decodes_alike(case):
    """Where the network cuts never changes the events, but for how many comments are one."""
    raw, pieces = case
    assert without_comments(decoded(RESPONSES, pieces)) == without_comments(
        decoded(RESPONSES, [raw])
    )


def test_the_last_event_is_the_end():
    """`finished` is set by the terminal event, so that nobody waits for a socket to close."""
    decoder = RESPONSES.decoder()
    decoder.feed(CREATED + text("a"))
    assert not decoder.finished
    decoder.feed(END)
    assert decoder.finished


_NAMES = [
    *("type", "delta", "item", "part", "response", "output", "content", "text", "arguments", "id"),
    *(
        "output_index",
        "item_id",
        "call_id",
        "name",
        "error",
        "status",
        "usage",
        "logprobs",
        "object",
    ),
    *("event_id", "summary", "input"),
]
_TYPES = [
    *("response.output_text.delta", "response.output_text.done", "response.output_item.done"),
    *("response.output_item.added", "response.function_call_arguments.delta", "response.completed"),
    *("response.content_part.done", "response.done", "response.failed", "error", "function_call"),
    *("message", "reasoning", "output_text", "response", "custom_tool_call"),
]
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "\ud83d", *_TYPES]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(st.fixed_dictionaries({"type": st.sampled_from(_TYPES)}) | _json), _json, _json)
def test_any_json_gives_events(payloads, inner, other):
    """JSON of any shape where an event should be fails nothing."""
    nested = [
        {"type": kind, "item": inner, "response": inner, "part": inner, "delta": other}
        for kind in _TYPES
    ]
    for payload in [[*payloads, *nested], *([one] for one in nested)]:
        events = decoded(RESPONSES, [b"".join(map(frame, payload))])
        assert isinstance(events[-1], Finish)
        for one in events:
            if isinstance(one, (TextDelta, ReasoningDelta, RefusalDelta)):
                assert one.text
                one.text.encode()


@given(st.binary(max_size=80) | st.lists(st.sampled_from([text("é"), b"{", b'"', b"[", END])))
def test_garbage_gives_events_or_a_protocol_error(raw):
    """Nothing a server may send raises anything else, and any cut of it decodes alike."""
    raw = raw if isinstance(raw, bytes) else b"".join(raw)
    try:
        events = decoded(RESPONSES, [raw])
    except ProtocolError:
        return
    assert without_comments(decoded(RESPONSES, byte_by_byte(raw))) == without_comments(events)


# -- What is sent ----------------------------------------------------------------------------------


def sent(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return RESPONSES.body(Request("m", messages, **more))


def test_a_question():
    """One item of input; the answer is streamed, and not stored at the service."""
    assert sent({"role": "user", "content": "Hi"}, system="Be brief.") == {
        "model": "m",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}],
            }
        ],
        "instructions": "Be brief.",
        "stream": True,
        "store": False,
    }


def test_a_conversation_with_tools():
    """Calls and their results are items of their own, joined by call_id; tools are flat."""
    function = {"name": "f", "parameters": {"type": "object"}}
    body = sent(
        {"role": "system", "content": "Be brief."},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        tools=({"type": "function", "function": function},),
    )
    assert body["input"] == [
        {
            "type": "message",
            "role": "system",
            "content": [{"type": "input_text", "text": "Be brief."}],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Let me see."}],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
    ]
    assert body["tools"] == [{"type": "function", **function}]


def test_an_answer_that_was_only_a_call_has_no_text():
    """`content: null` beside a call is no message."""
    calls = [{"id": "c", "type": "custom", "custom": {"name": "f", "input": "ls"}}]
    body = sent({"role": "assistant", "content": None, "tool_calls": calls})
    assert body["input"] == [
        {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "ls"}
    ]


def test_pictures_sounds_and_files():
    """Parts get this API's names; those that have them already stay."""
    parts = [
        {"type": "text", "text": "Hi"},
        {"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}},
        {"type": "image_url", "image_url": "http://x"},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
        {"type": "input_text", "text": "own"},
    ]
    (item,) = sent({"role": "user", "content": parts})["input"]
    assert item["content"] == [
        {"type": "input_text", "text": "Hi"},
        {"type": "input_image", "image_url": "data:x", "detail": "low"},
        {"type": "input_image", "image_url": "http://x"},
        {"type": "input_file", "file_id": "f"},
        *parts[4:],
    ]


def test_items_of_the_api_stay():
    """A message that is an item already is sent as it is."""
    item = {"type": "item_reference", "id": "msg_1"}
    assert sent(item)["input"] == [item]


def test_params_are_sent_as_they_are():
    """Any parameter of the API can be set, also those we set ourselves."""
    body = sent(params={"store": True, "max_output_tokens": 5})
    assert (body["store"], body["max_output_tokens"]) == (True, 5)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "judge", "content": "Hi"},
        {"content": "Hi"},
        {"role": "user", "content": [{"type": "video", "video": 1}]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "image_url"}]},
    ],
)
def test_what_the_api_does_not_take_is_refused(message):
    """Nothing is dropped in silence."""
    with pytest.raises(UsageError, match="Responses API"):
        sent(message)


# -- Recordings ------------------------------------------------------------------------------------

WIRE = Path(os.environ.get("IPYLLM_WIRE") or Path(__file__).parents[3] / "shared" / "wire")
DIALECTS = {
    "openai_responses": "openai_responses",
    "llamacpp_responses": "openai_responses",
    "openai_realtime_ws": "openai_responses",
    "openai_completions": "openai_completions",
    "llamacpp_completions": "openai_completions",
    "vllm_completions": "openai_completions",
    "llamacpp_native": "llamacpp",
}
RECORDINGS = sorted(path.parent for api in DIALECTS for path in WIRE.glob(f"{api}/*/expected.json"))
COUNTS = (
    ("input_tokens", "output_tokens"),
    ("prompt_tokens", "completion_tokens"),
    ("tokens_evaluated", "tokens_predicted"),
)
recorded = pytest.mark.parametrize(
    "recording",
    RECORDINGS
    or [pytest.param(None, marks=pytest.mark.skip(f"no recordings in {WIRE}; set IPYLLM_WIRE"))],
    ids=lambda path: f"{path.parent.name}/{path.name}" if path else "none",
)


def read(recording: Path) -> tuple[Any, bytes, dict[str, Any]]:
    (body,) = recording.glob("body.*")
    expected = json.loads((recording / "expected.json").read_text("utf-8"))
    return dialect(DIALECTS[recording.parent.name]), body.read_bytes(), expected


def randomly(raw: bytes) -> list[bytes]:
    dice = random.Random(len(raw))
    return cut_at(raw, [dice.randrange(len(raw)) for _ in range(100)])


@recorded
@pytest.mark.parametrize("cut", [whole, byte_by_byte, randomly])
def test_a_recorded_answer_is_what_the_sdk_says(recording, cut):
    """Text, reasoning, refusal, calls, the word for the end and usage are the SDK's, however cut."""
    spoken, raw, expected = read(recording)
    got = folded(decoded(spoken, cut(raw)))
    assert got.text == expected["text"]
    assert got.reasoning == expected.get("reasoning", "")
    assert got.refusal == (expected.get("refusal") or "")
    assert got.tool_calls == [
        (call["id"] or "", call["name"], call["arguments"]) for call in expected["tool_calls"]
    ]
    assert got.finish is not None
    assert got.finish.raw == (expected.get("finish_reason") or "")
    usage = expected.get("usage") or {}
    counts = next(((usage[a], usage[b]) for a, b in COUNTS if a in usage), (None, None))
    assert (got.usage.input_tokens, got.usage.output_tokens) == counts
    if expected.get("sdk_error"):
        assert got.error is not None
        assert got.error.message == expected["sdk_error"]["message"]
    else:
        assert got.error is None
    assert decoded(spoken, cut(raw)) == decoded(spoken, [raw])


@recorded
def test_a_recorded_answer_over_a_websocket(recording):
    """Each payload as one line, as a WebSocket's messages are handed over, gives the same events."""
    spoken, raw, _ = read(recording)
    payloads = [line[5:].strip() for line in raw.splitlines() if line.startswith(b"data:")]
    assert decoded(spoken, [b"\n".join(payloads or [raw])]) == decoded(spoken, [raw])


@recorded
def test_a_recorded_answer_the_long_way(monkeypatch, recording):
    """The typed look at the usual delta changes no event."""
    spoken, raw, _ = read(recording)
    quick = decoded(spoken, [raw])
    monkeypatch.setattr(grammar(spoken), "plain", lambda *_: False)
    assert decoded(spoken, [raw]) == quick


@recorded
def test_a_recorded_answer_cut_between_events_is_no_whole_one(recording):
    """Before its proof of the end, a stream is truncated wherever it is cut; what came is kept."""
    spoken, raw, _ = read(recording)
    separator = b"\n\n" if b"\n\n" in raw else b"\n"
    events = raw.split(separator)
    full = folded(decoded(spoken, [raw]))
    said = 0
    for count in range(len(events)):
        got = folded(decoded(spoken, [separator.join(events[:count]) + separator]))
        assert full.text.startswith(got.text)
        assert len(got.text) >= said
        said = len(got.text)
        assert got.finish is not None
        if got.finish.reason != "truncated":
            # Of a list of prompts the second may follow: nothing says so at the end of the first.
            assert (got.finish, got.text) == (full.finish, full.text)


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_a_recorded_websocket(cut):
    """The text messages of a real WebSocket session are an answer."""
    found = sorted(WIRE.glob("openai_responses_ws/*/frames.jsonl"))
    if not found:
        pytest.skip(f"no recordings in {WIRE}; set IPYLLM_WIRE")
    frames = [json.loads(line)["text"] for line in found[0].read_text("utf-8").splitlines()]
    raw = "".join(text + "\n" for text in frames).encode()
    got = folded(decoded(RESPONSES, cut(raw)))
    final = json.loads(frames[-1])["response"]
    assert got.text == final["output"][0]["content"][0]["text"]
    assert got.finish == STOP
    assert (got.usage.input_tokens, got.usage.output_tokens) == (36, 30)
