from __future__ import annotations

import datetime as dt
import enum
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, make_dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ipyllm.errors import UsageError
from ipyllm.structured.checker import check
from ipyllm.structured.schema import Invalid, nullable, schema_of, shape, strict

T = TypeVar("T")
UserId = NewType("UserId", int)


class Color(enum.Enum):
    """Of the car."""

    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Address:
    street: str
    zip: Annotated[str, "five digits"] = ""


@dataclass
class Person:
    """Somebody who is mentioned."""

    name: str = field(metadata={"description": "as in the text"})
    age: int | None
    home: Address | None = None
    tags: list[str] = field(default_factory=list)
    friends: list[Person] = field(default_factory=list)


class Film(TypedDict):
    title: str
    year: int


class Rated(Film, total=False):
    stars: float


class Point(NamedTuple):
    x: float
    y: float = 2.0


@dataclass
class Span:
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("a span ends before it starts")


@dataclass
class Box(Generic[T]):
    item: T


@dataclass
class Lost:
    other: Nowhere  # noqa: F821 - what is tested


def closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


HINTS = [
    (str, {"type": "string"}),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (bool, {"type": "boolean"}),
    (None, {"type": "null"}),
    (Any, {}),
    (dt.datetime, {"type": "string", "format": "date-time"}),
    (dt.date, {"type": "string", "format": "date"}),
    (dt.time, {"type": "string", "format": "time"}),
    (UUID, {"type": "string", "format": "uuid"}),
    (Decimal, {"type": "string", "format": "decimal", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
    (Path, {"type": "string", "format": "path"}),
    (UserId, {"type": "integer"}),
    (Color, {"type": "string", "enum": ["red", "blue"], "description": "Of the car."}),
    (Level, {"type": "integer", "enum": [1, 2]}),
    (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
    (
        Literal["a", 1, True, None],  # noqa: PYI061 - a user may
        {"type": ["string", "integer", "boolean", "null"], "enum": ["a", 1, True, None]},
    ),
    (Literal[Color.RED], {"type": "string", "enum": ["red"]}),
    (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045 - a user may
    (Union[int, str], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),  # noqa: UP007
    (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
    (list, {"type": "array", "items": {}}),
    (list[int], {"type": "array", "items": {"type": "integer"}}),
    (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
    (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
    (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
    (
        tuple[int, str],
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "items": False,
            "minItems": 2,
            "maxItems": 2,
        },
    ),
    (tuple[()], {"type": "array", "items": False, "minItems": 0, "maxItems": 0}),
    (dict, {"type": "object", "additionalProperties": {}}),
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
    (
        dict[Literal["a", "b"], int],
        {
            "type": "object",
            "additionalProperties": {"type": "integer"},
            "propertyNames": {"type": "string", "enum": ["a", "b"]},
        },
    ),
    (Annotated[int, "in years"], {"type": "integer", "description": "in years"}),
    (Film, closed({"title": {"type": "string"}, "year": {"type": "integer"}}, "title", "year")),
    (
        Rated,
        closed(
            {"title": {"type": "string"}, "year": {"type": "integer"}, "stars": {"type": "number"}},
            "title",
            "year",
        ),
    ),
    (Point, closed({"x": {"type": "number"}, "y": {"type": "number", "default": 2.0}}, "x")),
    (
        Address,
        closed(
            {
                "street": {"type": "string"},
                "zip": {"type": "string", "description": "five digits", "default": ""},
            },
            "street",
        ),
    ),
]


@pytest.mark.parametrize("hint, schema", HINTS, ids=[str(number) for number in range(len(HINTS))])
def test_a_hint_has_a_schema(hint, schema):
    assert schema_of(hint) == schema
    Draft202012Validator.check_schema(schema)


def test_a_class_says_what_it_is_and_may_contain_itself():
    schema = shape(Person).schema
    assert schema["description"] == "Somebody who is mentioned."
    assert schema["required"] == ["name", "age"]
    assert schema["properties"]["name"] == {"type": "string", "description": "as in the text"}
    assert schema["properties"]["friends"] == {"type": "array", "items": {"$ref": "#/$defs/Person"}}
    assert sorted(schema["$defs"]) == ["Address", "Person"]
    assert "description" not in schema["$defs"]["Address"]  # its docstring is dataclass's own


def test_two_classes_of_one_name_are_two_definitions():
    other = make_dataclass("Address", [("city", str)])
    assert sorted(schema_of(tuple[Address, other])["$defs"]) == ["Address", "Address_2"]


NAMES = [
    (Person, "Person"),
    (list[str], "list_str"),
    (dict[str, list[Person]], "dict_str_list_Person"),
    (Person | None, "Person_or_None"),
    (Optional[int], "int_or_None"),  # noqa: UP045 - a user may
    (tuple[int, ...], "tuple_int"),
    (Annotated[int, "x"], "int"),
    (Literal["größe", 1], "Literal_gr_e_1"),
    (dict[str, Literal["a" * 99]], "dict_str_Literal_" + 47 * "a"),
    ({"type": "object", "title": "A list!"}, "A_list"),
    ({"type": "object"}, "answer"),
]


@pytest.mark.parametrize("wanted, name", NAMES, ids=[name for _, name in NAMES])
def test_a_shape_has_a_name_that_apis_take(wanted, name):
    assert shape(wanted).name == name


@pytest.mark.parametrize(
    "wanted", [list[str], int, Color, Person | None, {"type": "array"}, Literal["a"]]
)
def test_what_is_no_object_is_wrapped_in_one(wanted):
    found = shape(wanted)
    assert found.wrapped
    assert found.schema["type"] == "object"
    assert list(found.schema["properties"]) == found.schema["required"] == ["value"]
    assert "$defs" not in found.schema["properties"]["value"]


VALUES = [
    (str, "a", "a"),
    (int, 1.0, 1),
    (float, 1, 1.0),
    (float | int, 1, 1),
    (int | float, 1.0, 1.0),
    (bool, True, True),
    (None, None, None),
    (Any, [{"a": 1}], [{"a": 1}]),
    (dt.datetime, "2024-02-29T12:30:00Z", dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.timezone.utc)),
    (dt.datetime, "2024-02-29 12:30:00.5", dt.datetime(2024, 2, 29, 12, 30, 0, 500000)),  # noqa: DTZ001
    (dt.date, "2024-02-29", dt.date(2024, 2, 29)),
    (dt.time, "12:30", dt.time(12, 30)),
    (dt.date | str, "soon", "soon"),
    (dt.date | str, "2024-02-29", dt.date(2024, 2, 29)),
    (UUID, "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
    (Decimal, "0.10", Decimal("0.10")),
    (Path, "a/b.txt", Path("a/b.txt")),
    (Color, "red", Color.RED),
    (Literal[Color.RED], "red", Color.RED),
    (Literal[1, True], True, True),
    (list[Level], [1, 2], [Level.LOW, Level.HIGH]),
    (set[str], ["a", "b"], {"a", "b"}),
    (frozenset[int], [1], frozenset([1])),
    (tuple[int, Color], [1, "blue"], (1, Color.BLUE)),
    (tuple[Color, ...], ["blue"], (Color.BLUE,)),
    (dict[Color, int], {"red": 1}, {Color.RED: 1}),
    (Optional[Color], None, None),  # noqa: UP045 - a user may
    (Film, {"title": "M", "year": 1931}, {"title": "M", "year": 1931}),
    (Point, {"x": 1}, Point(1.0, 2.0)),
    (Person, {"name": "Ann", "age": None}, Person("Ann", None)),
    (
        Person,
        {"name": "Ann", "age": 3, "home": {"street": "s"}, "friends": [{"name": "Bo", "age": 1}]},
        Person("Ann", 3, Address("s"), [], [Person("Bo", 1)]),
    ),
    (
        list[Film | Address],
        [{"street": "s"}, {"title": "M", "year": 1}],
        [Address("s"), {"title": "M", "year": 1}],
    ),
    ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": 1}, {"a": 1}),
    ({"type": "array", "items": {"type": "integer"}}, [1], [1]),
]


@pytest.mark.parametrize(
    "wanted, value, expected", VALUES, ids=[str(number) for number in range(len(VALUES))]
)
def test_an_answer_becomes_what_was_wanted(wanted, value, expected):
    found = shape(wanted)
    made = found.convert({"value": value} if found.wrapped else value)
    assert made == expected
    assert type(made) is type(expected)


REFUSED = [
    (Person, {"age": 3}, (), "required", "$: the member 'name' is missing"),
    (
        Person,
        {"name": "Ann", "age": "3"},
        ("age",),
        "type",
        "$.age: a string, not an integer or null",
    ),
    (Person, {"name": "Ann", "age": True}, ("age",), "type", "$.age: true, not an integer or null"),
    (Person, {"name": "Ann", "age": 3.5}, ("age",), "type", "$.age: 3.5 is no integer"),
    (Person, {"name": None, "age": 3}, ("name",), "type", "$.name: null, not a string"),
    (
        Person,
        {"name": "A", "age": 3, "x": 1},
        (),
        "additionalProperties",
        "$: 'x' begins no name it may have",
    ),
    (Person, [], (), "type", "$: an array, not an object"),
    (
        Person,
        {"name": "A", "age": 3, "friends": [{"name": "B", "age": 1, "home": {"street": 5}}]},
        ("friends", 0, "home", "street"),
        "type",
        "$.friends[0].home.street: a number, not a string",
    ),
    (Span, {"start": 3, "end": 1}, (), "value", "$: a span ends before it starts"),
    (list[Span], {"value": [{"start": 3, "end": 1}]}, ("value", 0), "value", None),
    (list[Color], {"value": ["red", "green"]}, ("value", 1), "enum", None),
    (Literal[1], {"value": True}, ("value",), "type", None),
    (set[int], {"value": [1, 1]}, ("value",), "uniqueItems", "$.value: 1 is there twice"),
    (tuple[int, int], {"value": [1]}, ("value",), "minItems", None),
    (dict[Literal["a"], int], {"b": 1}, (), "enum", None),
    (dt.date, {"value": "2024-02-30"}, ("value",), "format", None),
    (Decimal, {"value": "1e5"}, ("value",), "pattern", None),
    (int, {"value": float("inf")}, ("value",), "type", "$.value: a number too great for an int"),
    (float, {"value": 10**400}, ("value",), "type", "$.value: a number too great for a float"),
]


@pytest.mark.parametrize(
    "wanted, value, path, rule, message",
    REFUSED,
    ids=[str(number) for number in range(len(REFUSED))],
)
def test_an_answer_that_does_not_fit_is_refused_with_its_place(wanted, value, path, rule, message):
    with pytest.raises(Invalid) as caught:
        shape(wanted).convert(value)
    assert (caught.value.path, caught.value.rule) == (path, rule)
    assert message is None or caught.value.message == message
    assert str(caught.value) == caught.value.message


NO_SHAPES = [
    (3, "JSON has nothing for 3."),
    (complex, "JSON has nothing for complex."),
    (bytes, "JSON has nothing for bytes."),
    (dict[int, str], "dict[int, str] has keys that are no text"),
    (set[list[int]], "its items cannot be in a set"),
    (set[Address], "its items cannot be in a set"),
    (Box, "T is a type variable"),
    (Box[int], "is a generic class"),
    (Lost, "A type hint of Lost names 'Nowhere'"),
    (list[ForwardRef("Nowhere")], "The type 'Nowhere' names 'Nowhere'"),
    ("no type", "'no type' is no type"),
    (Literal[b"x"], "which JSON cannot say"),
    ({}, "is no JSON Schema"),
    ({"name": "str"}, "The dict with 'name' is no JSON Schema"),
    ({"type": "dict"}, "The schema's type is 'dict'"),
    ({"type": "object", "properties": ["a"]}, "properties are no dict"),
    ({"$ref": "#/$defs/A"}, "refers to '#/$defs/A', which is not in it"),
    ({"type": "object", "properties": {"a": {"$ref": "other.json"}}}, "refers to 'other.json'"),
]


@pytest.mark.parametrize(
    "wanted, message", NO_SHAPES, ids=[str(number) for number in range(len(NO_SHAPES))]
)
def test_what_json_cannot_say_is_a_usage_error(wanted, message, monkeypatch):
    monkeypatch.delitem(sys.modules, "pydantic", raising=False)  # which has words for bytes
    with pytest.raises(UsageError, match=re.escape(message)):
        shape(wanted)


def test_the_notebook_knows_names_that_a_module_does_not():
    assert shape(Lost, {"Nowhere": int}).convert({"other": 3}) == Lost(3)
    assert shape(list[ForwardRef("Thing")], {"Thing": Address}).convert(
        {"value": [{"street": "s"}]}
    ) == [Address("s")]
    # but the module's own names come first
    other = make_dataclass("Other", [("a", "Nowhere"), ("b", "Address")])
    other.__module__ = __name__
    schema = schema_of(other, {"Nowhere": int, "Address": str})
    assert schema["properties"] == {"a": {"type": "integer"}, "b": {"$ref": "#/$defs/Address"}}


def test_limits_are_read_from_whoever_names_them_as_annotated_types():
    limits = SimpleNamespace(ge=0, lt=10, multiple_of=2, description="even")
    assert schema_of(Annotated[int, limits]) == {
        "type": "integer",
        "minimum": 0,
        "exclusiveMaximum": 10,
        "multipleOf": 2,
        "description": "even",
    }
    length = SimpleNamespace(min_length=1, max_length=3, pattern="^a")
    assert schema_of(Annotated[str, length]) == {
        "type": "string",
        "minLength": 1,
        "maxLength": 3,
        "pattern": "^a",
    }
    kept = SimpleNamespace(metadata=[SimpleNamespace(min_length=1)])
    assert schema_of(Annotated[list[int], kept])["minItems"] == 1


def test_limits_are_kept():
    small = Annotated[int, SimpleNamespace(le=3)]
    with pytest.raises(Invalid, match=r"^\$\.value\[1\]: a number that is not at most 3$"):
        shape(list[small]).convert({"value": [3, 4]})


def test_typed_dicts_may_say_of_each_member_whether_it_is_needed():
    typing = (
        pytest.importorskip("typing_extensions")
        if sys.version_info < (3, 11)
        else __import__("typing")
    )
    names = {"Required": typing.Required, "NotRequired": typing.NotRequired}
    loose = typing.TypedDict(
        "loose",
        {"a": "Required[int]", "b": "Annotated[NotRequired[int], 'b']", "c": int},
        total=False,
    )
    assert schema_of(loose, {**names, "Annotated": Annotated})["required"] == ["a"]
    firm = typing.TypedDict("firm", {"a": "int", "b": "NotRequired[int]"})
    assert schema_of(firm, names)["required"] == ["a"]


def test_a_schema_keeps_its_references_in_one_place():
    wanted = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tree",
        "type": "object",
        "definitions": {"leaf": {"type": "integer"}, "unused": {}},
        "properties": {
            "leaf": {"$ref": "#/definitions/leaf"},
            "more": {"type": "array", "items": {"$ref": "#"}},
        },
    }
    schema = shape(wanted).schema
    assert schema["properties"] == {
        "leaf": {"$ref": "#/$defs/leaf"},
        "more": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
    }
    assert sorted(schema["$defs"]) == ["Tree", "leaf"]
    assert "definitions" not in schema
    assert check(schema, {"more": [{"more": [{"leaf": "x"}]}]}) is not None


# --- OpenAI's strict mode ------------------------------------------------------------------------


def each_schema(node: Any):
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key != "enum":
                yield from each_schema(value)
    elif isinstance(node, list):
        for value in node:
            yield from each_schema(value)


@pytest.mark.parametrize(
    "wanted", [Person, Rated, Point, list[Film | Address], tuple[int, str], Literal["a"] | None]
)
def test_strict_mode_gets_what_it_wants(wanted):
    schema = strict(shape(wanted).schema)
    Draft202012Validator.check_schema(schema)
    for node in each_schema(schema):
        if node.get("type") in ("object", ["object", "null"]) or "properties" in node:
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
        assert not node.keys() & {
            "oneOf",
            "allOf",
            "const",
            "default",
            "prefixItems",
            "uniqueItems",
            "minLength",
        }
        assert "$ref" not in node or len(node) == 1


def test_members_that_may_be_missing_may_be_null_there():
    wanted = closed(
        {
            "a": {"type": "string", "description": "A", "default": "x"},
            "b": {"enum": ["x", "y"]},
            "c": {"$ref": "#/$defs/C", "description": "C"},
            "d": {"type": ["integer", "null"]},
            "e": {"anyOf": [{"type": "integer"}, {"type": "string", "format": "made-up"}]},
        }
    )
    wanted["$defs"] = {"C": closed({"x": {"const": 1}}, "x")}
    assert strict(wanted)["properties"] == {
        "a": {"type": ["string", "null"], "description": "A"},
        "b": {"anyOf": [{"enum": ["x", "y"], "type": "string"}, {"type": "null"}]},
        "c": {
            "anyOf": [closed({"x": {"enum": [1], "type": "integer"}}, "x"), {"type": "null"}],
            "description": "C",
        },
        "d": {"type": ["integer", "null"]},
        "e": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
    }


def test_strict_mode_has_one_schema_for_all_of_several():
    base = closed({"a": {"type": "integer"}}, "a")
    wanted = {
        "allOf": [{"$ref": "#/$defs/B"}, closed({"b": {"type": "string"}}, "b")],
        "$defs": {"B": base},
    }
    found = strict(wanted)
    assert found["properties"] == {"a": {"type": "integer"}, "b": {"type": "string"}}


@pytest.mark.parametrize(
    "wanted", [dict[str, int], list[Any], {"type": "object"}, {"type": "array"}]
)
def test_strict_mode_has_no_form_for_anything_goes(wanted):
    with pytest.raises(UsageError, match="strict mode has no form for"):
        strict(shape(wanted).schema)


def test_null_for_a_member_that_may_be_missing_is_a_missing_member():
    answer = {
        "name": "Ann",
        "age": 1,
        "home": {"street": "s", "zip": None},
        "tags": None,
        "friends": None,
    }
    assert shape(Person).convert(answer) == Person("Ann", 1, Address("s"))
    assert check(shape(Person).schema, answer) is not None
    assert check(nullable(shape(Person).schema), answer) is None
    assert check(strict(shape(Person).schema), answer) is None


PEOPLE = st.deferred(
    lambda: st.builds(
        Person,
        st.text(max_size=5),
        st.none() | st.integers(),
        st.none() | st.builds(Address, st.text(max_size=3), st.text(max_size=3)),
        st.lists(st.text(max_size=3), max_size=2),
        st.lists(PEOPLE, max_size=1),
    )
)


@given(PEOPLE)
def test_any_object_comes_back_from_its_json(person: Person):
    wanted = shape(Person)
    answer = json.loads(json.dumps(asdict(person)))
    assert wanted.convert(answer) == person
    assert check(strict(wanted.schema), answer) is None
    assert Draft202012Validator(wanted.schema).is_valid(answer)


# --- pydantic ------------------------------------------------------------------------------------


class Model:
    """What ipyllm asks of a pydantic model, without pydantic."""

    def __init__(self, members: dict[str, Any]) -> None:
        self.members = members

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {
            "title": "Model",
            "type": "object",
            "properties": {
                "a": {"$ref": "#/$defs/Address"},
                "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
            },
            "required": ["a"],
            "$defs": {"Address": {"type": "string"}},
        }

    @classmethod
    def model_validate_json(cls, text: str) -> Model:
        if json.loads(text)["a"] == "bad":
            raise ValueError("this is bad")
        return cls(json.loads(text))


def test_a_model_brings_its_own_schema():
    assert shape(Model).convert({"a": "x"}).members == {"a": "x"}
    schema = schema_of(tuple[Address, Model])
    assert schema["$defs"]["Address_2"] == {"type": "string"}
    assert schema["$defs"]["Model"]["properties"]["a"] == {"$ref": "#/$defs/Address_2"}


def test_a_model_may_refuse_what_its_schema_lets_through():
    with pytest.raises(Invalid, match=r"^\$\.value\[0\]: this is bad$"):
        shape(list[Model]).convert({"value": [{"a": "bad"}]})


def test_models_of_pydantic_1_are_refused_with_the_way_out():
    old = type("Old", (), {"__fields__": {}, "parse_obj": None})
    with pytest.raises(UsageError, match="pydantic 1"):
        shape(old)


def test_pydantic_itself_is_understood():
    pydantic = pytest.importorskip("pydantic", minversion="2")
    inner = pydantic.create_model("Inner", kind=(Literal["in"], ...))
    model = pydantic.create_model(
        "Outer", n=(pydantic.PositiveInt, ...), inner=(inner | None, None)
    )
    found = shape(model)
    assert found.convert({"n": 3, "inner": {"kind": "in"}}) == model(n=3, inner=inner(kind="in"))
    with pytest.raises(Invalid, match=r"\$\.n: 0 is not more than 0"):
        found.convert({"n": 0})
    assert shape(dt.timedelta).convert({"value": "PT1H"}) == dt.timedelta(hours=1)
