"""The JSON of a typed answer is found among prose and fences, wherever the text is cut."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.structured.json_in_text import JsonInText, Root

VALUE = (
    '{"name": "Ada", "born": {"year": 1815}, "says": "a } in \\"quotes\\" ``` [x", "list": [{}]}'
)
NONE = "There is no JSON in `this` <b>text</b> {at all}."
CASES: list[tuple[str, str, str, str]] = [
    ("alone", VALUE, "", VALUE),
    ("white space around", f" \n{VALUE}\n", " \n\n", VALUE),
    ("words before", f"Here it is:\n{VALUE}", "Here it is:\n", VALUE),
    ("words after", f"{VALUE}\nThat is all.", "\nThat is all.", VALUE),
    ("in a fence", f"```json\n{VALUE}\n```", "", VALUE),
    ("in a fence with words", f"So:\n```json\n{VALUE}\n```\nok", "So:\n\nok", VALUE),
    ("in a fence without a name", f"```\n{VALUE}\n```", "", VALUE),
    ("in a fence with capitals", f"``` JSON \r\n{VALUE}\r\n```\r\n", "\r\n", VALUE),
    ("in a longer fence", f"````json\n{VALUE}\n````", "", VALUE),
    ("in a fence that is not closed", f"```json\n{VALUE}", "", VALUE),
    ("words and no closing fence", f"```json\n{VALUE}\nok", "\nok", VALUE),
    ("in a span", f"`{VALUE}`", "``", VALUE),
    (
        "after a thought",
        f'<think>{{"a": 1}}?</think>\n{VALUE}',
        '<think>{"a": 1}?</think>\n',
        VALUE,
    ),
    ("after a placeholder", f"Use {{name}}: {VALUE}", "Use {name}: ", VALUE),
    ("after set notation", f"{{x | x > 0}} {{ y }} {VALUE}", "{x | x > 0} { y } ", VALUE),
    ("after a span", f'As `{{"a": 1}}` said: {VALUE}', 'As `{"a": 1}` said: ', VALUE),
    (
        "after other code",
        f'```py\nx = {{"a": 1}}\n```\n{VALUE}',
        '```py\nx = {"a": 1}\n```\n',
        VALUE,
    ),
    ("after a list", f"[1, 2] and [] {VALUE}", "[1, 2] and [] ", VALUE),
    (
        "a comment in the fence",
        f"```json\n// x\n{VALUE}\n```\nok",
        "```json\n// x\n\n```\nok",
        VALUE,
    ),
    ("the first of two counts", '{"a": 1} {"b": 2}', ' {"b": 2}', '{"a": 1}'),
    ("an empty object", "It is { }.", "It is .", "{ }"),
    ("pretty", '{\n  "a": [\n    1\n  ]\n}\n', "\n", '{\n  "a": [\n    1\n  ]\n}'),
    ("cut off", 'So: {"a": [1, "b', "So: ", '{"a": [1, "b'),
    ("cut off in a fence", '```json\n{"a": [1, "b\n```\nok', "\nok", '{"a": [1, "b'),
    ("cut off at the bracket", "So: {", "So: {", ""),
    ("cut off in the fence's line", "So: ```js", "So: ```js", ""),
    ("none", NONE, NONE, ""),
    ("a thought that never ends", '<think>{"a": 1}', '<think>{"a": 1}', ""),
    ("nothing", "", "", ""),
    ("umlauts", '{"ä": "ö 🌦️"} ✓', " ✓", '{"ä": "ö 🌦️"}'),
]
ARRAYS: list[tuple[str, str, str, str]] = [
    ("alone", '[{"a": [1]}, "]"]', "", '[{"a": [1]}, "]"]'),
    ("in a fence", "So:\n```json\n[1, 2]\n```", "So:\n", "[1, 2]"),
    ("empty", "It is [ ].", "It is .", "[ ]"),
    ("words", "[true, null]", "", "[true, null]"),
    ("after a link", "[note](x) and [x] {a} [-1.5]", "[note](x) and [x] {a} ", "[-1.5]"),
    ("an object is none", '{"a": "b"}', '{"a": "b"}', ""),
]
ALL: list[tuple[Root, str, str, str, str]] = [("object", *case) for case in CASES]
ALL += [("array", *case) for case in ARRAYS]


def told(root: Root, pieces: Iterable[str]) -> tuple[str, str]:
    """The prose and the JSON."""
    found = JsonInText(root)
    out = [pair for piece in pieces for pair in found.feed(piece)] + found.close()
    assert all(text for _, text in out)
    return tuple(
        "".join(text for kind, text in out if kind == wanted) for wanted in ("prose", "json")
    )


@pytest.mark.parametrize("root, label, text, prose, value", ALL, ids=lambda v: str(v)[:24])
def test_prose_and_json(root, label, text, prose, value):
    """Whole, character by character, and cut in two anywhere."""
    assert told(root, [text]) == (prose, value)
    assert told(root, text) == (prose, value)
    for at in range(len(text)):
        assert told(root, [text[:at], text[at:]]) == (prose, value), at


def test_the_value_comes_as_it_is_written():
    found = JsonInText()
    assert found.feed("So:\n```json\n") == [("prose", "So:\n")]
    given = [found.feed(char) for char in '{"a": 1']
    assert given == [[], [("json", '{"')], *([("json", char)] for char in 'a": 1')]


def test_what_cannot_be_the_value_is_shown_at_once():
    found = JsonInText()
    assert found.feed("Use {") == [("prose", "Use ")]
    assert found.feed("n") == [("prose", "{n")]


MORSELS = [
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    "`",
    "```",
    "json",
    "\n",
    " ",
    "<think>",
    "</think>",
    "a",
    ":",
    "1",
]
texts = st.lists(st.sampled_from([*MORSELS, '{"a": ', "```json\n"]), max_size=16).map("".join)


@given(texts, st.data(), st.sampled_from(["object", "array"]))
def test_any_text_any_cut(text, data, root):
    whole = told(root, [text])
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    assert told(root, pieces) == whole
    assert told(root, text) == whole


value = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.text(max_size=4), value, max_size=3), st.sampled_from([None, 2]))
def test_any_object_in_a_fence_is_found_whole(wanted, indent):
    raw = json.dumps(wanted, indent=indent, ensure_ascii=False)
    assert told("object", f"Here:\n```json\n{raw}\n```\nok") == ("Here:\n\nok", raw)


@pytest.mark.parametrize("unit", ["word ", "{", "`", "```\n", '{"a": ', "<think>", "\\", "[", "\n"])
def test_no_text_takes_long(unit):
    text = unit * (60_000 // len(unit))
    assert told("object", text) == told("object", [text])
