"""Ollama's own API: lines of a chat, and of a generated text."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import frames
import pytest
from cuts import cuts, each_way
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.dialects import ollama
from ipyllm.dialects.ollama import CHAT, GENERATE
from ipyllm.errors import ProtocolError, UsageError
from ipyllm.events import (
    Event,
    Finish,
    Logprobs,
    Notice,
    ReasoningDelta,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from ipyllm.request import Request
from ipyllm.wire.json_stream import JsonStream

STOP = Finish("stop", "stop")
TRUNCATED = Finish("truncated")


decoded = partial(frames.decoded, CHAT)


class Slow(ollama._Grammar):
    """The grammar without its quick look."""

    def plain(self, data: bytes, out: list[Event]) -> bool:
        return False


def line(**more: Any) -> bytes:
    shape = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": False}
    return json.dumps(shape | more).encode() + b"\n"


def chat(content: str = "", *, more: dict[str, Any] | None = None, **message: Any) -> bytes:
    return line(message={"role": "assistant", "content": content} | message, **(more or {}))


def said(response: str, **more: Any) -> bytes:
    return line(response=response, **more)


def calls(*calls: dict[str, Any]) -> bytes:
    return chat(tool_calls=list(calls))


def call(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}} | more


def over(reason: str = "stop", **more: Any) -> bytes:
    return chat(more={"done": True, "done_reason": reason, **more})


COUNTS = {"total_duration": 9, "prompt_eval_count": 5, "eval_count": 7, "eval_duration": 4}
COUNTED = [Usage(5, 7, raw=COUNTS), Notice("timings", json.dumps(COUNTS))]
BOOM = StreamError("ServerError", "Boom", raw={"error": "Boom"})

CASES: dict[str, tuple[bytes, list[Event]]] = {
    "a chat": (
        chat("Hel") + chat("lo") + over(**COUNTS),
        [TextDelta("Hel"), TextDelta("lo"), *COUNTED, STOP],
    ),
    "a generated text": (
        said("a") + said("b", done=True, done_reason="stop", context=[1, 2], **COUNTS),
        [TextDelta("a"), TextDelta("b"), *COUNTED, STOP],
    ),
    "one object instead of lines": (
        json.dumps({"message": {"content": "a"}, "done": True}, indent=1).encode(),
        [TextDelta("a"), Finish("stop")],
    ),
    "the last line without its end": (chat("a") + over()[:-1], [TextDelta("a"), STOP]),
    "CRLF and blank lines": (
        (chat("a") + b"\n" + over()).replace(b"\n", b"\r\n"),
        [TextDelta("a"), STOP],
    ),
    "both a message and a response": (
        chat("a", more={"response": "b"}) + over(),
        [TextDelta("a"), TextDelta("b"), STOP],
    ),
    "thinking in a chat": (
        chat(thinking="hm") + chat("a") + over(),
        [ReasoningDelta("hm"), TextDelta("a"), STOP],
    ),
    "thinking in a generated text": (
        said("", thinking="hm") + said("a") + said("", done=True, done_reason="stop"),
        [ReasoningDelta("hm"), TextDelta("a"), STOP],
    ),
    "a call, its arguments an object": (
        calls(call("add", {"a": "é"})) + over(),
        [
            ToolCallStart(0, "", "add"),
            ToolCallDelta(0, '{"a": "é"}'),
            ToolCallEnd(0),
            Finish("tool_calls", "stop"),
        ],
    ),
    "calls in one line, with ids and indices": (
        calls(
            call("f", {}, id="c1") | {"function": {"index": 0, "name": "f", "arguments": {}}},
            call("g", {"b": 2}, id="c2"),
        )
        + over(),
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, "{}"),
            ToolCallEnd(0),
            ToolCallStart(1, "c2", "g"),
            ToolCallDelta(1, '{"b": 2}'),
            ToolCallEnd(1),
            Finish("tool_calls", "stop"),
        ],
    ),
    "calls in several lines, the last beside the end": (
        calls(call("f", {})) + chat(tool_calls=[call("f", {})], more={"done": True}),
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(0, "{}"),
            ToolCallEnd(0),
            ToolCallStart(1, "", "f"),
            ToolCallDelta(1, "{}"),
            ToolCallEnd(1),
            Finish("tool_calls"),
        ],
    ),
    "arguments as text, and none": (
        calls(call("f", '{"a": 1}'), call("g", None), call("h", "")) + over(),
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(0, '{"a": 1}'),
            ToolCallEnd(0),
            ToolCallStart(1, "", "g"),
            ToolCallDelta(1, "{}"),
            ToolCallEnd(1),
            ToolCallStart(2, "", "h"),
            ToolCallEnd(2),
            Finish("tool_calls", "stop"),
        ],
    ),
    "a prompt that was all in the cache": (
        chat("a") + over(eval_count=7),
        [TextDelta("a"), Usage(None, 7, raw={"eval_count": 7}), STOP],
    ),
    "length": (chat("a") + over("length"), [TextDelta("a"), Finish("length", "length")]),
    "a length that cuts a call": (
        calls(call("f", {})) + over("length"),
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(0, "{}"),
            ToolCallEnd(0),
            Finish("length", "length"),
        ],
    ),
    "a model is loaded": (over("load"), [Finish("stop", "load")]),
    "a model is unloaded": (said("", done=True, done_reason="unload"), [Finish("stop", "unload")]),
    "an end without message or reason (old)": (
        chat("a") + line(done=True),
        [TextDelta("a"), Finish("stop")],
    ),
    "log probabilities": (
        chat("a", more={"logprobs": [{"token": "a", "logprob": -0.5, "top_logprobs": []}]})
        + over(),
        [TextDelta("a"), Logprobs((("a", -0.5),)), STOP],
    ),
    "an error within the answer": (
        chat("a") + b'{"error":"Boom"}\n',
        [TextDelta("a"), BOOM, Finish("error")],
    ),
    "an error and nothing else": (b'{"error":"Boom"}', [BOOM, Finish("error")]),
    "an error over several lines": (b'{\n "error":\n "Boom"\n}\n', [BOOM, Finish("error")]),
    "an error of a proxy": (
        b'{"message":"Boom"}',
        [StreamError("ServerError", "Boom", raw={"message": "Boom"}), Finish("error")],
    ),
    "no done is no end": (chat("a") + chat(""), [TextDelta("a"), TRUNCATED]),
    "done false at last is no end": (chat("a") + line(done=False), [TextDelta("a"), TRUNCATED]),
    "nothing at all": (b"", [TRUNCATED]),
    "nothing after the end counts": (chat("a") + over() + chat("b"), [TextDelta("a"), STOP]),
    "half a line at the end": (chat("a") + chat("b")[:30], [TextDelta("a"), TRUNCATED]),
    "malformed JSON within an answer": (
        chat("a") + b"{oops\n" + over(),
        [TextDelta("a"), Notice("malformed", "{oops"), STOP],
    ),
    "line separators inside text": (
        '{"message":{"content":"a\u2028b\u0085"},"done":false}\n'.encode() + over(),
        [TextDelta("a\u2028b\u0085"), STOP],
    ),
    "a pair of surrogates cut over lines": (
        chat("a\ud83d") + chat("\ude42b") + over(),
        [TextDelta("a"), TextDelta("🙂b"), STOP],
    ),
    "server-sent events (a proxy)": (
        b"data: " + chat("a") + b"\ndata: " + over() + b"\n",
        [TextDelta("a"), STOP],
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


def test_only_done_proves_the_end():
    decoder = CHAT.decoder()
    decoder.feed(chat("a") + calls(call("f", {})))
    assert not decoder.finished
    decoder.feed(over())
    assert decoder.finished


def test_an_answer_cut_within_a_line_is_truncated():
    raw = chat("The ") + chat("answer.") + over(**COUNTS)
    for end in range(raw.rindex(b"}")):
        *_, finish = got = decoded([raw[:end]])
        assert finish == TRUNCATED
        text = "".join(event.text for event in got if isinstance(event, TextDelta))
        assert text == ("The answer." if text.endswith(".") else "The " if text else "")


@given(cuts(st.sampled_from([raw for raw, _ in CASES.values()])))
def test_any_cut_of_a_stream_decodes_alike(case):
    raw, pieces = case
    assert decoded(pieces) == decoded([raw])


MORSELS = [*(raw for raw, _ in CASES.values()), b"\n", b"{", b'"message":', b"null", b"[", b"}"]


@given(st.lists(st.sampled_from(MORSELS) | st.binary(max_size=9), max_size=9).map(b"".join))
def test_garbage_gives_events_or_a_protocol_error(raw):
    try:
        events = decoded([raw])
    except ProtocolError:
        return
    assert isinstance(events[-1], Finish)


NAMES = ["message", "response", "thinking", "content", "tool_calls", "function", "arguments"]
NAMES += ["name", "id", "error", "logprobs", "token", "logprob", "eval_count", "done_reason"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "\ud83d", "é"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
SAID = st.sampled_from(["", "a", "\ud83d", "\ude42"]) | JSON
LINES = st.fixed_dictionaries(
    {},
    optional={
        "done": st.booleans() | JSON,
        "response": SAID,
        "thinking": SAID,
        "logprobs": JSON,
        "error": JSON,
        "message": JSON
        | st.fixed_dictionaries(
            {}, optional={"content": SAID, "thinking": SAID, "role": JSON, "tool_calls": JSON}
        ),
    },
)


@given(st.lists(LINES | JSON, max_size=5))
def test_the_quick_look_and_the_long_way_agree(payloads):
    """On JSON of any shape where a line should be; and none of it fails us."""
    raw = chat("a") + b"".join(json.dumps(payload).encode() + b"\n" for payload in payloads)
    slow = JsonStream(Slow())
    events = slow.feed(raw) + slow.close()
    assert decoded([raw]) == events
    assert isinstance(events[-1], Finish)
    for event in events:
        if isinstance(event, (TextDelta, ReasoningDelta)):
            assert event.text.encode()
        if isinstance(event, ToolCallDelta):
            assert event.json.encode()


# --- what is asked -------------------------------------------------------------------------------


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def body(*messages: dict[str, Any], **request: Any) -> dict[str, Any]:
    return CHAT.body(Request("llama3", messages, **request))


def prompt(*messages: dict[str, Any], **request: Any) -> dict[str, Any]:
    return GENERATE.body(Request("llama3", messages, **request))


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


def test_the_endpoints_are_below_a_base_without_version():
    request = Request("llama3", ())
    assert CHAT.path(request) == "/api/chat"
    assert GENERATE.path(request) == "/api/generate"
    assert CHAT.models == GENERATE.models == "/api/tags"


def test_the_body_of_a_chat_streams():
    assert body(user("Hi"), system="Be brief.") == {
        "model": "llama3",
        "messages": [{"role": "system", "content": "Be brief."}, user("Hi")],
        "stream": True,
    }


def test_params_are_options_but_for_those_beside_them():
    params = {
        "temperature": 0,
        "num_ctx": 9,
        "options": {"seed": 1, "num_ctx": 3},
        "think": True,
        "keep_alive": "5m",
        "format": "json",
        "stream": False,
    }
    sent = body(params=params)
    assert sent["options"] == {"seed": 1, "num_ctx": 9, "temperature": 0}
    assert (sent["think"], sent["keep_alive"], sent["format"]) == (True, "5m", "json")
    assert sent["stream"] is False
    assert "options" not in body()


def test_pictures_go_beside_the_text():
    content = [{"type": "text", "text": "What"}, PICTURE, {"type": "text", "text": "is it?"}]
    (message,) = body(user(content))["messages"]
    assert message == {"role": "user", "content": "What\nis it?", "images": ["AAAA"]}


def test_calls_have_their_arguments_as_objects_and_results_a_name():
    sent = body(
        user("1 + 1?"),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
    )["messages"]
    assert sent[1] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [CALL | {"function": {"name": "add", "arguments": {"a": 1}}}],
    }
    assert sent[2] == {"role": "tool", "tool_call_id": "c1", "content": "2", "tool_name": "add"}


def test_messages_in_the_api_s_own_shape_are_sent_as_they_are():
    own = [
        {"role": "user", "content": "Hi", "images": ["AAAA"]},
        {
            "role": "assistant",
            "content": "",
            "thinking": "hm",
            "tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}],
        },
        {"role": "tool", "content": "2", "tool_name": "add"},
    ]
    assert body(*own)["messages"] == own


def test_tools_are_sent_as_they_are():
    tool = {"type": "function", "function": {"name": "add"}}
    assert body(tools=(tool,))["tools"] == [tool]


def test_a_generated_text_has_one_prompt():
    sent = prompt({"role": "system", "content": "B"}, user([PICTURE, "Hi"]), system="A")
    assert sent == {
        "model": "llama3",
        "prompt": "Hi",
        "system": "A\n\nB",
        "images": ["AAAA"],
        "stream": True,
    }


def test_a_conversation_becomes_one_prompt():
    sent = prompt(user("Hi"), {"role": "assistant", "content": "Hello"}, user("Bye"))
    assert sent["prompt"] == "User: Hi\n\nAssistant: Hello\n\nUser: Bye\n\nAssistant:"
    sent = prompt(user("Hi"), {"role": "assistant", "content": "Hel"})
    assert sent["prompt"] == "User: Hi\n\nAssistant: Hel"
    assert prompt()["prompt"] == ""


def test_params_of_a_generated_text():
    sent = prompt(user("Hi"), params={"raw": True, "suffix": "x", "top_k": 1})
    assert (sent["raw"], sent["suffix"], sent["options"]) == (True, "x", {"top_k": 1})


@pytest.mark.parametrize(
    "build, message, said",
    [
        (body, {"role": "critic", "content": "x"}, "'critic'"),
        (body, user([{"type": "file", "file": {}}]), "'file'"),
        (body, user([{"type": "input_audio", "input_audio": {"data": "A"}}]), "'input_audio'"),
        (body, user([{"type": "image_url", "image_url": "https://x/y.png"}]), "https://x/y.png"),
        (prompt, {"role": "tool", "content": "2"}, "'tool'"),
        (prompt, {"role": "assistant", "tool_calls": [CALL]}, "tool_calls"),
    ],
)
def test_what_the_api_has_no_place_for_is_said_before_it_is_sent(build, message, said):
    with pytest.raises(UsageError) as caught:
        build(message)
    assert said in caught.value.message


def test_a_generated_text_takes_no_tools():
    with pytest.raises(UsageError, match="ollama_chat"):
        prompt(tools=({"type": "function"},))
