"""
Calls and their results, there and back: what came is sent again as each API documents it.

The recordings are read where they lie (`IPYLLM_WIRE`); they are no part of the project.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cuts import each_way
from frames import DONE, frame
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.decoding import decode
from ipyllm.dialects import APIS, dialect
from ipyllm.errors import UsageError
from ipyllm.events import (
    Event,
    Finish,
    Notice,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from ipyllm.request import Request
from ipyllm.structured.instruction import as_text, tool_instruction
from ipyllm.wire.call_slots import by_service
from ipyllm.wire.said import CARRIED, said

WIRE = Path(os.environ.get("IPYLLM_WIRE") or Path(__file__).parents[3] / "shared" / "wire")
USER = {"role": "user", "content": "1 + 1?"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
WORDS = {"type": "text", "text": "2"}
TOOLLESS = ("openai_completions", "ollama_generate", "llamacpp", "messages")


def called(ident: str = "c1", name: str = "add", arguments: str = '{"a": 1}') -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": ident, "type": "function", "function": function}


def assistant(*calls: dict[str, Any], content: str | None = "", **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(calls), **more}


def result(content: Any = "2", ident: str = "c1", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": ident, "content": content, **more}


def body(api: str, *messages: dict[str, Any], model: str = "m") -> dict[str, Any]:
    return dialect(api).body(Request(model, messages))


# --- recorded first rounds -----------------------------------------------------------------------


def _chat(text: str, calls: list[Any], events: list[Event]) -> list[Any]:
    made = [called(one["id"], one["name"], _whole(one["arguments"])) for one in calls]
    return [assistant(*made, content=text or None), *[result("42", one["id"]) for one in calls]]


def _whole(arguments: str) -> str:
    """One of the recordings was cut in a call, at its `max_tokens`."""
    try:
        json.loads(arguments or "{}")
    except ValueError:
        return json.dumps({"invalid_json": arguments})
    return arguments or "{}"


def _responses(text: str, calls: list[Any], events: list[Event]) -> list[Any]:
    part = {"type": "output_text", "text": text}
    answer = {"type": "message", "role": "assistant", "content": [part]}
    return [
        *([answer] if text else []),
        *[
            {
                "type": "function_call",
                "call_id": one["id"],
                "name": one["name"],
                "arguments": one["arguments"],
            }
            for one in calls
        ],
        *[{"type": "function_call_output", "call_id": one["id"], "output": "42"} for one in calls],
    ]


def _anthropic(text: str, calls: list[Any], events: list[Event]) -> list[Any]:
    ours = [one for one in calls if one["kind"] == "tool_use"]
    assert ours != calls  # there is one that the service ran
    uses = [
        {
            "type": "tool_use",
            "id": one["id"],
            "name": one["name"],
            "input": json.loads(one["arguments"]),
        }
        for one in ours
    ]
    results = [{"type": "tool_result", "tool_use_id": one["id"], "content": "42"} for one in ours]
    return [
        {"role": "assistant", "content": [{"type": "text", "text": text}, *uses]},
        {"role": "user", "content": results},
    ]


def _gemini(text: str, calls: list[Any], events: list[Event]) -> list[Any]:
    (one,) = calls
    (signature,) = [event.text for event in events if isinstance(event, Notice)]
    assert len(signature) > 100
    ident = {"id": one["id"] or "call_1_0"}
    call = {"functionCall": {**ident, "name": one["name"], "args": one["arguments"]}}
    response = {**ident, "name": one["name"], "response": {"output": "42"}}
    return [
        {"role": "model", "parts": [call | {"thoughtSignature": signature}]},
        {"role": "user", "parts": [{"functionResponse": response}]},
    ]


def _ollama(text: str, calls: list[Any], events: list[Event]) -> list[Any]:
    (one,) = calls
    function = {"name": one["name"], "arguments": one["arguments"]}
    call = {"id": "call_1_0", "type": "function", "function": function}
    return [
        {"role": "assistant", "content": text, "tool_calls": [call]},
        {
            "role": "tool",
            "tool_call_id": "call_1_0",
            "content": "42",
            "tool_name": one["name"],
        },
    ]


# API, model, where its messages are, the recording's name as far as it needs to be told, what is sent.
ROUNDS: list[tuple[str, str, str, str, Callable[..., list[Any]]]] = [
    ("openai_chat", "m", "messages", "openai_chat/openai-tools-streaming-*-d-0-*", _chat),
    ("openai_chat", "m", "messages", "openai_compat/alibaba-alibaba-tool-call-*", _chat),
    ("openai_chat", "m", "messages", "llamacpp_chat/llamacpp-oai-chat-toolcall-real", _chat),
    ("openai_chat", "m", "messages", "vllm_chat/vllm-oai-chat-tool-required", _chat),
    ("openai_responses", "m", "input", "openai_responses/lmstudio-*-tool-call-2-*", _responses),
    ("openai_responses", "m", "input", "openai_responses/openai-*-output-tool-*-0-*", _responses),
    ("anthropic", "m", "messages", "anthropic/*-native-tool-search-streaming-0-*", _anthropic),
    ("gemini", "gemini-3-flash", "contents", "gemini/*-mixed-tools-end-to-end-2-*", _gemini),
    ("gemini", "gemini-3-pro", "contents", "gemini/*-gemini-3-pro-preview-0-*", _gemini),
    ("ollama_chat", "m", "messages", "ollama_chat/ollama-docs-api-md-*-line-622-*", _ollama),
]


@pytest.mark.skipif(not WIRE.exists(), reason=f"no recordings in {WIRE}; set IPYLLM_WIRE")
@each_way
@pytest.mark.parametrize(
    "api, model, field, recording, second", ROUNDS, ids=[case[3] for case in ROUNDS]
)
def test_a_recorded_call_and_its_result_are_sent_as_the_api_documents(
    cut, api, model, field, recording, second
):
    """Text, calls and signatures as they came, then the results; calls the service ran are not ours."""
    (path,) = WIRE.glob(f"{recording}/body.*")
    expected = json.loads(path.with_name("expected.json").read_text("utf-8"))
    events = list(decode(api, cut(path.read_bytes())))
    answer = said(events, turn=1)
    results = [result("42", call["id"]) for call in answer["tool_calls"]]
    sent = body(api, USER, answer, *results, model=model)
    (asked,) = body(api, USER)[field]
    wanted = second(expected["text"], expected["tool_calls"], events)
    assert sent[field] == [asked, *wanted]


@pytest.mark.skipif(not WIRE.exists(), reason=f"no recordings in {WIRE}; set IPYLLM_WIRE")
def test_a_conversation_with_gemini_is_what_google_s_client_sent():
    """Two rounds with signatures, against the request another client was recorded with."""
    name = "gemini/google-tests-vcr-provider-google-google-mixed-tools-end-to-end-2-14e350"
    contents = json.loads((WIRE / name / "request.json").read_text("utf-8"))["contents"]
    messages: list[dict[str, Any]] = []
    for content in contents:
        (part,) = content["parts"]
        if call := part.get("functionCall"):
            google = {"google": {"thought_signature": part["thoughtSignature"]}}
            made = called(call["id"], call["name"], json.dumps(call["args"]))
            messages.append(assistant(made | {"extra_content": google}))
        elif answer := part.get("functionResponse"):
            messages.append(result(json.dumps(answer["response"]), answer["id"]))
        else:
            messages.append({"role": "user", "content": part["text"]})
    assert body("gemini", *messages, model="gemini-3-flash-preview")["contents"] == contents


# --- what an answer becomes ----------------------------------------------------------------------

CALL = [ToolCallStart(0, "c1", "add"), ToolCallDelta(0, '{"a": 1}'), ToolCallEnd(0)]


@pytest.mark.parametrize(
    "events, message",
    [
        ([], {"role": "assistant", "content": ""}),
        ([TextDelta("a"), TextDelta("b")], {"role": "assistant", "content": "ab"}),
        (CALL, assistant(called())),
        ([TextDelta("a"), *CALL, Finish("tool_calls")], assistant(called(), content="a")),
        ([ToolCallStart(0, "c1", "f")], assistant(called("c1", "f", "{}"))),
        (
            [ToolCallStart(0, "", "f"), ToolCallStart(1, "", "f")],
            assistant(called("call_7_0", "f", "{}"), called("call_7_1", "f", "{}")),
        ),
        (
            [ToolCallStart(0, "c1", "f"), ToolCallDelta(0, '{"a')],
            assistant(called("c1", "f", json.dumps({"invalid_json": '{"a'}))),
        ),
        (
            [ToolCallStart(0, "c1", "f"), ToolCallDelta(0, "[1]")],
            assistant(called("c1", "f", json.dumps({"invalid_json": "[1]"}))),
        ),
        # Ran by the service: no call of ours, and with nobody to answer it, none to send.
        (
            [ToolCallStart(0, "srvtoolu_1", "search"), ToolCallEnd(0)],
            assistant() | {"tool_calls": 0},
        ),
        # A signature within a call is the call's.
        (
            [CALL[0], Notice("signature", "E="), *CALL[1:]],
            assistant(called() | {"extra_content": {"google": {"thought_signature": "E="}}}),
        ),
        # Elsewhere it is that of the thinking before it.
        (
            [
                ReasoningDelta("h"),
                ReasoningDelta("m"),
                Notice("signature", "E="),
                Notice("signature", "F="),
                Notice("redacted_thinking", "G="),
                *CALL,
            ],
            assistant(
                called(),
                thinking_blocks=[
                    {"type": "thinking", "thinking": "hm", "signature": "E="},
                    {"type": "thinking", "thinking": "", "signature": "F="},
                    {"type": "redacted_thinking", "data": "G="},
                ],
            ),
        ),
        (
            [Notice("reasoning_item", '{"type": "reasoning", "id": "r"}'), *CALL],
            assistant(called(), reasoning_items=[{"type": "reasoning", "id": "r"}]),
        ),
        ([ReasoningDelta("hm"), Notice("ping", "")], {"role": "assistant", "content": ""}),
        ([ReasoningDelta("hm"), *CALL], assistant(called(), reasoning_content="hm")),
    ],
)
def test_an_answer_becomes_a_message(events, message):
    """Its text, the calls that are ours, and what the service wants to see again."""
    wanted = {key: value for key, value in message.items() if value != 0}
    assert said(events, turn=7) == wanted


@pytest.mark.parametrize(
    "ident, theirs",
    [
        ("srvtoolu_01A", True),
        ("mcptoolu_01A", True),
        ("mcp_68a", True),
        ("toolu_01A", False),
        ("call_a", False),
        ("fc_1", False),
        ("mcptool", False),
        ("", False),
    ],
)
def test_a_call_the_service_runs_is_told_by_its_id(ident, theirs):
    """Its result is in the answer already; nobody here is to run it."""
    assert by_service(ident) is theirs


def test_an_answer_of_anthropic_is_sent_again_with_its_thinking():
    """Thinking with its signature, unmodified, before the calls it led to."""
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "E=="},
        {"type": "redacted_thinking", "data": "F=="},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}},
    ]
    whole = {"type": "message", "content": blocks, "stop_reason": "tool_use"}
    answer = said(decode("anthropic", [json.dumps(whole).encode()]))
    sent = body("anthropic", USER, answer, result(ident="toolu_1"))["messages"]
    assert sent[1] == {"role": "assistant", "content": blocks}
    answer.pop("tool_calls")
    sent = body("anthropic", USER, answer, USER)["messages"]
    assert sent[1] == {"role": "assistant", "content": "Let me see."}


def test_encrypted_reasoning_is_sent_again_before_the_calls():
    """Where it was asked for, with `include`."""
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E=="}
    call = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"}
    raw = b"".join(
        frame(event)
        for event in (
            {
                "type": "response.output_item.done",
                "output_index": 0,
                "item": item | {"status": None},
            },
            {"type": "response.output_item.done", "output_index": 1, "item": call},
            {"type": "response.completed", "response": {"status": "completed", "output": [item]}},
        )
    )
    answer = said(decode("openai_responses", [raw]))
    sent = body("openai_responses", USER, answer, result())["input"]
    output = {"type": "function_call_output", "call_id": "c1", "output": "2"}
    assert sent[1:] == [item, call, output]


def test_google_s_signature_in_openai_s_shape_goes_back_to_google_only():
    """Others refuse what they do not know."""
    extra = {"google": {"thought_signature": "E="}}
    function = {"name": "add", "arguments": "{}"}
    call = {"index": 0, "id": "c1", "function": function, "extra_content": extra}
    choice = {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}
    answer = said(decode("openai_chat", [frame({"choices": [choice]}), DONE]))
    wanted = called(arguments="{}")
    assert answer["tool_calls"] == [wanted | {"extra_content": extra}]
    for model, sent in (("gemini-3-pro", answer["tool_calls"]), ("gpt-5", [wanted])):
        assert body("openai_chat", answer, model=model)["messages"][0]["tool_calls"] == sent
    (to_ollama,) = body("ollama_chat", answer)["messages"]
    assert "extra_content" not in to_ollama["tool_calls"][0]


@pytest.mark.parametrize("api", ["openai_chat", "ollama_chat", "openai_responses", "gemini"])
def test_what_one_service_wants_again_no_other_gets(api):
    """A conversation may change its model."""
    carried = {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "E="}]}
    sent = body(api, USER, assistant(called(), **carried), result(is_error=True))
    words = json.dumps(sent)
    assert not any(name in words for name in (*CARRIED, "is_error", "hm"))


@pytest.mark.parametrize(
    "model, again", [("deepseek-v4-pro", True), ("Kimi-K3", True), ("gpt-5", False)]
)
def test_reasoning_beside_calls_goes_back_to_those_who_demand_it(model, again):
    """DeepSeek answers 400 without it, OpenAI with it."""
    message = assistant(called(), reasoning_content="hm")
    (sent,) = body("openai_chat", message, model=model)["messages"]
    wanted = assistant(called(), content=None, **({"reasoning_content": "hm"} if again else {}))
    assert sent == wanted
    assert body("ollama_chat", message)["messages"][0]["thinking"] == "hm"


# --- results -------------------------------------------------------------------------------------


def test_chat_shows_pictures_of_results_after_all_of_them():
    """Between the results of one answer no other message may stand."""
    second = result([PICTURE], "c2")
    sent = body(
        "openai_chat",
        USER,
        assistant(called(), called("c2")),
        result([WORDS, PICTURE], is_error=False),
        second,
        assistant(called("c3"), content=None),
        result([PICTURE], "c3"),
    )["messages"]
    assert sent[1:] == [
        assistant(called(), called("c2"), content=None),
        result("2"),
        result("(see below)", "c2"),
        {"role": "user", "content": [PICTURE, PICTURE]},
        assistant(called("c3"), content=None),
        result("(see below)", "c3"),
        {"role": "user", "content": [PICTURE]},
    ]


def test_anthropic_takes_pictures_and_errors_in_results():
    """Several results of one answer are one turn."""
    sent = body(
        "anthropic",
        USER,
        assistant(called(), called("c2")),
        result([WORDS, PICTURE]),
        result("No.", "c2", is_error=True),
    )["messages"]
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    assert sent[2] == {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "c1",
                "content": [WORDS, {"type": "image", "source": source}],
            },
            {"type": "tool_result", "tool_use_id": "c2", "content": "No.", "is_error": True},
        ],
    }


@pytest.mark.parametrize(
    "content, output",
    [
        ("2", "2"),
        (None, ""),
        ([WORDS, WORDS], "2\n2"),
        (
            [WORDS, PICTURE],
            [
                {"type": "input_text", "text": "2"},
                {"type": "input_image", "image_url": PICTURE["image_url"]["url"]},
            ],
        ),
    ],
)
def test_responses_takes_pictures_in_outputs(content, output):
    """Text is a string, anything else an array."""
    (sent,) = body("openai_responses", result(content))["input"]
    assert sent == {"type": "function_call_output", "call_id": "c1", "output": output}


@pytest.mark.parametrize(
    "model, nested", [("gemini-3-pro", True), ("gemini-2.5-pro", False), ("gemini-12", True)]
)
def test_gemini_takes_pictures_in_results_since_3(model, nested):
    """Before, they follow in the same turn."""
    sent = body("gemini", assistant(called()), result([WORDS, PICTURE]), model=model)["contents"][1]
    data = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    response: dict[str, Any] = {"id": "c1", "name": "add", "response": {"output": "2"}}
    if nested:
        assert sent["parts"] == [{"functionResponse": response | {"parts": [data]}}]
    else:
        assert sent["parts"] == [{"functionResponse": response}, data]


@pytest.mark.parametrize(
    "content, failed, response",
    [
        ('{"sum": 2}', False, {"sum": 2}),
        ("2", False, {"output": "2"}),
        ("", False, {"output": ""}),
        ("[2]", False, {"output": "[2]"}),
        ('{"sum": 2}', True, {"error": '{"sum": 2}'}),
    ],
)
def test_gemini_gets_an_object(content, failed, response):
    """JSON as it is, words as output, what went wrong as error."""
    sent = body("gemini", assistant(called()), result(content, is_error=failed))["contents"][1]
    assert sent["parts"][0]["functionResponse"]["response"] == response


def test_results_find_the_name_of_their_call_by_its_id():
    """Also where two calls of one name, or of one answer, have different results."""
    messages = (
        assistant(called("c1", "a"), called("c2", "b")),
        result("two", "c2"),
        result("one", "c1"),
    )
    parts = body("gemini", *messages)["contents"][1]["parts"]
    found = [(part["functionResponse"]["id"], part["functionResponse"]["name"]) for part in parts]
    assert found == [("c2", "b"), ("c1", "a")]
    names = [message.get("tool_name") for message in body("ollama_chat", *messages)["messages"]]
    assert names == [None, "b", "a"]


# --- models and APIs without tools ---------------------------------------------------------------

TOOL = {
    "type": "function",
    "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}},
}


@pytest.mark.parametrize("api", APIS)
def test_a_dialect_says_whether_it_takes_tools(api):
    """Where it does not, all but one refuse them; that one sends them to nobody knows whom."""
    assert dialect(api).tools == (api not in TOOLLESS)
    request = Request("m", (USER,), tools=(TOOL,))
    if dialect(api).tools or api == "messages":
        assert dialect(api).body(request)["tools"]
    else:
        with pytest.raises(UsageError, match="no tools"):
            dialect(api).body(request)


def test_tools_are_described_in_the_form_of_hermes():
    """Nested or flat, each is a line of JSON; then how to call one."""
    flat = {"type": "function", "name": "sub", "strict": True}
    told = tool_instruction([TOOL, flat])
    lines = told.partition("<tools>\n")[2].partition("\n</tools>")[0].splitlines()
    assert [json.loads(line) for line in lines] == [TOOL["function"], {"name": "sub"}]
    assert '<tool_call>\n{"name": "NAME", "arguments": {}}\n</tool_call>' in told


def test_calls_and_results_become_text():
    """Results of one answer are one message of the user, with their pictures after the text."""
    messages = [
        {"role": "system", "content": "Be brief."},
        USER,
        assistant(called(), called("c2", "sub", "{"), content="Hm."),
        result([WORDS, PICTURE]),
        result("No.", "c2", is_error=True),
        {"role": "assistant", "content": "2"},
    ]
    text = as_text(messages)
    assert text[:2] + text[4:] == [*messages[:2], messages[-1]]
    assert text[2] == {
        "role": "assistant",
        "content": "Hm.\n"
        '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>\n'
        '<tool_call>\n{"name": "sub", "arguments": "{"}\n</tool_call>',
    }
    told = (
        '<tool_response>\n{"name": "add", "content": "2"}\n</tool_response>\n'
        '<tool_response>\n{"name": "sub", "error": "No."}\n</tool_response>'
    )
    assert text[3] == {"role": "user", "content": [{"type": "text", "text": told}, PICTURE]}


_messages = st.lists(
    st.sampled_from(
        [
            USER,
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "content": "2"},
            assistant(called()),
            assistant(called("c2"), called("c3"), content="Hm."),
            assistant(called("", "f", ""), content=None),
            result(),
            result([WORDS], "c2"),
            result(None, "c9"),
        ]
    )
)


@given(_messages, st.sampled_from(TOOLLESS))
def test_any_conversation_in_text_is_taken_by_what_takes_no_tools(messages, api):
    """No call and no role of a tool is left."""
    text = as_text(messages)
    assert body(api, *text)
    assert not any(message["role"] == "tool" or "tool_calls" in message for message in text)
