from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structured.schema_corpus import SCHEMAS, Case, generated, handwritten, invalid, oracle

from ipyllm.structured.checker import Checker, Violation, check, show
from ipyllm.structured.edits import Begin, End, Grow, Name
from ipyllm.structured.partial_json import PartialJson

CASES = list(invalid())
VALID = [*handwritten(), *generated(2000, seed=7)]


def verdict(schema: dict[str, Any], pieces: list[str]) -> tuple[int | None, Violation | None]:
    """How many pieces it took to know, and what is known."""
    reader, checker = PartialJson(), Checker(schema)
    for count, piece in enumerate(pieces):
        if violation := checker.feed(reader.feed(piece)):
            return count, violation
    return None, checker.feed(reader.close()) or checker.close()


# An item too many is seen behind its comma, an escape at its last character; and that "US" is all
# that `enum` leaves after the "U" is not put together with what `if` asks.
LATE = ("person-25", "place-7", "matrix-4", "matrix-6", "address-7")


def test_the_corpus_is_as_it_says():
    assert len(CASES) >= 200
    for case in CASES:
        assert not oracle(case.schema).is_valid(json.loads(case.text)), case.text
        if case.valid is not None:
            assert case.valid[: case.at] == case.text[: case.at]
            assert oracle(case.schema).is_valid(json.loads(case.valid)), case.valid


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_text_is_cut_at_its_first_impossible_character(case: Case):
    count, violation = verdict(case.schema, list(case.text))
    assert violation is not None
    assert count == violation.at
    assert violation.at > case.at if case.name in LATE else violation.at == case.at


def test_few_texts_are_cut_later():
    assert len(LATE) <= 0.05 * len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_is_said_of_a_text_in_one_piece(case: Case):
    assert verdict(case.schema, [case.text])[1] == verdict(case.schema, list(case.text))[1]


def test_no_valid_text_is_cut():
    assert len(VALID) >= 2000
    for schema, text in VALID:
        assert verdict(schema, list(text)) == (None, None), text


def test_whole_values_are_judged_as_by_jsonschema():
    for schema, text in [*VALID, *((case.schema, case.text) for case in CASES)]:
        value = json.loads(text)
        assert (check(schema, value) is None) == oracle(schema).is_valid(value), text


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.sampled_from([0.5, -2.5, 2.0, 1e3])
    | st.sampled_from("abx"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "value", "name", "kind", "x-y"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYWORDS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            ["object", "array", "string", "integer", "number", "null", ["integer", "null"]]
        ),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "minimum": st.integers(-2, 5),
        "exclusiveMaximum": st.integers(-2, 50),
        "multipleOf": st.sampled_from([1, 2, 0.5, 5]),
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 1),
        "pattern": st.sampled_from(["^a", "^[ab]?x*$", "b"]),
        "required": st.lists(st.sampled_from(["a", "name"]), max_size=2),
        "minProperties": st.integers(0, 2),
        "maxProperties": st.integers(0, 2),
        "propertyNames": st.sampled_from(
            [{"pattern": "^[a-n]"}, {"enum": ["a", "kind"]}, {"maxLength": 1}]
        ),
        "dependentRequired": st.just({"a": ["name"]}),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "minContains": st.integers(0, 2),
        "maxContains": st.integers(1, 2),
    },
)


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    more = st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(
                st.sampled_from(["a", "value", "name"]), inner, max_size=2
            ),
            "patternProperties": st.dictionaries(st.sampled_from(["^x-", "a"]), inner, max_size=1),
            "additionalProperties": inner | st.just(False),
            "items": inner | st.just(False),
            "prefixItems": several,
            "contains": inner,
            "anyOf": several,
            "oneOf": several,
            "allOf": several,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "dependentSchemas": st.dictionaries(st.sampled_from(["a", "name"]), inner, max_size=1),
        },
    )
    return st.builds(lambda some, others: {**some, **others}, KEYWORDS, more)


ANY_SCHEMA = st.recursive(KEYWORDS, _deeper, max_leaves=6)


@given(ANY_SCHEMA, VALUES)
def test_any_schema_and_value_are_judged_as_by_jsonschema(schema: dict[str, Any], value: Any):
    assert (check(schema, value) is None) == oracle(schema).is_valid(value)


