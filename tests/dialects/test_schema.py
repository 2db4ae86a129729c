"""How each API is asked for an answer that fits a schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.dialects import APIS, dialect
from ipyllm.request import Request
from ipyllm.structured.instruction import instruction, second_try
from ipyllm.structured.response_format import closed, in_words, named

USER = {"role": "user", "content": "A person."}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CLOSED = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
OPTIONAL = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
}
OPEN = {"type": "object", "additionalProperties": {"type": "integer"}}


def sent(api: str, schema: Any = CLOSED, model: str = "m", **more: Any) -> dict[str, Any]:
    return dialect(api).body(Request(model, (USER,), schema=schema, schema_name="Person", **more))


def added(api: str, **more: Any) -> dict[str, Any]:
    """What the body has with a schema that it has not without."""
    without = sent(api, None)
    return {key: value for key, value in sent(api, **more).items() if without.get(key, ()) != value}


FORMAT = {"type": "json_schema", "name": "Person", "schema": CLOSED, "strict": True}
FORMS: dict[str, dict[str, Any]] = {
    "openai_chat": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "Person", "schema": CLOSED, "strict": True},
        }
    },
    "openai_responses": {"text": {"format": FORMAT}},
    "anthropic": {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
    "gemini": {
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseJsonSchema": CLOSED,
        }
    },
    "ollama_chat": {"format": CLOSED},
    "ollama_generate": {"format": CLOSED},
    "llamacpp": {"json_schema": CLOSED},
    "openai_completions": {},
    "messages": {},
}


@pytest.mark.parametrize("api", APIS)
def test_each_api_is_asked_in_its_own_way(api):
    """And those that have none are sent what they are sent without a schema."""
    assert added(api) == FORMS[api]


@pytest.mark.parametrize("api", APIS)
def test_a_dialect_says_whether_it_asks(api):
    """So that the prompt can, where the API cannot."""
    assert dialect(api).typed == bool(FORMS[api])


@pytest.mark.parametrize(
    "api, params, found",
    [
        (
            "openai_chat",
            {"response_format": {"type": "text"}},
            {"response_format": {"type": "text"}},
        ),
        ("openai_responses", {"text": {"format": {"type": "text"}}}, None),
        ("anthropic", {"output_config": {"format": None}}, None),
        ("anthropic", {"output_format": {"type": "x"}}, None),
        ("gemini", {"responseSchema": {}}, {"generationConfig": {"responseSchema": {}}}),
        ("gemini", {"generationConfig": {"responseMimeType": "text/x.enum"}}, None),
        ("ollama_chat", {"format": "json"}, None),
        ("ollama_generate", {"format": "json"}, None),
        ("llamacpp", {"json_schema": {}}, None),
        ("llamacpp", {"grammar": 'root ::= "a"'}, None),
    ],
)
def test_the_user_s_own_parameter_wins(api, params, found):
    """Whoever names it knows better."""
    assert added(api, params=params) == (params if found is None else found)


@pytest.mark.parametrize(
    "api, params, place",
    [
        ("openai_responses", {"text": {"verbosity": "low"}}, ("text",)),
        ("anthropic", {"output_config": {"effort": "low"}}, ("output_config",)),
        ("gemini", {"temperature": 0}, ("generationConfig",)),
        ("gemini", {"generationConfig": {"temperature": 0}}, ("generationConfig",)),
    ],
)
def test_what_stands_beside_the_schema_stays(api, params, place):
    """A parameter of the same object that says something else is no reason to drop the schema."""
    (name,) = place
    theirs = params.get(name, params)
    assert added(api, params=params) == {name: FORMS[api][name] | theirs}


@pytest.mark.parametrize(
    "model, beside",
    [("gemini-2.5-flash", False), ("gemini-3-pro-preview", True), ("models/gemini-4-x", True)],
)
def test_gemini_before_3_is_told_in_the_prompt_where_there_are_tools(model, beside):
    """It refuses a response type beside functions."""
    body = sent("gemini", model=model, tools=(TOOL,))
    told = {"parts": [{"text": instruction(CLOSED)}]}
    assert ("generationConfig" in body) == beside
    assert body.get("systemInstruction") == (None if beside else told)


def test_what_may_be_missing_may_be_null_in_strict_mode():
    """OpenAI wants every member; null stands for one that is left out."""
    shape = named(Request("m", (), schema=OPTIONAL))
    assert shape["strict"] is True
    assert shape["schema"]["required"] == ["name", "age"]
    assert shape["schema"]["properties"]["age"]["type"] == ["integer", "null"]


def test_what_has_no_strict_form_is_asked_for_without_it():
    """A map of any names is a wish; 400 would be no answer at all."""
    assert named(Request("m", (), schema=OPEN)) == {
        "name": "answer",
        "schema": OPEN,
        "strict": False,
    }


@pytest.mark.parametrize(
    "name, title, found",
    [
        ("Person", "Other", "Person"),
        ("", "Person", "Person"),
        ("", None, "answer"),
        ("list[Person]", None, "list_Person"),
        ("Ünïcode", None, "n_code"),
        ("a" * 70, None, "a" * 64),
        ("!", None, "answer"),
    ],
)
def test_a_name_is_one_the_apis_take(name, title, found):
    """Letters, digits, `_` and `-`, 64 at most."""
    schema = CLOSED | ({"title": title} if title else {})
    assert named(Request("m", (), schema=schema, schema_name=name))["name"] == found


def test_anthropic_gets_closed_objects_and_bounds_in_words():
    """Its grammar has no bounds; the model still reads them."""
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "maximum": 150, "description": "Years"},
            "tags": {"type": "array", "items": OPTIONAL, "minItems": 1, "maxItems": 3},
            "minimum": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]},
        },
        "$defs": {"A": {"type": "object", "properties": {}}},
    }
    age = {"type": "integer", "description": "(minimum: 0)"}
    inner = OPTIONAL | {
        "properties": {"name": {"type": "string"}, "age": age},
        "additionalProperties": False,
    }
    assert closed(in_words(schema)) == {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "description": "Years (minimum: 0, maximum: 150)"},
            "tags": {
                "type": "array",
                "items": inner,
                "minItems": 1,
                "description": "(maxItems: 3)",
            },
            "minimum": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]},
        },
        "$defs": {"A": {"type": "object", "properties": {}, "additionalProperties": False}},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "api, place",
    [("llamacpp", "json_schema"), ("ollama_chat", "format"), ("ollama_generate", "format")],
)
def test_grammars_that_take_silence_for_leave_get_closed_objects(api, place):
    """A small model invents member after member; bounds they know."""
    assert sent(api, OPTIONAL)[place] == OPTIONAL | {"additionalProperties": False}


def test_an_open_map_is_not_closed():
    """Closed, it could only be empty."""
    assert closed(OPEN) == OPEN


_schemas = st.recursive(
    st.sampled_from([{"type": "string", "minLength": 2}, {"type": "integer"}, OPEN, True]),
    lambda inner: (
        st.fixed_dictionaries({"type": st.just("array"), "items": inner})
        | st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)})
        | st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.dictionaries(st.sampled_from(["a", "minimum"]), inner),
            }
        )
    ),
    max_leaves=8,
).filter(lambda schema: isinstance(schema, dict))


@given(_schemas)
def test_no_schema_is_changed_in_place_and_twice_is_once(schema):
    """The user's own schema is what the answer is checked against."""
    before = json.dumps(schema)
    for change in (closed, in_words):
        once = change(schema)
        assert json.dumps(schema) == before
        assert change(once) == once


def test_an_instruction_has_the_schema_and_ends_with_the_order():
    """What a model without a mode for it is told."""
    said = instruction(CLOSED | {"title": "Größe"})
    assert json.dumps(CLOSED | {"title": "Größe"}, ensure_ascii=False) in said
    assert said.endswith("Answer with the JSON alone.")


@pytest.mark.parametrize("text, shown", [("{}", "{}"), ("", "empty"), ("a" * 9000, "aaa...")])
def test_a_second_try_shows_what_was_wrong(text, shown):
    """The answer, as far as it helps, the violation, the order."""
    said = second_try("name: missing.", text)
    assert shown in said
    assert "name: missing. Give" in said
    assert said.endswith("Answer with the JSON alone.")
    assert len(said) < 5000
    assert json.dumps(CLOSED) not in said
    again = second_try("name: missing.", text, CLOSED)
    assert json.dumps(CLOSED) in again
    assert again.endswith("Answer with the JSON alone.")
