from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Literal, Optional

import pytest

from ipyllm.errors import UsageError
from ipyllm.tools import as_tool, tool, tools_of


class Unit(enum.Enum):
    C = "celsius"
    F = "fahrenheit"


@dataclass
class Place:
    lat: float
    lon: float


def weather(city: str, days: int = 3, unit: Unit = Unit.C):
    """
    Forecast the weather.

    Args:
        city: where
    """


class Station:
    def read(self, sensor: str):
        """Read a sensor."""

    def __call__(self, level: int):
        """Set the level."""


def wrapped(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


async def fetch(url: str):
    return url


def test_a_function_is_defined_in_the_shape_of_openais_chat():
    assert as_tool(weather).definition == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Forecast the weather.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "where"},
                    "days": {"type": "integer", "default": 3},
                    "unit": {
                        "type": "string",
                        "enum": ["celsius", "fahrenheit"],
                        "default": "celsius",
                    },
                },
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }


def one(x: Literal["a", "b"]): ...
def maybe(x: Optional[int]): ...  # noqa: UP045
def bare(x): ...
def unmarked(x): ...
def many(x: list[dict[str, float]]): ...
def others(x: int, **more): ...


PROPERTY = {
    "literal": (one, {"type": "string", "enum": ["a", "b"]}),
    "optional": (maybe, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    "no hint": (bare, {}),
    "nested": (
        many,
        {
            "type": "array",
            "items": {"type": "object", "additionalProperties": {"type": "number"}},
        },
    ),
}


@pytest.mark.parametrize("function, schema", PROPERTY.values(), ids=PROPERTY)
def test_a_hint_is_a_schema(function, schema):
    assert schema == as_tool(function).parameters["properties"]["x"]


def test_a_class_is_a_definition():
    def go(to: Place): ...

    schema = as_tool(go).parameters
    assert schema["properties"]["to"] == {"$ref": "#/$defs/Place"}
    assert schema["$defs"]["Place"]["required"] == ["lat", "lon"]


NAMES = {
    "method": (Station().read, "read", ["sensor"]),
    "callable object": (Station(), "Station", ["level"]),
    "partial": (functools.partial(weather, days=1), "weather", ["city", "unit"]),
    "wraps": (wrapped(weather), "weather", ["city", "days", "unit"]),
}


@pytest.mark.parametrize("thing, name, parameters", NAMES.values(), ids=NAMES)
def test_other_callables_are_tools(thing, name, parameters):
    made = as_tool(thing)
    assert (name, parameters) == (made.name, list(made.parameters["properties"]))


def test_more_arguments_may_be_given_where_the_function_takes_any():
    assert as_tool(others).parameters["additionalProperties"] is True


def test_only_async_functions_are_async():
    assert [as_tool(fetch).is_async, as_tool(weather).is_async] == [True, False]


def test_the_decorator_overrides_and_leaves_the_function_as_it_is():
    @tool(name="get sum!", description="Adds.", parameters={"a": "first", "b": {"minimum": 0}})
    def add(a: int, b: int):
        """Not this."""
        return a + b

    made = as_tool(add)
    assert (add(1, 2), made.name, made.description) == (3, "get_sum_", "Adds.")
    assert made.parameters["properties"] == {
        "a": {"type": "integer", "description": "first"},
        "b": {"type": "integer", "minimum": 0},
    }


def test_the_decorator_needs_no_parentheses():
    assert tool(weather) is weather
    assert as_tool(weather).name == "weather"


def test_names_of_the_notebook_are_found():
    space: dict = {}
    source = (
        "from __future__ import annotations\nimport dataclasses\n"
        "@dataclasses.dataclass\nclass Box:\n    size: int\n"
        "def pack(box: Box): return box\n"
    )
    exec(
        compile(source, "cell", "exec", dont_inherit=True), {"__name__": "__main__"} | space, space
    )
    with pytest.raises(UsageError, match="'pack', parameter box"):
        as_tool(space["pack"])
    assert "Box" in as_tool(space["pack"], space).parameters["$defs"]


def positional(a, /): ...
def starred(*items): ...
def stream(f: open): ...


REFUSED = {
    "not callable": (3, "3 is not callable"),
    "lambda": (lambda x: x, "lambda has no name"),
    "positional": (positional, "'positional': a cannot be given by name"),
    "starred": (starred, r"'starred': \*items cannot be given by name"),
    "no schema": (stream, "'stream', parameter f: "),
    "builtin": (dict.fromkeys, "fromkeys"),
    "no signature": (dict, "Python does not tell"),
    "override of nothing": (tool(parameters={"y": "no"})(unmarked), "has no parameter 'y'"),
}


@pytest.mark.parametrize("thing, message", REFUSED.values(), ids=REFUSED)
def test_what_a_model_cannot_call_is_refused_in_a_sentence(thing, message):
    with pytest.raises(UsageError, match=message):
        as_tool(thing)


def test_two_tools_of_one_name_are_refused():
    with pytest.raises(UsageError, match="Two tools are named 'weather'"):
        tools_of([weather, wrapped(weather)])