@given(ANY_SCHEMA, VALUES, st.lists(st.integers(0, 60), max_size=8))
def test_any_cut_of_a_text_gives_the_same_verdict(
    schema: dict[str, Any], value: Any, places: list[int]
):
    text = json.dumps(value)
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    _, violation = verdict(schema, pieces)
    assert violation == verdict(schema, list(text))[1]
    assert (violation is None) == oracle(schema).is_valid(value)


MESSAGES = [
    ({"type": "integer"}, '"old"', "$: a string, not an integer"),
    (
        {"properties": {"age": {"type": ["integer", "null"]}}},
        '{"age": "x"}',
        "$.age: a string, not an integer or null",
    ),
    (
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "[]",
        "$: an array, not an integer or null",
    ),
    ({"enum": ["red", "green"]}, '"blue"', '$: a text that is not one of "red", "green"'),
    ({"enum": ["red", "green"]}, '"re"', '$: \'re\' is not one of "red", "green"'),
    ({"const": 200}, "404", "$: a number that is not 200"),
    ({"items": {"minimum": 2}}, "[3, 1]", "$[1]: 1 is not at least 2"),
    ({"required": ["name"]}, "{}", "$: the member 'name' is missing"),
    (
        {"additionalProperties": False, "properties": {"a": {}}},
        '{"b": 1}',
        "$: 'b' begins no name it may have",
    ),
    ({"maxProperties": 0}, '{"b": 1}', "$: 'b' is one more than 0 members"),
    ({"minLength": 3}, '"ab"', "$: 'ab' has fewer than 3 characters"),
    ({"maxItems": 1}, "[1, 2]", "$: more than 1 item"),
    ({"uniqueItems": True}, "[1, 1.0]", "$: 1.0 is there twice"),
    ({"pattern": "^a(b|c)$"}, '"ad"', "$: 'ad' does not fit the pattern ^a(b|c)$"),
    ({"format": "date"}, '"2024-02-31"', "$: '2024-02-31' does not fit the format date"),
    ({"not": {"type": "null"}}, "null", "$: this is what it must not be"),
    ({"additionalProperties": {"type": "null"}}, '{"a b": 1}', '$["a b"]: a number, not null'),
]


@pytest.mark.parametrize("schema, text, message", MESSAGES)
def test_a_violation_is_one_sentence_with_its_place(schema, text, message):
    violation = verdict(schema, [text])[1]
    assert violation is not None
    assert violation.message == message


def test_a_violation_names_path_keyword_and_offset():
    schema = {"properties": {"people": {"items": {"properties": {"age": {"maximum": 150}}}}}}
    text = '{"people": [{"age": 1}, {"age": 151}]}'
    _, violation = verdict(schema, list(text))
    assert violation is not None
    assert (violation.path, violation.rule, violation.at) == (
        ("people", 1, "age"),
        "maximum",
        text.index("}]}"),
    )


def test_the_first_violation_stays():
    checker = Checker({"items": {"type": "integer"}})
    first = checker.feed(PartialJson().feed('["a", "b"]'))
    assert first is not None
    assert checker.feed([Begin((), "null", 99)]) == first == checker.close()


def test_a_text_that_ends_early_is_no_json():
    checker = Checker({})
    assert checker.feed(PartialJson().feed('{"a": ')) is None
    violation = checker.close()
    assert violation is not None
    assert violation.rule == "json"


def test_edits_alone_are_enough():
    checker = Checker({"properties": {"a": {"type": "integer"}}})
    edits = [Begin((), "object", 0), Name((), "a", 2, whole=True), Begin(("a",), "number", 5)]
    assert (
        checker.feed([*edits, Grow(("a",), "1", 5), End(("a",), 1, 6), End((), {"a": 1}, 6)])
        is None
    )
    assert checker.close() is None


def test_schemas_may_refer_to_themselves():
    schema = {
        "$defs": {
            "A": {
                "anyOf": [
                    {"$ref": "#/$defs/A"},
                    {"allOf": [{"$ref": "#/$defs/A"}]},
                    {"type": "null"},
                ]
            }
        }
    }
    schema["$ref"] = "#/$defs/A"
    assert check(schema, None) is None
    assert check(schema, 1) is not None
    assert check({"$ref": "#"}, 1) is None


