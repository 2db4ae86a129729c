"""A typed answer as HTML that stays."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from html_check import check, said
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.widget.json_text import compact
from ipyllm.widget.value import value_html

ADA = '{"name": "Ada", "born": {"year": 1815}, "langs": ["a", "b"], "none": [], "is": null'
ROWS = [
    {"city": "Tokyo", "people": 37, "big": True},
    {"city": "Delhi", "people": None, "river": "Yamuna"},
]


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr.*?</tr>", html, re.DOTALL)
    return [
        [unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in rows
    ]


def test_an_object_is_a_tree():
    """A row a member, what is in lists and objects folded open with its count."""
    html = check(value_html(ADA + "}"))
    assert said(html) == (
        '5 fields name : "Ada" born 1 field year : 1815 langs 2 items 0 : "a" 1 : "b" none [] is : null'
    )
    assert html.count("<details open") == 2


def test_flat_objects_are_a_table():
    """In a list, or as an object's only member."""
    for value in (ROWS, {"value": ROWS}):
        html = check(value_html(json.dumps(value)))
        assert cells(html) == [
            ["city", "people", "big", "river"],
            ["Tokyo", "37", "true", ""],
            ["Delhi", "null", "", "Yamuna"],
        ]
        assert said(html).startswith("2 rows")


@pytest.mark.parametrize(
    "value", [{"a": 1}, {"value": [1]}, [{"a": {"b": 1}}], {"rows": [{"a": 1}], "n": 1}, [], 7]
)
def test_anything_else_is_a_tree(value):
    """A table is of rows."""
    assert "<table" not in check(value_html(json.dumps(value)))


def test_a_later_row_that_is_not_flat_has_its_json():
    """In its cell."""
    html = check(value_html('[{"a": 1}, {"a": {"b": [1, "\\u0000"]}}, [2, null]]'))
    assert cells(html) == [["a", ""], ["1", ""], ['{"b": [1, "\\u0000"]}', ""], ["", "[2, null]"]]


def test_numbers_stand_at_the_right():
    """With what stands in their place."""
    html = value_html(json.dumps(ROWS))
    assert len(re.findall("text-align:right", html)) == 3


def test_times_are_seen_beside_what_came_then():
    """Seconds since the request."""
    times = {("name",): 0.42, ("born",): 1.5, ("born", "year"): 1.234}
    text = said(check(value_html(ADA, times=times)))
    assert 'name : "Ada" 0.42 s born 1 field 1.50 s year : 1815 1.23 s' in text


def test_a_list_of_many_has_no_times():
    """They would be a column of noise."""
    text = json.dumps({"n": list(range(20))})
    html = value_html(text, times={("n",): 0.5, ("n", 3): 0.4})
    assert "0.50 s" in html
    assert "0.40 s" not in html


def test_the_place_that_failed_is_marked():
    """With why, in the tree and in the table."""
    html = check(value_html(ADA, failed=(("born", "year"), "not a <date>")))
    assert re.search(r"border-left[^>]*>(<[^>]*>)*year", html)
    assert "1815 \N{MULTIPLICATION X} not a <date>" in said(html)
    html = check(value_html(json.dumps(ROWS), failed=((1, "people"), "not a number")))
    assert re.search(r"outline:1px[^>]*>null", html)
    assert said(html).endswith("[1].people: not a number")


def test_a_failure_whose_place_never_came_is_told_below():
    """Nothing is lost."""
    assert said(value_html(ADA, failed=(("died",), "missing"))).endswith("missing")


def test_a_string_that_is_not_whole_has_no_closing_quote():
    """One sees that it was cut off."""
    assert said(value_html('{"a": "x", "b": "y')) == '2 fields a : "x" b : "y'


def test_what_is_no_json_is_shown_as_it_is():
    """After what could be read."""
    assert said(check(value_html('{"a": 1, "b": <i>x</i>'))) == "1 field a : 1 <i>x</i>"
    assert said(check(value_html("I cannot"))).endswith("I cannot")


@pytest.mark.parametrize(
    "value, word",
    [
        ({"text": "x" * 100_000}, "98,000 more characters"),
        ({"n": list(range(5000))}, "4,701 more"),
        ([{"n": n} for n in range(5000)], "the first 300 of 5,000 rows"),
        ([{"n": "x" * 1000}], "700 more characters"),
        ([{f"c{n}": n for n in range(80)}], "1 row"),
    ],
)
def test_of_long_values_the_beginning_is_shown_and_all_is_below(value, word):
    """Folded, as it came."""
    text = json.dumps(value)
    html = check(value_html(text))
    assert word in said(html)
    shown, raw = html.rsplit("JSON, whole", 1)
    assert text in unescape(raw)
    assert len(shown) < 700_000


def test_what_is_short_is_not_said_twice():
    """No folded block."""
    assert "JSON, whole" not in value_html(ADA)


def test_names_and_values_are_text():
    """Nothing a model writes is HTML."""
    evil = '<img src=x onerror="alert(1)">&\'"'
    for value in ({evil: evil, "l": [evil]}, [{evil: evil}]):
        html = check(value_html(json.dumps(value)))
        assert "<img" not in html


def test_half_a_surrogate_pair_can_be_sent():
    """As the mark for what is no character."""
    assert "\N{REPLACEMENT CHARACTER}" in check(value_html('{"\\ud800": "\\udc00", "l": ["\\ud83d'))
    assert "\U0001f600" in check(value_html('["\\ud83d\\ude00"]'))


def test_deep_values_stand_in_one_line_in_the_end():
    """Boxes in boxes end somewhere."""
    html = check(value_html("[" * 150 + "]" * 150))
    assert html.count("<details") == 31
    assert "[[[[" in html


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.integers(0, 200))
def test_any_part_of_any_json_can_be_shown(value, at):
    """Well-formed, and safe to send."""
    check(value_html(json.dumps(value)[:at]))


@given(json_values.filter(lambda value: not isinstance(value, str)))
def test_a_line_of_json_means_the_same(value):
    """Unless something in it cannot be seen."""
    assert json.loads(compact(value)) == value
