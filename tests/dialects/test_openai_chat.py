"""Chat completions: the plain stream, and the accents services speak it with."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import frames
import pytest
from cuts import byte_by_byte, cut_at, cuts, each_way
from frames import DONE, folded, frame
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.dialects.openai_chat import CHAT
from ipyllm.errors import ProtocolError
from ipyllm.events import (
    ChoiceDelta,
    Event,
    Finish,
    Notice,
    Progress,
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

STOP = Finish("stop", "stop")
TOOL_CALLS = Finish("tool_calls", "tool_calls")
TRUNCATED = Finish("truncated")


decoded = partial(frames.decoded, CHAT)


def chunk(
    finish: str | None = None, *, index: int = 0, more: dict[str, Any] | None = None, **delta: Any
) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    shape = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }
    return frame(shape | (more or {}))


def text(piece: str) -> bytes:
    return chunk(content=piece)


def calls(*fragments: dict[str, Any]) -> bytes:
    return chunk(tool_calls=list(fragments))


def call(
    ident: str | None = None, name: str | None = None, arguments: Any = None, **index: Any
) -> dict[str, Any]:
    return {
        "id": ident,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    } | index


ROLE = chunk(role="assistant", content="")
END = chunk("stop")
CALLED = chunk("tool_calls")
USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
COUNTED = Usage(5, 7, 3, 2, USAGE)
ERROR = {"message": "Boom", "type": "server_error", "code": None}


def failed(message: str, code: str, raw: Any, kind: str = "ServerError") -> StreamError:
    return StreamError(kind, message, code=code, raw=raw)


CASES: dict[str, tuple[bytes, list[Event]]] = {
    "text": (
        ROLE + text("Hel") + text("lo") + END + DONE,
        [TextDelta("Hel"), TextDelta("lo"), STOP],
    ),
    "no DONE (Perplexity)": (ROLE + text("a") + END, [TextDelta("a"), STOP]),
    "DONE without blank line": (text("a") + END + b"data: [DONE]", [TextDelta("a"), STOP]),
    "last text and finish in one chunk (Mistral)": (
        text("a") + chunk("stop", content="b") + DONE,
        [TextDelta("a"), TextDelta("b"), STOP],
    ),
    "empty and null content": (
        ROLE + chunk(content=None) + chunk(content="") + chunk() + text("a") + END + DONE,
        [TextDelta("a"), STOP],
    ),
    "CRLF": ((ROLE + text("a") + END + DONE).replace(b"\n", b"\r\n"), [TextDelta("a"), STOP]),
    "line separators inside text": (
        frame(
            json.dumps(
                {"choices": [{"delta": {"content": "a\u2028b\u0085"}}]}, ensure_ascii=False
            ).encode()
        )
        + END,
        [TextDelta("a\u2028b\u0085"), STOP],
    ),
    "a bad byte inside text": (
        frame(b'{"choices":[{"delta":{"content":"a\xffb"}}]}') + END,
        [TextDelta("a\ufffdb"), STOP],
    ),
    "a pair of surrogates cut over deltas": (
        frame(b'{"choices":[{"delta":{"content":"a\\ud83d"}}]}')
        + frame(b'{"choices":[{"delta":{"content":"\\ude42b"}}]}')
        + END,
        [TextDelta("a"), TextDelta("🙂b"), STOP],
    ),
    "half a character at the end": (
        frame(b'{"choices":[{"delta":{"content":"\\ud83d"}}]}') + END,
        [TextDelta("\ufffd"), STOP],
    ),
    "half a character in reasoning": (
        frame(b'{"choices":[{"delta":{"reasoning":"a\\ud83d"}}]}') + text("b") + END,
        [ReasoningDelta("a"), ReasoningDelta("\ufffd"), TextDelta("b"), STOP],
    ),
    "reasoning_content (DeepSeek)": (
        chunk(content=None, reasoning_content="hm")
        + chunk(content="a", reasoning_content=None)
        + END
        + DONE,
        [ReasoningDelta("hm"), TextDelta("a"), STOP],
    ),
    "reasoning (Groq, OpenRouter, Ollama)": (
        chunk(content="", reasoning="hm") + text("a") + END + DONE,
        [ReasoningDelta("hm"), TextDelta("a"), STOP],
    ),
    "thinking": (
        chunk(thinking="hm") + text("a") + END,
        [ReasoningDelta("hm"), TextDelta("a"), STOP],
    ),
    "the same reasoning under two names counts once (vLLM)": (
        chunk(reasoning="hm", reasoning_content="hm") + text("a") + END,
        [ReasoningDelta("hm"), TextDelta("a"), STOP],
    ),
    "reasoning and text in one delta": (
        chunk(reasoning="hm", content="a") + END,
        [ReasoningDelta("hm"), TextDelta("a"), STOP],
    ),
    "empty reasoning is nothing": (chunk(reasoning="") + text("a") + END, [TextDelta("a"), STOP]),
    "refusal": (
        chunk(refusal="I ") + chunk(refusal="won't", content=None) + END + DONE,
        [RefusalDelta("I "), RefusalDelta("won't"), STOP],
    ),
    "empty refusal (Snowflake)": (
        chunk(content="a", refusal="") + DONE,
        [TextDelta("a"), Finish("stop")],
    ),
    "content in parts (Mistral)": (
        chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}])
        + chunk(
            content=[
                {"type": "text", "text": "a"},
                {"type": "image"},
                {"type": "text", "text": "b"},
            ]
        )
        + END,
        [ReasoningDelta("hm"), TextDelta("a"), TextDelta("b"), STOP],
    ),
    "a call in fragments": (
        ROLE
        + calls(call("c1", "add", "", index=0))
        + calls({"index": 0, "function": {"arguments": '{"a"'}})
        + calls({"index": 0, "function": {"arguments": ":1}"}})
        + CALLED
        + DONE,
        [
            ToolCallStart(0, "c1", "add"),
            ToolCallDelta(0, '{"a"'),
            ToolCallDelta(0, ":1}"),
            ToolCallEnd(0),
            TOOL_CALLS,
        ],
    ),
    "a whole call at once (Mistral, xAI)": (
        calls(call("c1", "add", "{}", index=0)) + CALLED,
        [ToolCallStart(0, "c1", "add"), ToolCallDelta(0, "{}"), ToolCallEnd(0), TOOL_CALLS],
    ),
    "arguments as an object": (
        calls(call("c1", "add", {"a": "é"}, index=0)) + CALLED,
        [ToolCallStart(0, "c1", "add"), ToolCallDelta(0, '{"a": "é"}'), ToolCallEnd(0), TOOL_CALLS],
    ),
    "no fragment at all": (
        calls(call("c1", "now", index=0)) + CALLED,
        [ToolCallStart(0, "c1", "now"), ToolCallEnd(0), TOOL_CALLS],
    ),
    "text before a call": (
        text("Let me see.") + calls(call("c1", "now", "{}", index=0)) + CALLED,
        [
            TextDelta("Let me see."),
            ToolCallStart(0, "c1", "now"),
            ToolCallDelta(0, "{}"),
            ToolCallEnd(0),
            TOOL_CALLS,
        ],
    ),
    "two calls, one after the other": (
        calls(call("c1", "f", "{", index=0))
        + calls({"index": 0, "function": {"arguments": "}"}})
        + calls(call("c2", "f", "{", index=1))
        + calls({"index": 1, "function": {"arguments": "}"}})
        + CALLED,
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, "{"),
            ToolCallDelta(0, "}"),
            ToolCallEnd(0),
            ToolCallStart(1, "c2", "f"),
            ToolCallDelta(1, "{"),
            ToolCallDelta(1, "}"),
            ToolCallEnd(1),
            TOOL_CALLS,
        ],
    ),
    "two calls in one delta": (
        calls(call("c1", "f", "{}", index=0), call("c2", "g", "[]", index=1)) + CALLED,
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, "{}"),
            ToolCallEnd(0),
            ToolCallStart(1, "c2", "g"),
            ToolCallDelta(1, "[]"),
            ToolCallEnd(1),
            TOOL_CALLS,
        ],
    ),
    "an index from 1 (Bedrock)": (
        calls(call("c1", "f", "{", index=1))
        + calls({"index": 1, "function": {"arguments": "}"}})
        + CALLED,
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, "{"),
            ToolCallDelta(0, "}"),
            ToolCallEnd(0),
            TOOL_CALLS,
        ],
    ),
    "no index and an empty id (Gemini)": (
        calls(call("", "f", "{}")) + calls(call("", "g", "[]")) + END,
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(0, "{}"),
            ToolCallEnd(0),
            ToolCallStart(1, "", "g"),
            ToolCallDelta(1, "[]"),
            ToolCallEnd(1),
            STOP,
        ],
    ),
    "no index, one id on every fragment": (
        calls(call("c1", "f", "{"))
        + calls(call("c1", None, "}"))
        + calls(call("c2", "f", "{}"))
        + CALLED,
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, "{"),
            ToolCallDelta(0, "}"),
            ToolCallEnd(0),
            ToolCallStart(1, "c2", "f"),
            ToolCallDelta(1, "{}"),
            ToolCallEnd(1),
            TOOL_CALLS,
        ],
    ),
    "a null index, the id only once": (
        calls(call("c1", "f", "{", index=None))
        + calls({"index": None, "function": {"arguments": "}"}})
        + CALLED,
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, "{"),
            ToolCallDelta(0, "}"),
            ToolCallEnd(0),
            TOOL_CALLS,
        ],
    ),
    "index 0 for two calls with ids of their own": (
        calls(call("c1", "f", "{}", index=0)) + calls(call("c2", "f", "[]", index=0)) + CALLED,
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, "{}"),
            ToolCallEnd(0),
            ToolCallStart(1, "c2", "f"),
            ToolCallDelta(1, "[]"),
            ToolCallEnd(1),
            TOOL_CALLS,
        ],
    ),
    "id and name on every fragment": (
        calls(call("c1", "f", "{", index=0)) + calls(call("c1", "f", "}", index=0)) + CALLED,
        [
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, "{"),
            ToolCallDelta(0, "}"),
            ToolCallEnd(0),
            TOOL_CALLS,
        ],
    ),
    "tool_calls null": (chunk(content="a", tool_calls=None) + END, [TextDelta("a"), STOP]),
    "usage after the finish": (
        text("a")
        + END
        + frame({"object": "chat.completion.chunk", "choices": [], "usage": USAGE})
        + DONE,
        [TextDelta("a"), COUNTED, STOP],
    ),
    "usage beside the finish (DeepSeek)": (
        text("a") + chunk("stop", content="", more={"usage": USAGE}) + DONE,
        [TextDelta("a"), COUNTED, STOP],
    ),
    "usage on every chunk (Perplexity)": (
        chunk(content="a", more={"usage": {"prompt_tokens": 1}})
        + chunk("stop", content="b", more={"usage": USAGE}),
        [TextDelta("a"), Usage(1, raw={"prompt_tokens": 1}), TextDelta("b"), COUNTED, STOP],
    ),
    "usage of nulls (Databricks)": (
        chunk(content="a", more={"usage": {"prompt_tokens": None, "completion_tokens": None}})
        + END,
        [TextDelta("a"), Usage(raw={"prompt_tokens": None, "completion_tokens": None}), STOP],
    ),
    "usage in x_groq": (
        chunk(content="a", more={"x_groq": {"id": "r"}})
        + chunk("stop", more={"x_groq": {"usage": USAGE}})
        + DONE,
        [TextDelta("a"), COUNTED, STOP],
    ),
    "no choices (Azure)": (
        frame({"choices": [], "object": "", "prompt_filter_results": []}) + text("a") + END,
        [TextDelta("a"), STOP],
    ),
    "choices null": (
        frame({"object": "x", "choices": None}) + text("a") + END,
        [TextDelta("a"), STOP],
    ),
    "finish_reason empty on every chunk (old Ollama)": (
        chunk("", content="a") + chunk("", content="b") + chunk("stop") + DONE,
        [TextDelta("a"), TextDelta("b"), STOP],
    ),
    "finish_reason twice: the last counts": (
        text("a") + chunk("length") + chunk("stop") + DONE,
        [TextDelta("a"), STOP],
    ),
    "length": (text("a") + chunk("length") + DONE, [TextDelta("a"), Finish("length", "length")]),
    "model_length (Mistral)": (
        text("a") + chunk("model_length"),
        [TextDelta("a"), Finish("length", "model_length")],
    ),
    "content_filter": (
        chunk("content_filter") + DONE,
        [Finish("content_filter", "content_filter")],
    ),
    "function_call": (chunk("function_call") + DONE, [Finish("tool_calls", "function_call")]),
    "a word of its own": (
        text("a") + chunk("tired") + DONE,
        [TextDelta("a"), Finish("stop", "tired")],
    ),
    "DONE but no finish_reason after text (Snowflake)": (
        text("a") + DONE,
        [TextDelta("a"), Finish("stop")],
    ),
    "DONE alone (vLLM)": (DONE, [TRUNCATED]),
    "role, then DONE": (ROLE + DONE, [TRUNCATED]),
    "nothing at all": (b"", [TRUNCATED]),
    "blank lines only": (b"\n\n\n", [TRUNCATED]),
    "nothing after DONE counts": (text("a") + END + DONE + text("b"), [TextDelta("a"), STOP]),
    "other choices are kept apart": (
        text("a")
        + chunk(content="x", index=1)
        + chunk("stop", index=1)
        + text("b")
        + chunk("length"),
        [TextDelta("a"), ChoiceDelta(1, "x"), TextDelta("b"), Finish("length", "length")],
    ),
    "two choices in one chunk": (
        frame(
            {
                "choices": [
                    {"index": 1, "delta": {"content": "x"}},
                    {"index": 0, "delta": {"content": "a"}},
                ]
            }
        )
        + END
        + chunk("stop", index=1),
        [ChoiceDelta(1, "x"), TextDelta("a"), STOP],
    ),
    "another choice is cut off": (
        chunk(content="x", index=1) + text("a") + END,
        [ChoiceDelta(1, "x"), TextDelta("a"), TRUNCATED],
    ),
    "a reason for the last choice only": (
        chunk(content="x", index=1) + text("a") + chunk("stop", index=1) + DONE,
        [ChoiceDelta(1, "x"), TextDelta("a"), STOP],
    ),
    "the whole message repeated at the end": (
        text("a")
        + frame({"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}),
        [TextDelta("a"), STOP],
    ),
    "a finish_reason of error": (
        text("a") + chunk("error") + DONE,
        [TextDelta("a"), Finish("error", "error")],
    ),
    "an error event of plain text": (
        text("a") + b"event: error\ndata: upstream failed\n\n" + DONE,
        [
            TextDelta("a"),
            failed("upstream failed", "", {"error": "upstream failed"}),
            Finish("error"),
        ],
    ),
    "an error field (old llama.cpp)": (
        text("a") + b'error: {"code": 500, "message": "Boom"}\n\n',
        [TextDelta("a"), failed("Boom", "500", {"code": 500, "message": "Boom"}), Finish("error")],
    ),
    "error JSON without data after text": (
        text("a") + b'{"error": {"message": "Boom"}}\n\n',
        [TextDelta("a"), failed("Boom", "", {"error": {"message": "Boom"}}), Finish("error")],
    ),
    "a list of errors beside success (Cloudflare)": (
        frame({"success": False, "errors": [{"code": 10000, "message": "Boom"}]}),
        [
            failed(
                "Boom", "10000", {"success": False, "errors": [{"code": 10000, "message": "Boom"}]}
            ),
            Finish("error"),
        ],
    ),
    "an exception (Bedrock)": (
        frame({"throttlingException": {"message": "Too many tokens, please wait"}}),
        [
            failed(
                "Too many tokens, please wait",
                "throttlingException",
                {"throttlingException": {"message": "Too many tokens, please wait"}},
                "RateLimited",
            ),
            Finish("error"),
        ],
    ),
    "a character cut in reasoning": (
        chunk(reasoning="a\ud83d") + chunk(reasoning="\ude42") + END,
        [ReasoningDelta("a"), ReasoningDelta("\U0001f642"), STOP],
    ),
    "a character cut in arguments": (
        calls(call("c", "f", '{"a":"\ud83d', index=0))
        + calls(call(arguments='\ude42"}', index=0))
        + CALLED,
        [
            ToolCallStart(0, "c", "f"),
            ToolCallDelta(0, '{"a":"'),
            ToolCallDelta(0, '\U0001f642"}'),
            ToolCallEnd(0),
            TOOL_CALLS,
        ],
    ),
    "a logprob no float holds": (
        frame(
            b'{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-1'
            + b"0" * 400
            + b"}]}}]}"
        )
        + END,
        [TextDelta("a"), STOP],
    ),
    "a null payload (llama.cpp)": (frame(b"null") + text("a") + END, [TextDelta("a"), STOP]),
    "an event of nothing known": (frame({"object": "x"}) + text("a") + END, [TextDelta("a"), STOP]),
    "malformed JSON within an answer": (
        text("a") + frame(b"{oops") + text("b") + END,
        [TextDelta("a"), Notice("malformed", "{oops"), TextDelta("b"), STOP],
    ),
    "progress of the prompt (llama.cpp)": (
        chunk(
            role="assistant",
            content=None,
            more={"prompt_progress": {"total": 9, "cache": 0, "processed": 4, "time_ms": 1}},
        )
        + text("a")
        + END,
        [Progress(4, 9), TextDelta("a"), STOP],
    ),
    "timings (llama.cpp)": (
        text("a") + chunk("stop", more={"timings": {"predicted_n": 1}}) + DONE,
        [TextDelta("a"), Notice("timings", '{"predicted_n": 1}'), STOP],
    ),
    "an error in the stream": (
        text("a") + frame({"error": ERROR}) + DONE,
        [TextDelta("a"), failed("Boom", "server_error", {"error": ERROR}), Finish("error")],
    ),
    "an error event (Groq)": (
        chunk(reasoning="hm")
        + b"event: error\n"
        + frame({"error": {"message": "Boom", "code": "tool_use_failed"}}),
        [
            ReasoningDelta("hm"),
            failed(
                "Boom",
                "tool_use_failed",
                {"error": {"message": "Boom", "code": "tool_use_failed"}},
                "BadRequest",
            ),
            Finish("error"),
        ],
    ),
    "an error that is text (Ollama)": (
        text("a") + frame({"error": "Boom"}),
        [TextDelta("a"), failed("Boom", "", {"error": "Boom"}), Finish("error")],
    ),
    "an error with code and text (xAI)": (
        frame({"code": "E1", "error": "Boom"}),
        [failed("Boom", "E1", {"code": "E1", "error": "Boom"}), Finish("error")],
    ),
    "a detail (Mistral)": (
        frame({"detail": "Boom"}),
        [failed("Boom", "", {"detail": "Boom"}), Finish("error")],
    ),
    "a message (Cohere)": (
        frame({"message": "Boom"}),
        [failed("Boom", "", {"message": "Boom"}), Finish("error")],
    ),
    "an error object without error key (old vLLM)": (
        frame({"object": "error", "message": "Boom", "code": 400}),
        [
            failed(
                "Boom", "400", {"object": "error", "message": "Boom", "code": 400}, "BadRequest"
            ),
            Finish("error"),
        ],
    ),
    "an error of type error (Anthropic)": (
        frame({"type": "error", "error": {"type": "overloaded_error", "message": "Boom"}}),
        [
            failed(
                "Boom",
                "overloaded_error",
                {"type": "error", "error": {"type": "overloaded_error", "message": "Boom"}},
                "Overloaded",
            ),
            Finish("error"),
        ],
    ),
    "an error in a list (Gemini)": (
        frame([{"error": {"code": 404, "message": "Boom"}}]),
        [
            failed("Boom", "404", {"error": {"code": 404, "message": "Boom"}}, "NotFound"),
            Finish("error"),
        ],
    ),
    "an error after finish_reason (OpenRouter)": (
        text("a")
        + chunk("length")
        + frame({"error": {"code": 400, "message": "Boom"}, "object": "x", "choices": []})
        + DONE,
        [
            TextDelta("a"),
            failed(
                "Boom",
                "400",
                {"error": {"code": 400, "message": "Boom"}, "object": "x", "choices": []},
                "BadRequest",
            ),
            Finish("error", "length"),
        ],
    ),
    "error null is none": (chunk(content="a", more={"error": None}) + END, [TextDelta("a"), STOP]),
    "error JSON without data:": (
        json.dumps({"error": ERROR}).encode() + b"\n",
        [failed("Boom", "server_error", {"error": ERROR}), Finish("error")],
    ),
    "error JSON without data:, then DONE": (
        json.dumps({"error": ERROR}).encode() + b"\n\n" + DONE,
        [failed("Boom", "server_error", {"error": ERROR}), Finish("error")],
    ),
    "error JSON without data: after a comment": (
        b": hello\n\n" + json.dumps({"error": ERROR}, indent=1).encode() + b"\n",
        [Notice("comment", ""), failed("Boom", "server_error", {"error": ERROR}), Finish("error")],
    ),
    "a list of errors instead of a stream (Gemini)": (
        json.dumps([{"error": {"message": "Boom"}}], indent=1).encode(),
        [failed("Boom", "", {"error": {"message": "Boom"}}), Finish("error")],
    ),
    "one plain answer instead of a stream": (
        b"\n "
        + json.dumps(
            {
                "object": "chat.completion",
                "choices": [
                    {
                        "index": 0,
                        "message": {
                            "role": "assistant",
                            "content": "Hi",
                            "reasoning": "hm",
                            "tool_calls": [call("c1", "f", "{}")],
                        },
                        "finish_reason": "tool_calls",
                    }
                ],
                "usage": USAGE,
            },
            indent=1,
        ).encode(),
        [
            ReasoningDelta("hm"),
            TextDelta("Hi"),
            ToolCallStart(0, "c1", "f"),
            ToolCallDelta(0, "{}"),
            COUNTED,
            ToolCallEnd(0),
            TOOL_CALLS,
        ],
    ),
}


def is_comment(event: Event) -> bool:
    return event == Notice("comment", "")


@each_way
@pytest.mark.parametrize("raw, events", CASES.values(), ids=CASES)
def test_a_stream_gives_its_events(cut, raw, events):
    """Each case gives these events, whole and byte by byte."""
    assert decoded(cut(raw)) == events


@pytest.mark.parametrize("raw", [raw for raw, _ in CASES.values()], ids=CASES)
def test_every_stream_ends_in_one_finish(raw):
    """Cut anywhere and ended there, the last event and no other is a Finish."""
    for end in range(len(raw)):
        kinds = [type(event) for event in decoded([raw[:end]])]
        assert kinds.count(Finish) == 1
        assert kinds[-1] is Finish


@each_way
def test_comments_are_notices(cut):
    """Comments of a feed are one sign of life, before or after its events."""
    raw = b": OPENROUTER PROCESSING\n\n" + text("a") + b":\n\n" + END
    events = decoded(cut(raw))
    assert [event for event in events if not is_comment(event)] == [TextDelta("a"), STOP]
    assert 1 <= sum(map(is_comment, events)) <= 2


ANSWER = [ROLE, *map(text, ["The ", "answer ", "is ", "42."]), END]


@pytest.mark.parametrize("events", range(len(ANSWER)))
def test_an_answer_cut_between_events_is_truncated(events):
    """Without finish_reason an answer is never a whole one; what came is kept."""
    reply = folded(decoded([b"".join(ANSWER[:events])]))
    assert reply.finish == TRUNCATED
    assert reply.error is None
    assert reply.text == "".join(["", "The ", "answer ", "is ", "42."][: max(events, 1)])


def test_an_answer_cut_within_an_event_is_truncated():
    """Half an event is no error of the service: the stream was cut."""
    raw = b"".join(ANSWER)
    proof = raw.rindex(b"}") + 1
    for end in range(len(raw)):
        reply = folded(decoded([raw[:end]]))
        assert reply.finish == (TRUNCATED if end < proof else STOP)
        assert reply.error is None
        assert "The answer is 42.".startswith(reply.text)


def test_only_the_end_proves_the_end():
    """`finished` is set by `[DONE]` and by nothing before it."""
    decoder = CHAT.decoder()
    decoder.feed(b"".join(ANSWER))
    assert not decoder.finished
    decoder.feed(DONE)
    assert decoder.finished


@pytest.mark.parametrize("payload", [b"<p>no stream</p>", b"upstream timed out", b"{oops"])
@each_way
def test_what_is_no_json_is_said_to_be_none(cut, payload):
    """A first event that is no JSON is shown, so that people see what came instead."""
    *_, error, finish = decoded(cut(frame(payload)))
    assert isinstance(error, StreamError)
    assert error.kind == "ProtocolError"
    assert payload.decode() in error.message
    assert finish == Finish("error")


@each_way
def test_a_page_in_place_of_a_stream_is_shown(cut):
    """A page that came as an event stream is quoted in the error."""
    *_, error, finish = decoded(cut(b"<!doctype html>\n<title>Sign in</title>\n"))
    assert isinstance(error, StreamError)
    assert "<!doctype html>" in error.message
    assert finish == Finish("error")


def test_plain_deltas_and_the_long_way_agree():
    """The quick look at the usual shape and the general one give the same events."""
    plain = ROLE + text("a") + chunk(role="assistant", content="b") + END + DONE
    unusual = plain.replace(b'"choices"', b'"error": "", "choices"')
    assert decoded([unusual]) == decoded([plain]) == [TextDelta("a"), TextDelta("b"), STOP]


_PIECES = [raw for raw, _ in CASES.values()]
_MORSELS = [
    ROLE,
    text("é"),
    END,
    DONE,
    CALLED,
    calls(call("c", "f", "{", index=0)),
    b"data: ",
    b"\n\n",
    b"{",
    b"[",
    b"\r",
]
_MORSELS += [
    b'{"choices":[{"delta":{"content":',
    b'"\\ud83d"',
    b"}}]}",
    b"null",
    b": c\n",
    frame({"error": ERROR}),
]


@given(cuts(st.sampled_from(_PIECES)))
def test_any_cut_of_a_stream_decodes_alike(case):
    """Where the network cuts never changes the events, but for how many comments are one."""
    raw, pieces = case
    with_cuts = [event for event in decoded(pieces) if not is_comment(event)]
    assert with_cuts == [event for event in decoded([raw]) if not is_comment(event)]


@given(
    cuts(st.lists(st.sampled_from(_MORSELS), max_size=12).map(b"".join) | st.binary(max_size=80))
)
def test_garbage_gives_events_or_a_protocol_error(case):
    """Nothing a server may send raises anything else, and any cut of it decodes alike."""
    raw, pieces = case
    try:
        events = decoded(pieces)
    except ProtocolError:
        return
    assert isinstance(events[-1], Finish)
    alike = decoded(byte_by_byte(raw))
    assert [e for e in events if not is_comment(e)] == [e for e in alike if not is_comment(e)]


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "stop", "\ud83d"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "content",
                    "tool_calls",
                    "function",
                    "arguments",
                    "index",
                    "id",
                    "name",
                    "usage",
                    "error",
                    "finish_reason",
                    "prompt_progress",
                    "x_groq",
                    "text",
                    "thinking",
                    "type",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(_json, max_size=4), _json)
def test_any_json_gives_events(payloads, inner):
    """JSON of any shape where a chunk should be fails nothing."""
    nested = {"choices": [{"index": 0, "delta": inner, "finish_reason": None}]}
    events = decoded([frame(payload) for payload in [*payloads, nested]])
    assert isinstance(events[-1], Finish)
    for event in events:
        match event:
            case TextDelta(piece) | ReasoningDelta(piece) | RefusalDelta(piece):
                assert piece
                piece.encode()
            case ToolCallDelta(json=piece):
                assert piece
            case _:
                pass


@given(st.lists(st.text(min_size=1), min_size=1), st.data())
def test_text_arrives_as_it_was_sent(pieces, data):
    """Any text in any deltas, escaped or not, cut anywhere, comes back."""
    raw = b"".join(
        frame(
            json.dumps(
                {"choices": [{"delta": {"content": piece}}]}, ensure_ascii=data.draw(st.booleans())
            ).encode()
        )
        for piece in pieces
    )
    places = data.draw(st.lists(st.integers(0, len(raw)), max_size=8))
    assert folded(decoded(cut_at(raw, places))).text == "".join(pieces)


def test_deep_json_is_no_way_to_fail_us():
    """JSON nested deeper than Python's stack is a malformed event."""
    events = decoded([text("a") + frame(b"[" * 100_000) + END])
    assert isinstance(events[1], Notice)
    assert events[1].kind == "malformed"
    assert len(events[1].text) <= 200
    assert events[-1] == STOP


def test_the_body_streams_and_asks_for_usage():
    """The request has the model's name as it was given, and a stream with usage."""
    request = Request("gpt-5", ({"role": "user", "content": "Hi"},))
    assert CHAT.body(request) == {
        "model": "gpt-5",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_system_prompt_comes_first():
    """`system` is the first message."""
    request = Request("m", ({"role": "user", "content": "Hi"},), system="Be brief.")
    assert CHAT.body(request)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]


def test_params_are_sent_as_they_are():
    """Any parameter of the API can be set, also those we set ourselves."""
    request = Request(
        "m", (), params={"temperature": 0, "stream_options": None}, tools=({"type": "function"},)
    )
    sent = CHAT.body(request)
    assert sent["temperature"] == 0
    assert sent["stream_options"] is None
    assert sent["tools"] == [{"type": "function"}]
