"""Gemini: chunks of candidates, whole calls, and Vertex's calls in pieces."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import frames
import pytest
from cuts import cuts, each_way
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.dialects import gemini
from ipyllm.dialects.gemini import GENERATE_CONTENT
from ipyllm.errors import ProtocolError, UsageError
from ipyllm.events import (
    ChoiceDelta,
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
from ipyllm.wire.json_stream import JsonStream

STOP = Finish("stop", "STOP")
CALLED = Finish("tool_calls", "STOP")
TRUNCATED = Finish("truncated")


decoded = partial(frames.decoded, GENERATE_CONTENT)


class Slow(gemini._Grammar):
    """The grammar without its quick look."""

    def plain(self, data: bytes, out: list[Event]) -> bool:
        return False


def frame(payload: Any) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\r\n\r\n"


def chunk(*parts: dict[str, Any], usage: Any = None, **candidate: Any) -> bytes:
    shape = {"content": {"parts": list(parts), "role": "model"}} | candidate
    more = {"usageMetadata": usage} if usage else {}
    return frame({"candidates": [shape], "modelVersion": "gemini", "responseId": "r"} | more)


def text(piece: str) -> bytes:
    return chunk({"text": piece}, index=0)


def call(**call: Any) -> bytes:
    return chunk({"functionCall": call})


def partial(path: str, *, more: bool = True, **value: Any) -> bytes:
    piece = {"jsonPath": path, **value}
    return call(partialArgs=[piece], **({"willContinue": True} if more else {}))


def end(reason: str = "STOP", **candidate: Any) -> bytes:
    return chunk({"text": ""}, finishReason=reason, index=0, **candidate)


def failed(reason: str) -> list[Event]:
    return [TextDelta("a"), Finish("error", reason)]


ONE = {"promptTokenCount": 5, "totalTokenCount": 5}
TWO = {
    "promptTokenCount": 5,
    "candidatesTokenCount": 7,
    "thoughtsTokenCount": 3,
    "cachedContentTokenCount": 2,
}
ERROR = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
OVERLOADED = StreamError("Overloaded", "The model is overloaded.", code="503", raw=ERROR)

CASES: dict[str, tuple[bytes, list[Event]]] = {
    "text": (text("Hel") + text("lo") + end(), [TextDelta("Hel"), TextDelta("lo"), STOP]),
    "text beside the end": (
        text("a") + chunk({"text": "b"}, finishReason="STOP"),
        [TextDelta("a"), TextDelta("b"), STOP],
    ),
    "LF instead of CRLF": ((text("a") + end()).replace(b"\r", b""), [TextDelta("a"), STOP]),
    "thoughts, and a signature on empty text": (
        chunk({"text": "hm", "thought": True})
        + text("a")
        + chunk({"text": "", "thoughtSignature": "E=="}, finishReason="STOP"),
        [ReasoningDelta("hm"), TextDelta("a"), STOP],
    ),
    "thoughts and text in one chunk": (
        chunk({"text": "hm", "thought": True}, {"text": "a", "thoughtSignature": "E=="}) + end(),
        [ReasoningDelta("hm"), TextDelta("a"), STOP],
    ),
    "code the service ran is no text": (
        chunk({"executableCode": {"language": "PYTHON", "code": "1"}}, {"text": ""})
        + chunk({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}})
        + chunk({"inlineData": {"mimeType": "image/png", "data": "AA"}})
        + text("a")
        + end(),
        [TextDelta("a"), STOP],
    ),
    "a whole call": (
        chunk(
            {
                "functionCall": {"name": "add", "args": {"a": "é"}, "id": "c1"},
                "thoughtSignature": "E",
            },
            finishReason="STOP",
        ),
        [
            ToolCallStart(0, "c1", "add"),
            Notice("signature", "E"),
            ToolCallDelta(0, '{"a": "é"}'),
            ToolCallEnd(0),
            CALLED,
        ],
    ),
    "calls without id or arguments": (
        chunk({"functionCall": {"name": "f"}}, {"functionCall": {"name": "f", "args": {}}}) + end(),
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(0, "{}"),
            ToolCallEnd(0),
            ToolCallStart(1, "", "f"),
            ToolCallDelta(1, "{}"),
            ToolCallEnd(1),
            CALLED,
        ],
    ),
    "a call in pieces (Vertex)": (
        call(name="f", willContinue=True)
        + partial("$.items[0].name", stringValue="ap", willContinue=True)
        + partial("$.items[0].name", stringValue="ple", willContinue=True)
        + partial("$.items[0].name", stringValue="")
        + call(willContinue=True)
        + partial("$.items[0].price", numberValue=0.5)
        + partial("$.items[1]['name']", stringValue="b")
        + partial('$["ok"]', boolValue=True)
        + partial("$.none", nullValue="NULL_VALUE")
        + call()
        + call(name="g")
        + end(),
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(
                0,
                '{"items": [{"name": "apple", "price": 0.5}, {"name": "b"}], "ok": true, "none": null}',
            ),
            ToolCallEnd(0),
            ToolCallStart(1, "", "g"),
            ToolCallDelta(1, "{}"),
            ToolCallEnd(1),
            CALLED,
        ],
    ),
    "a call in pieces whose last ends it": (
        call(name="f", willContinue=True)
        + partial("$.a", numberValue=1)
        + partial("$.b", numberValue=2, more=False)
        + call()
        + end(),
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(0, '{"a": 1, "b": 2}'),
            ToolCallEnd(0),
            CALLED,
        ],
    ),
    "a call in pieces that the next one ends": (
        call(name="f", willContinue=True)
        + partial("$.a", numberValue=1)
        + call(name="f", id="c2", args={"a": 2})
        + end(),
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(0, '{"a": 1}'),
            ToolCallEnd(0),
            ToolCallStart(1, "c2", "f"),
            ToolCallDelta(1, '{"a": 2}'),
            ToolCallEnd(1),
            CALLED,
        ],
    ),
    "half a call does not look whole": (
        call(name="f", willContinue=True) + partial("$.a", stringValue="b", willContinue=True),
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(0, '{"a": "b"'),
            ToolCallEnd(0),
            TRUNCATED,
        ],
    ),
    "paths that lead nowhere": (
        call(name="f", willContinue=True)
        + partial("", numberValue=1)
        + partial("$", numberValue=1)
        + partial("$" + ".a" * 99, numberValue=1)
        + partial("$.b[999999999]", numberValue=1)
        + partial("$.b.c", numberValue=2)
        + partial("$.b[0].c", numberValue=3)
        + partial("$.b[0]", numberValue=3)
        + call()
        + end(),
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(0, '{"b": [3]}'),
            ToolCallEnd(0),
            CALLED,
        ],
    ),
    "usage on every chunk, told where it changes": (
        chunk({"text": "a"}, usage=ONE)
        + chunk({"text": "b"}, usage=ONE)
        + chunk({"text": ""}, finishReason="STOP", usage=TWO),
        [
            TextDelta("a"),
            Usage(5, raw=ONE),
            TextDelta("b"),
            Usage(5, 7, 3, 2, TWO),
            STOP,
        ],
    ),
    "usage after the end": (
        text("a") + end() + frame({"usageMetadata": TWO}),
        [TextDelta("a"), Usage(5, 7, 3, 2, TWO), STOP],
    ),
    "other candidates are kept beside the answer": (
        frame(
            {
                "candidates": [
                    {"index": 1, "content": {"parts": [{"text": "x"}]}, "finishReason": "SAFETY"},
                    {"index": 0, "content": {"parts": [{"text": "a"}]}},
                ]
            }
        )
        + chunk({"text": "y"}, {"functionCall": {"name": "f"}}, index=2)
        + end(),
        [ChoiceDelta(1, "x"), TextDelta("a"), ChoiceDelta(2, "y"), STOP],
    ),
    "the end of another candidate is not the answer's": (
        text("a") + chunk({"text": "x"}, index=1, finishReason="STOP"),
        [TextDelta("a"), ChoiceDelta(1, "x"), TRUNCATED],
    ),
    "another candidate in a chunk of its own": (
        text("a") + chunk({"text": "x"}, index=1) + chunk({"text": ""}, index=1) + end(),
        [TextDelta("a"), ChoiceDelta(1, "x"), STOP],
    ),
    "log probabilities": (
        chunk(
            {"text": "a"},
            logprobsResult={"chosenCandidates": [{"token": "a", "logProbability": -0.5}]},
        )
        + end(),
        [TextDelta("a"), Logprobs((("a", -0.5),)), STOP],
    ),
    "a blocked prompt": (
        frame({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": ONE}),
        [Usage(5, raw=ONE), Finish("content_filter", "PROHIBITED_CONTENT")],
    ),
    "a blocked prompt, and the words for it": (
        frame({"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "No."}}),
        [RefusalDelta("No."), Finish("content_filter", "SAFETY")],
    ),
    "an answer cut by the filter, without content": (
        text("a") + frame({"candidates": [{"finishReason": "SAFETY", "safetyRatings": []}]}),
        [TextDelta("a"), Finish("content_filter", "SAFETY")],
    ),
    "MAX_TOKENS": (text("a") + end("MAX_TOKENS"), [TextDelta("a"), Finish("length", "MAX_TOKENS")]),
    "MAX_TOKENS cuts calls": (
        call(name="f") + end("MAX_TOKENS"),
        [
            ToolCallStart(0, "", "f"),
            ToolCallDelta(0, "{}"),
            ToolCallEnd(0),
            Finish("length", "MAX_TOKENS"),
        ],
    ),
    "OTHER": (text("a") + end("OTHER"), failed("OTHER")),
    "MALFORMED_FUNCTION_CALL, and the words for it": (
        end("MALFORMED_FUNCTION_CALL", finishMessage="Malformed function call: f("),
        [
            Notice("finish", "Malformed function call: f("),
            Finish("error", "MALFORMED_FUNCTION_CALL"),
        ],
    ),
    "a finishReason that says nothing": (
        chunk({"text": "a"}, finishReason="FINISH_REASON_UNSPECIFIED"),
        [TextDelta("a"), TRUNCATED],
    ),
    "no finishReason is no end": (text("a"), [TextDelta("a"), TRUNCATED]),
    "DONE is none either (a proxy)": (
        text("a") + b"data: [DONE]\n\n",
        [TextDelta("a"), TRUNCATED],
    ),
    "DONE after the end": (text("a") + end() + b"data: [DONE]\n\n", [TextDelta("a"), STOP]),
    "nothing at all": (b"", [TRUNCATED]),
    "an error within the answer": (
        text("a") + frame(ERROR),
        [TextDelta("a"), OVERLOADED, Finish("error")],
    ),
    "an error that is plain JSON": (
        json.dumps(ERROR, indent=2).encode(),
        [OVERLOADED, Finish("error")],
    ),
    "an error in a list": (
        json.dumps([ERROR], indent=2).encode(),
        [OVERLOADED, Finish("error")],
    ),
    "a list instead of events": (
        b"["
        + b",\r\n".join(
            json.dumps(
                {"candidates": [{"content": {"parts": [{"text": piece}]}, "finishReason": reason}]},
                indent=2,
            ).encode()
            for piece, reason in (("a", None), ("b", "STOP"))
        )
        + b"]\n",
        [TextDelta("a"), TextDelta("b"), STOP],
    ),
    "a pair of surrogates cut over chunks": (
        text("a\ud83d") + text("\ude42b") + end(),
        [TextDelta("a"), TextDelta("🙂b"), STOP],
    ),
    "half a character in a thought": (
        chunk({"text": "a\ud83d", "thought": True}) + end(),
        [ReasoningDelta("a\ufffd"), STOP],
    ),
    "malformed JSON within an answer": (
        text("a") + b"data: {oops\n\n" + end(),
        [TextDelta("a"), Notice("malformed", "{oops"), STOP],
    ),
}


@each_way
@pytest.mark.parametrize("raw, events", CASES.values(), ids=CASES)
def test_a_stream_gives_its_events(cut, raw, events):
    assert decoded(cut(raw)) == events


@pytest.mark.parametrize("raw", [raw for raw, _ in CASES.values()], ids=CASES)
def test_every_stream_ends_in_one_finish(raw):
    for place in range(len(raw)):
        kinds = [type(event) for event in decoded([raw[:place]])]
        assert kinds.count(Finish) == 1
        assert kinds[-1] is Finish


def test_an_answer_cut_within_an_event_is_truncated():
    raw = text("The ") + text("answer.") + end()
    for place in range(raw.rindex(b"}")):
        *_, finish = got = decoded([raw[:place]])
        assert finish == TRUNCATED
        said = "".join(event.text for event in got if isinstance(event, TextDelta))
        assert said in ("", "The ", "The answer.")


@given(cuts(st.sampled_from([raw for raw, _ in CASES.values()])))
def test_any_cut_of_a_stream_decodes_alike(case):
    raw, pieces = case
    assert decoded(pieces) == decoded([raw])


MORSELS = [*(raw for raw, _ in CASES.values()), b"\n", b"data: {", b'"candidates":', b"null", b"["]


@given(st.lists(st.sampled_from(MORSELS) | st.binary(max_size=9), max_size=9).map(b"".join))
def test_garbage_gives_events_or_a_protocol_error(raw):
    try:
        events = decoded([raw])
    except ProtocolError:
        return
    assert isinstance(events[-1], Finish)


NAMES = ["candidates", "content", "parts", "text", "thought", "functionCall", "name", "args", "id"]
NAMES += ["partialArgs", "jsonPath", "stringValue", "numberValue", "willContinue", "finishReason"]
NAMES += ["usageMetadata", "promptFeedback", "blockReason", "index", "error", "logprobsResult"]
WORDS = ["", "a", "\ud83d", "\ude42", "$.a", "$.a[0]", "$.a.b", "$[0]", "STOP"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
PIECE = st.fixed_dictionaries(
    {"jsonPath": st.sampled_from(WORDS)},
    optional={"stringValue": JSON, "numberValue": JSON, "boolValue": JSON},
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(WORDS) | JSON,
        "thought": st.booleans() | JSON,
        "functionCall": JSON
        | st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["f", ""]),
                "args": JSON,
                "willContinue": st.booleans(),
                "partialArgs": st.lists(PIECE, max_size=3),
            },
        ),
    },
)
CHUNKS = st.fixed_dictionaries(
    {
        "candidates": st.lists(
            st.fixed_dictionaries(
                {"content": st.fixed_dictionaries({"parts": st.lists(PARTS, max_size=2)})},
                optional={"index": st.integers(-1, 1), "finishReason": JSON, "error": JSON},
            ),
            max_size=2,
        )
    },
    optional={"usageMetadata": JSON, "promptFeedback": JSON, "error": JSON},
)


@given(st.lists(CHUNKS | JSON, max_size=5))
def test_the_quick_look_and_the_long_way_agree(payloads):
    """On JSON of any shape where a chunk should be; and none of it fails us."""
    raw = b"".join(frame(payload) for payload in payloads)
    slow = JsonStream(Slow())
    events = slow.feed(raw) + slow.close()
    assert decoded([raw]) == events
    assert isinstance(events[-1], Finish)
    for event in events:
        if isinstance(event, (TextDelta, ReasoningDelta, RefusalDelta, ChoiceDelta)):
            assert event.text.encode()
        if isinstance(event, ToolCallDelta):
            assert event.json.encode()


# --- what is asked -------------------------------------------------------------------------------


def body(
    *messages: dict[str, Any], model: str = "gemini-2.5-pro", **request: Any
) -> dict[str, Any]:
    return GENERATE_CONTENT.body(Request(model, messages, **request))


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def turn(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


@pytest.mark.parametrize(
    "model, path",
    [
        ("gemini-2.5-pro", "/models/gemini-2.5-pro:streamGenerateContent?alt=sse"),
        ("tunedModels/my one", "/tunedModels/my%20one:streamGenerateContent?alt=sse"),
    ],
)
def test_the_model_is_in_the_path(model, path):
    assert GENERATE_CONTENT.path(Request(model, ())) == path
    assert GENERATE_CONTENT.auth == "x-goog-api-key"


def test_messages_become_contents():
    sent = body(
        {"role": "system", "content": "B"},
        user("Hi"),
        {"role": "assistant", "content": "Hello"},
        user(""),
        system="A",
    )
    assert sent == {
        "systemInstruction": {"parts": [{"text": "A"}, {"text": "B"}]},
        "contents": [
            turn({"text": "Hi"}),
            turn({"text": "Hello"}, role="model"),
            turn({"text": ""}),
        ],
    }


def test_params_go_into_the_config_but_for_those_beside_it():
    params = {
        "temperature": 0,
        "stopSequences": ["x"],
        "generationConfig": {"seed": 1, "temperature": 1},
        "safetySettings": [],
        "toolConfig": {},
    }
    sent = body(params=params)
    assert sent["generationConfig"] == {"seed": 1, "temperature": 0, "stopSequences": ["x"]}
    assert (sent["safetySettings"], sent["toolConfig"]) == ([], {})
    assert "generationConfig" not in body()


def test_pictures_sounds_and_files_become_data():
    content = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png?z"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,CCCC"}},
    ]
    assert body(user(content))["contents"] == [
        turn(
            {"text": "What is it?"},
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "https://x/y.png?z"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": "BBBB"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "CCCC"}},
        )
    ]


def test_calls_and_their_results_become_parts():
    sent = body(
        {"role": "assistant", "content": "Hm.", "tool_calls": [CALL, CALL | {"id": ""}]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"sum": 2}'},
        {"role": "tool", "tool_call_id": "", "name": "add", "content": "two"},
        user("Thanks"),
    )["contents"]
    called = {"name": "add", "args": {"a": 1}}
    assert sent == [
        turn(
            {"text": "Hm."},
            {"functionCall": {"id": "c1", **called}},
            {"functionCall": called},
            role="model",
        ),
        turn(
            {"functionResponse": {"id": "c1", "name": "add", "response": {"sum": 2}}},
            {"functionResponse": {"name": "add", "response": {"output": "two"}}},
        ),
        turn({"text": "Thanks"}),
    ]


def test_gemini_3_gets_the_signature_it_asks_for():
    signed = CALL | {"extra_content": {"google": {"thought_signature": "E=="}}}

    def signatures(*calls: dict[str, Any], model: str) -> list[str | None]:
        message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
        (content,) = body(message, model=model)["contents"]
        return [part.get("thoughtSignature") for part in content["parts"]]

    assert signatures(CALL, CALL, model="gemini-3-pro") == [gemini._UNSIGNED, None]
    assert signatures(signed, model="gemini-3-pro") == ["E=="]
    assert signatures(CALL, model="gemini-2.5-pro") == [None]


def test_messages_in_the_api_s_own_shape_are_sent_as_they_are():
    own = [
        turn({"text": "Hi"}, {"fileData": {"fileUri": "x"}}),
        turn({"functionCall": {"name": "f"}, "thoughtSignature": "E=="}, role="model"),
    ]
    assert body(*own)["contents"] == own
    assert body(user([{"fileData": {"fileUri": "x"}}]))["contents"] == [
        turn({"fileData": {"fileUri": "x"}})
    ]


def test_tools_are_translated_and_the_api_s_own_are_not():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    function = {"name": "add", "description": "Adds.", "parameters": schema, "strict": True}
    tools = ({"type": "function", "function": function}, {"googleSearch": {}})
    declared = {"name": "add", "description": "Adds.", "parametersJsonSchema": schema}
    assert body(tools=tools)["tools"] == [
        {"googleSearch": {}},
        {"functionDeclarations": [declared]},
    ]


@pytest.mark.parametrize(
    "message, said",
    [
        ({"role": "critic", "content": "x"}, "'critic'"),
        (user([{"type": "video", "video": "x"}]), "'video'"),
        (user([{"type": "file", "file": {"file_id": "f"}}]), "'file'"),
        ({"role": "tool", "tool_call_id": "c9", "content": "2"}, "'c9'"),
    ],
)
def test_what_the_api_has_no_place_for_is_said_before_it_is_sent(message, said):
    with pytest.raises(UsageError) as caught:
        body(message)
    assert said in caught.value.message
