"""What the prompt says because an API has no place for it."""

from __future__ import annotations

from dataclasses import replace

from ipyllm.dialects import dialect
from ipyllm.request import Request
from ipyllm.run.telling import called_by_schema, told

TOOL = {
    "type": "function",
    "function": {"name": "add", "parameters": {"type": "object", "properties": {}}},
}
REQUEST = Request("m", [{"role": "user", "content": "2 and 3?"}], system="Be brief.")
CALL = {"id": "c", "type": "function", "function": {"name": "add", "arguments": "{}"}}
AFTER = [
    *REQUEST.messages,
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "5"},
]


def test_an_api_with_a_place_for_them_is_asked_as_it_is():
    request = replace(REQUEST, tools=[TOOL], schema={"type": "object"})
    assert told(request, dialect("openai_chat")) == request


def test_tools_and_schema_stand_in_the_prompt_of_one_without():
    request = told(
        replace(REQUEST, tools=[TOOL], schema={"type": "object"}), dialect("openai_completions")
    )
    assert (request.tools, request.schema) == ((), None)
    assert request.system.startswith("Be brief.\n\n")
    assert '"add"' in request.system
    assert request.system.endswith("Answer with the JSON alone.")


def test_calls_and_results_become_text_there():
    request = told(replace(REQUEST, messages=AFTER), dialect("openai_completions"))
    assert [message["role"] for message in request.messages] == ["user", "assistant", "user"]
    assert "<tool_call>" in request.messages[1]["content"]
    assert "<tool_response>" in request.messages[2]["content"]


def test_a_small_models_first_answer_can_only_be_a_call():
    request = called_by_schema(replace(REQUEST, tools=[TOOL]))
    assert request.tools == ()
    [call] = request.schema["anyOf"]
    assert call["properties"]["name"] == {"const": "add"}
    assert called_by_schema(REQUEST) is REQUEST


def test_its_second_has_the_results_in_the_question():
    request = called_by_schema(replace(REQUEST, tools=[TOOL], messages=AFTER))
    assert (request.tools, request.schema) == ((), None)
    [asked] = request.messages
    assert asked["content"].startswith("2 and 3?\n\nThis is known:\n- 5\n")