def test_nesting_has_no_end_for_the_checker():
    """A parser ends it; the checker itself must not, or a recursive union would be a crash."""
    checker = Checker(SCHEMAS["linked"])
    assert checker.feed([Begin((), "object", 0)]) is None
    for _ in range(3_000):
        deeper = [Name((), "next", 0, whole=True), Begin(("next",), "object", 0)]
        assert checker.feed(deeper) is None
    violation = checker.feed([Name((), "next", 0, whole=True), Begin(("next",), "string", 7)])
    assert violation is not None
    assert violation.at == 7


def test_the_time_is_linear_in_the_text():
    """Counted in edits kept: nothing of what has been checked stays, but the names of open objects."""
    checker = Checker(SCHEMAS["matrix"] | {"properties": {"rows": {"items": {"type": "number"}}}})
    reader = PartialJson()
    checker.feed(reader.feed('{"rows": ['))
    for _ in range(1000):
        assert checker.feed(reader.feed("1234,")) is None
    assert len(checker._frames) == 2


def test_older_drafts_are_read_as_what_they_mean():
    assert check({"items": [{"type": "null"}], "additionalItems": False}, [None, 1]) is not None
    assert check({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}, {"a": 1}) is not None
    assert check({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}, {"c": 1}) is not None
    assert (
        check(
            {"dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
            {"a": 1, "b": 2, "c": 3, "d": 4},
        )
        is None
    )


@pytest.mark.parametrize("keyword", ["unevaluatedProperties", "contentEncoding", "made-up"])
def test_unknown_keywords_ask_for_nothing(keyword: str):
    assert check({keyword: False, "pattern": "(?<bad"}, {"a": "b"}) is None


NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)
SMALL = st.integers(-20, 200) | st.sampled_from([0.5, -2.5, 0.01])


@given(NUMBERS, SMALL, SMALL, st.lists(SMALL, min_size=1, max_size=3))
def test_numbers_are_judged_by_their_exact_value_in_any_spelling(text, low, high, listed):
    number = Fraction(Decimal(text))
    exact = {each: Fraction(repr(each)) for each in (low, high, *listed)}
    rules = [
        ({"type": "integer"}, number.denominator == 1),
        ({"minimum": low}, number >= exact[low]),
        ({"exclusiveMinimum": low}, number > exact[low]),
        ({"maximum": high}, number <= exact[high]),
        ({"exclusiveMaximum": high}, number < exact[high]),
        ({"enum": listed}, number in {exact[each] for each in listed}),
        ({"type": "integer", "maximum": high}, number.denominator == 1 and number <= exact[high]),
        ({"type": "integer", "minimum": low}, number.denominator == 1 and number >= exact[low]),
    ]
    for schema, fits in rules:
        assert (verdict(schema, list(text))[1] is None) == fits, schema


def test_large_numbers_are_compared_as_they_are_written():
    assert verdict({"maximum": 10**30}, ["1" + "0" * 30])[1] is None
    assert verdict({"maximum": 10**30}, ["9" * 30 + ".5"])[1] is None
    assert verdict({"maximum": 10**30}, ["1" + "0" * 30 + ".5"])[1] is not None
    assert verdict({"multipleOf": 0.1}, ["0.3"])[1] is None
    assert verdict({"minimum": 0, "maximum": 5}, ["1e-999999999999"])[1] is None
    assert verdict({"maximum": 5}, ["1e+999999999999"])[1] is not None
    assert verdict({"maximum": -5}, ["-1" + "3" * 99 + "e999999999999"])[1] is None
    assert check({"type": "number"}, float("inf")) is None
    assert verdict({"multipleOf": 7}, ["1e-99999"])[1] is None  # too far to divide: let through


@pytest.mark.parametrize(
    "path, said", [((), "$"), (("a", 0, "b c"), '$.a[0]["b c"]'), (("é",), "$.é")]
)
def test_paths_are_shown_as_one_writes_them(path, said):
    assert show(path) == said
