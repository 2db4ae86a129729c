"""Anthropic Messages: its events, its own tools, and the servers that speak it with an accent."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import frames
import pytest
from cuts import cuts, each_way
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.dialects import anthropic
from ipyllm.dialects.anthropic import MESSAGES
from ipyllm.errors import ProtocolError, UsageError
from ipyllm.events import (
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
    Usage,
)
from ipyllm.request import Request
from ipyllm.wire.json_stream import JsonStream

STOP = Finish("stop", "end_turn")
TOOL_USE = Finish("tool_calls", "tool_use")
TRUNCATED = Finish("truncated")
PING = Notice("ping", "")


decoded = partial(frames.decoded, MESSAGES)


class Slow(anthropic._Grammar):
    """The grammar without its quick look."""

    def plain(self, data: bytes, out: list[Event]) -> bool:
        return False


def frame(payload: Any, name: str = "") -> bytes:
    name = name or payload["type"]
    return f"event: {name}\ndata: {json.dumps(payload)}\n\n".encode()


def start(usage: Any = None, **message: Any) -> bytes:
    shape = {"id": "m", "type": "message", "role": "assistant", "content": [], "stop_reason": None}
    return frame({"type": "message_start", "message": shape | {"usage": usage} | message})


def begin(index: int, **block: Any) -> bytes:
    return frame({"type": "content_block_start", "index": index, "content_block": block})


def delta(index: int, kind: str, **delta: Any) -> bytes:
    return frame({"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}})


def text(piece: str, index: int = 0) -> bytes:
    return delta(index, "text_delta", text=piece)


def thinking(piece: str, index: int = 0) -> bytes:
    return delta(index, "thinking_delta", thinking=piece)


def tool(index: int, name: str, kind: str = "tool_use", **block: Any) -> bytes:
    return begin(index, type=kind, id=f"t{index}", name=name, **({"input": {}} | block))


def arguments(index: int, piece: str) -> bytes:
    return delta(index, "input_json_delta", partial_json=piece)


def stop(index: int = 0) -> bytes:
    return frame({"type": "content_block_stop", "index": index})


def ended(reason: str | None = "end_turn", usage: Any = None, **delta: Any) -> bytes:
    return frame(
        {"type": "message_delta", "delta": {"stop_reason": reason, **delta}, "usage": usage}
    )


OVER = frame({"type": "message_stop"})
END = ended() + OVER
TEXT = begin(0, type="text", text="")
ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
OVERLOADED = StreamError("Overloaded", "Overloaded", code="overloaded_error", raw=ERROR)
ONE = {"input_tokens": 9, "cache_read_input_tokens": 3, "output_tokens": 1}
TWO = {"output_tokens": 7, "input_tokens": None, "output_tokens_details": {"thinking_tokens": 2}}
BOTH = ONE | {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 2}}

CASES: dict[str, tuple[bytes, list[Event]]] = {
    "text": (
        start() + TEXT + text("Hel") + text("lo") + stop() + END,
        [TextDelta("Hel"), TextDelta("lo"), STOP],
    ),
    "pings anywhere": (
        frame({"type": "ping"}) + start() + TEXT + frame({"type": "ping"}) + text("a") + END,
        [PING, PING, TextDelta("a"), STOP],
    ),
    "JSON padded with spaces": (
        start() + text("a").replace(b"}\n", b"}      \n") + END.replace(b'"}', b'"     }'),
        [TextDelta("a"), STOP],
    ),
    "CRLF, and no event names": (
        b"".join(
            line + b"\r\n"
            for line in (start() + text("a") + END).split(b"\n")
            if not line.startswith(b"event")
        ),
        [TextDelta("a"), STOP],
    ),
    "text at the start of its block": (
        begin(0, type="text", text="a") + text("b") + END,
        [TextDelta("a"), TextDelta("b"), STOP],
    ),
    "thinking, its signature, then text": (
        start()
        + begin(0, type="thinking", thinking="", signature="")
        + thinking("hm")
        + delta(0, "signature_delta", signature="E==")
        + stop()
        + begin(1, type="text", text="")
        + text("a", 1)
        + stop(1)
        + END,
        [ReasoningDelta("hm"), Notice("signature", "E=="), TextDelta("a"), STOP],
    ),
    "redacted thinking shows nothing": (
        start() + begin(0, type="redacted_thinking", data="E==") + stop() + text("a") + END,
        [Notice("redacted_thinking", "E=="), TextDelta("a"), STOP],
    ),
    "citations, compactions and unknown deltas show nothing": (
        delta(0, "citations_delta", citation={"cited_text": "x"})
        + delta(0, "compaction_delta", content="Earlier: x")
        + delta(0, "new_delta", text="x")
        + text("a")
        + END,
        [TextDelta("a"), STOP],
    ),
    "unknown events are ignored": (
        start(ONE) + frame({"type": "new_event", "message": "x"}) + text("a") + END,
        [Usage(9, 1, None, 3, ONE), TextDelta("a"), STOP],
    ),
    "a call in fragments, the first one empty": (
        start()
        + tool(0, "add")
        + arguments(0, "")
        + arguments(0, '{"a"')
        + arguments(0, ": 1}")
        + stop()
        + ended("tool_use")
        + OVER,
        [
            ToolCallStart(0, "t0", "add"),
            ToolCallDelta(0, '{"a"'),
            ToolCallDelta(0, ": 1}"),
            ToolCallEnd(0),
            TOOL_USE,
        ],
    ),
    "a call without arguments": (
        tool(0, "now") + arguments(0, "") + stop() + ended("tool_use") + OVER,
        [ToolCallStart(0, "t0", "now"), ToolCallEnd(0), TOOL_USE],
    ),
    "the whole input at the start": (
        tool(0, "add", input={"a": "é"}) + stop() + ended("tool_use") + OVER,
        [
            ToolCallStart(0, "t0", "add"),
            ToolCallDelta(0, '{"a": "é"}'),
            ToolCallEnd(0),
            TOOL_USE,
        ],
    ),
    "the whole input at the start, and fragments: they count": (
        tool(0, "add", input={"a": 1})
        + arguments(0, '{"a":')
        + arguments(0, "1}")
        + stop()
        + ended("tool_use")
        + OVER,
        [
            ToolCallStart(0, "t0", "add"),
            ToolCallDelta(0, '{"a":'),
            ToolCallDelta(0, "1}"),
            ToolCallEnd(0),
            TOOL_USE,
        ],
    ),
    "a tool of the server's, and its result": (
        tool(0, "web_search", "server_tool_use")
        + arguments(0, '{"query": "x"}')
        + stop()
        + begin(1, type="web_search_tool_result", tool_use_id="t0", content=[{"title": "x"}])
        + stop(1)
        + text("a", 2)
        + END,
        [
            ToolCallStart(0, "t0", "web_search"),
            ToolCallDelta(0, '{"query": "x"}'),
            ToolCallEnd(0),
            TextDelta("a"),
            STOP,
        ],
    ),
    "calls of an MCP server": (
        tool(0, "echo", "mcp_tool_use", input={"a": 1}, server_name="s") + stop() + END,
        [ToolCallStart(0, "t0", "echo"), ToolCallDelta(0, '{"a": 1}'), ToolCallEnd(0), STOP],
    ),
    "two calls in turns": (
        tool(1, "f")
        + tool(2, "g")
        + arguments(2, "{}")
        + arguments(1, "[]")
        + stop(1)
        + stop(2)
        + ended("tool_use")
        + OVER,
        [
            ToolCallStart(0, "t1", "f"),
            ToolCallStart(1, "t2", "g"),
            ToolCallDelta(1, "{}"),
            ToolCallDelta(0, "[]"),
            ToolCallEnd(0),
            ToolCallEnd(1),
            TOOL_USE,
        ],
    ),
    "a call that is never said to end": (
        tool(0, "f") + arguments(0, "{}") + ended("tool_use") + OVER,
        [ToolCallStart(0, "t0", "f"), ToolCallDelta(0, "{}"), ToolCallEnd(0), TOOL_USE],
    ),
    "what has no type is no event": (
        text("a").replace(b'"type": "content_block_delta", ', b"") + text("b") + END,
        [TextDelta("b"), STOP],
    ),
    "fragments of no call": (arguments(4, "{}") + text("a") + END, [TextDelta("a"), STOP]),
    "usage at the start and the end: the last word on each counts": (
        start(ONE) + text("a") + ended(usage=TWO) + OVER,
        [Usage(9, 1, None, 3, ONE), TextDelta("a"), Usage(9, 7, 2, 3, BOTH), STOP],
    ),
    "input tokens corrected at the end": (
        start({"input_tokens": 5, "output_tokens": 1}) + ended(usage={"input_tokens": 8}) + OVER,
        [
            Usage(5, 1, raw={"input_tokens": 5, "output_tokens": 1}),
            Usage(8, 1, raw={"input_tokens": 8, "output_tokens": 1}),
            STOP,
        ],
    ),
    "a second message_start, a fallback to another model": (
        start({"input_tokens": 5})
        + tool(0, "f")
        + start({"input_tokens": 8})
        + tool(0, "g")
        + arguments(0, "{}")
        + stop()
        + END,
        [
            Usage(5, raw={"input_tokens": 5}),
            ToolCallStart(0, "t0", "f"),
            ToolCallEnd(0),
            Usage(8, raw={"input_tokens": 8}),
            ToolCallStart(1, "t0", "g"),
            ToolCallDelta(1, "{}"),
            ToolCallEnd(1),
            STOP,
        ],
    ),
    "a message that starts with its content and its end": (
        start(
            content=[
                {"type": "code_execution_tool_result", "content": {"stdout": "x"}},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"id": 1}},
            ],
            stop_reason="tool_use",
        )
        + OVER,
        [
            ToolCallStart(0, "t", "f"),
            ToolCallDelta(0, '{"id": 1}'),
            ToolCallEnd(0),
            TOOL_USE,
        ],
    ),
    "content null at the start": (start(content=None) + text("a") + END, [TextDelta("a"), STOP]),
    "max_tokens": (
        text("a") + ended("max_tokens") + OVER,
        [TextDelta("a"), Finish("length", "max_tokens")],
    ),
    "stop_sequence": (
        text("a") + ended("stop_sequence", stop_sequence="b") + OVER,
        [TextDelta("a"), Finish("stop", "stop_sequence")],
    ),
    "the context is full": (
        ended("model_context_window_exceeded") + OVER,
        [Finish("length", "model_context_window_exceeded")],
    ),
    "pause_turn": (ended("pause_turn") + OVER, [Finish("length", "pause_turn")]),
    "a refusal after text": (
        text("a")
        + ended("refusal", stop_details={"type": "refusal", "explanation": "Blocked."})
        + OVER,
        [TextDelta("a"), RefusalDelta("Blocked."), Finish("refusal", "refusal")],
    ),
    "a word of its own": (ended("tired") + OVER, [Finish("stop", "tired")]),
    "no word at all": (text("a") + OVER, [TextDelta("a"), Finish("stop")]),
    "no message_stop is no end": (
        text("a") + ended(),
        [TextDelta("a"), Finish("truncated", "end_turn")],
    ),
    "DONE after the word for the end (a proxy)": (
        text("a") + ended() + b"data: [DONE]\n\n",
        [TextDelta("a"), STOP],
    ),
    "DONE without it": (text("a") + b"data: [DONE]\n\n", [TextDelta("a"), TRUNCATED]),
    "nothing after message_stop counts": (text("a") + END + text("b"), [TextDelta("a"), STOP]),
    "nothing at all": (b"", [TRUNCATED]),
    "an error before anything": (frame(ERROR), [OVERLOADED, Finish("error")]),
    "an error within the answer": (
        start() + text("a") + frame(ERROR),
        [TextDelta("a"), OVERLOADED, Finish("error")],
    ),
    "an error within a call": (
        tool(0, "f") + arguments(0, '{"a') + frame(ERROR),
        [
            ToolCallStart(0, "t0", "f"),
            ToolCallDelta(0, '{"a'),
            OVERLOADED,
            ToolCallEnd(0),
            Finish("error"),
        ],
    ),
    "an error of llama.cpp": (
        start()
        + frame({"error": {"code": 500, "message": "Boom", "type": "server_error"}}, "error"),
        [
            StreamError(
                "ServerError",
                "Boom",
                code="500",
                raw={"error": {"code": 500, "message": "Boom", "type": "server_error"}},
            ),
            Finish("error"),
        ],
    ),
    "an error that is flat": (
        frame({"type": "error", "message": "Boom"}),
        [
            StreamError(
                "ServerError", "Boom", code="error", raw={"type": "error", "message": "Boom"}
            ),
            Finish("error"),
        ],
    ),
    "an error of a proxy": (
        frame({"type": "about:blank", "detail": "Boom"}, "message"),
        [
            StreamError(
                "ServerError",
                "Boom",
                code="about:blank",
                raw={"type": "about:blank", "detail": "Boom"},
            ),
            Finish("error"),
        ],
    ),
    "error JSON without data:": (json.dumps(ERROR).encode(), [OVERLOADED, Finish("error")]),
    "a pair of surrogates cut over deltas": (
        text("a\ud83d") + text("\ude42b") + END,
        [TextDelta("a"), TextDelta("🙂b"), STOP],
    ),
    "half a character at the end": (text("\ud83d") + END, [TextDelta("\ufffd"), STOP]),
    "half a character in thinking": (thinking("a\ud83d") + END, [ReasoningDelta("a\ufffd"), STOP]),
    "malformed JSON within an answer": (
        text("a") + b"data: {oops\n\n" + END,
        [TextDelta("a"), Notice("malformed", "{oops"), STOP],
    ),
    "one plain message instead of a stream": (
        json.dumps(
            {
                "type": "message",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": ""},
                    {"type": "text", "text": "Hi"},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
                ],
                "stop_reason": "tool_use",
                "usage": ONE,
            },
            indent=1,
        ).encode(),
        [
            ReasoningDelta("hm"),
            TextDelta("Hi"),
            ToolCallStart(0, "t", "f"),
            ToolCallDelta(0, '{"a": 1}'),
            ToolCallEnd(0),
            Usage(9, 1, None, 3, ONE),
            TOOL_USE,
        ],
    ),
}


@each_way
@pytest.mark.parametrize("raw, events", CASES.values(), ids=CASES)
def test_a_stream_gives_its_events(cut, raw, events):
    assert decoded(cut(raw)) == events


@pytest.mark.parametrize("raw", [raw for raw, _ in CASES.values()], ids=CASES)
def test_every_stream_ends_in_one_finish(raw):
    for end in range(len(raw)):
        kinds = [type(event) for event in decoded([raw[:end]])]
        assert kinds.count(Finish) == 1
        assert kinds[-1] is Finish


def test_only_message_stop_proves_the_end():
    decoder = MESSAGES.decoder()
    decoder.feed(start() + TEXT + text("a") + stop() + ended())
    assert not decoder.finished
    decoder.feed(OVER)
    assert decoder.finished


def test_an_answer_cut_between_events_is_truncated():
    answer = [start(ONE), TEXT, text("The "), text("answer."), stop(), ended(usage=TWO), OVER]
    for events in range(len(answer)):
        *_, finish = got = decoded([b"".join(answer[:events])])
        assert finish.reason == "truncated"
        said = "".join(event.text for event in got if isinstance(event, TextDelta))
        assert said == "".join(["", "", "", "The ", "answer."][: events + 1])


PIECES = [
    *(raw for raw, _ in CASES.values()),
    b"data: ",
    b"\n\n",
    b'{"type":"content_block_delta"',
    b'"delta":{"type":"text_delta","text":',
    b'"\\ud83d"}}',
    b"null",
    b": c\n",
]


@given(cuts(st.sampled_from([raw for raw, _ in CASES.values()])))
def test_any_cut_of_a_stream_decodes_alike(case):
    raw, pieces = case
    assert decoded(pieces) == decoded([raw])


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=9), max_size=9).map(b"".join))
def test_garbage_gives_events_or_a_protocol_error(raw):
    try:
        events = decoded([raw])
    except ProtocolError:
        return
    assert isinstance(events[-1], Finish)


NAMES = ["type", "index", "delta", "content_block", "message", "content", "usage", "error"]
NAMES += ["text", "thinking", "partial_json", "input", "stop_reason", "stop_details", "name", "id"]
KINDS = ["message_start", "content_block_start", "content_block_delta", "content_block_stop"]
KINDS += ["message_delta", "message_stop", "message", "ping", "error", "text", "text_delta"]
KINDS += ["thinking_delta", "input_json_delta", "tool_use", "", "a", "\ud83d", "é"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(KINDS),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
DELTAS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.just("content_block_delta") | JSON,
        "index": JSON,
        "error": JSON,
        "delta": JSON
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["text_delta", "thinking_delta"])},
            optional={"text": JSON, "thinking": JSON, "error": JSON},
        ),
    },
)


@given(st.lists(DELTAS | JSON, max_size=5))
def test_the_quick_look_and_the_long_way_agree(payloads):
    """On JSON of any shape where an event should be; and none of it fails us."""
    raw = b"".join(frame(payload, "x") for payload in payloads)
    slow = JsonStream(Slow())
    events = slow.feed(raw) + slow.close()
    assert decoded([raw]) == events
    assert isinstance(events[-1], Finish)
    for event in events:
        if isinstance(event, (TextDelta, ReasoningDelta, RefusalDelta)):
            assert event.text.encode()
        if isinstance(event, ToolCallDelta):
            assert event.json.encode()


def test_deep_json_is_no_way_to_fail_us():
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    events = decoded([tool(0, "f", input=deep) + stop() + END])
    assert events[0] == ToolCallStart(0, "t0", "f")
    assert events[-1] == STOP


# --- what is asked -------------------------------------------------------------------------------


def body(*messages: dict[str, Any], **request: Any) -> dict[str, Any]:
    return MESSAGES.body(Request("claude", messages, **request))


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
USE = {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}}


def test_the_request_has_its_key_version_and_place():
    assert MESSAGES.auth == "x-api-key"
    assert MESSAGES.headers == (("anthropic-version", "2023-06-01"),)
    assert MESSAGES.path(Request("claude", ())) == "/v1/messages"
    assert MESSAGES.models == "/v1/models"


def test_the_body_streams_and_has_the_limit_the_api_demands():
    assert body(user("Hi")) == {
        "model": "claude",
        "max_tokens": 4096,
        "stream": True,
        "messages": [user("Hi")],
    }


def test_params_are_sent_as_they_are():
    sent = body(user("Hi"), params={"max_tokens": 9, "stop_sequences": ["x"], "stop": "y"})
    assert (sent["max_tokens"], sent["stop_sequences"], sent["stop"]) == (9, ["x"], "y")


def test_the_system_prompt_stands_on_top():
    sent = body({"role": "system", "content": "B"}, user("Hi"), system="A")
    assert sent["system"] == "A\n\nB"
    assert sent["messages"] == [user("Hi")]


def test_a_system_prompt_in_blocks_stays_in_blocks():
    block = {"type": "text", "text": "B", "cache_control": {"type": "ephemeral"}}
    sent = body({"role": "system", "content": [block]}, system="A")
    assert sent["system"] == [{"type": "text", "text": "A"}, block]


def test_pictures_and_files_become_sources():
    content = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,BBBB"}},
    ]
    (message,) = body(user(content))["messages"]
    picture = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    paper = {"type": "base64", "media_type": "application/pdf", "data": "BBBB"}
    assert message["content"] == [
        content[0],
        {"type": "image", "source": picture},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "document", "source": paper},
    ]


def test_calls_and_their_results_become_blocks():
    sent = body(
        user("1 + 1?"),
        {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "3"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "4", "is_error": True},
        user("Thanks"),
    )["messages"]
    text = {"type": "text", "text": "Let me see."}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "2"}
    assert sent == [
        user("1 + 1?"),
        {"role": "assistant", "content": [text, USE]},
        user(
            [
                result,
                result | {"tool_use_id": "c2", "content": [{"type": "text", "text": "3"}]},
            ]
        ),
        {"role": "assistant", "content": [USE]},
        user([result | {"content": "4", "is_error": True}]),
        user("Thanks"),
    ]


def test_messages_in_the_api_s_own_shape_are_sent_as_they_are():
    own = [
        user([{"type": "image", "source": {"type": "file", "file_id": "f"}}]),
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "", "signature": "E"}, USE],
        },
        user([{"type": "tool_result", "tool_use_id": "c1", "content": "2"}]),
    ]
    assert body(*own)["messages"] == own


def test_tools_are_translated_and_the_api_s_own_are_not():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    function = {"name": "add", "description": "Adds.", "parameters": schema}
    search = {"type": "web_search_20250305", "name": "web_search"}
    sent = body(tools=({"type": "function", "function": function}, search))
    translated = {"name": "add", "description": "Adds.", "input_schema": schema}
    assert sent["tools"] == [translated, search]


@pytest.mark.parametrize(
    "message, said",
    [
        ({"role": "critic", "content": "x"}, "'critic'"),
        (user([{"type": "video", "video": "x"}]), "'video'"),
        (user([{"type": "input_audio", "input_audio": {"data": "AA"}}]), "'input_audio'"),
        (user([{"type": "image_url", "image_url": {"url": "data:nothing"}}]), "data URL"),
        (user(3), "3"),
        ({"role": "assistant", "tool_calls": [CALL | {"function": {"arguments": "{"}}]}, "JSON"),
    ],
)
def test_what_the_api_has_no_place_for_is_said_before_it_is_sent(message, said):
    with pytest.raises(UsageError) as caught:
        body(message)
    assert said in caught.value.message
