"""Tool calls as cards that stay."""

from __future__ import annotations

import re
from html import unescape
from typing import get_args

import pytest
from html_check import check, said
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.widget.calls import CallState, Card, cards

WEATHER = '{"city": "Berlin", "days": [1, {"a": null}]}'
TRACEBACK = "Traceback (most recent call last):\n  File x\nKeyError: 'Atlantis'\n"


def line(html: str) -> str:
    return said(re.sub(r"</summary>.*", "", html, flags=re.DOTALL))


def test_the_line_has_the_name_and_the_arguments_as_one_would_write_them():
    """And a glyph, and the time it took."""
    html = check(cards([Card("get_weather", WEATHER, seconds=0.018)]))
    assert line(html) == '✓ get_weather city="Berlin", days=[1, {"a": null}] 18 ms ▾'


@pytest.mark.parametrize("state", get_args(CallState))
def test_no_state_is_told_by_colour_alone(state):
    """Each has a glyph, and all but the usual one a word."""
    html = check(cards([Card("f", "{}", state)]))
    others = {
        line(cards([Card("f", "{}", other)])) for other in get_args(CallState) if other != state
    }
    assert line(html) not in others


def test_arguments_are_a_tree():
    """In the card."""
    text = said(check(cards([Card("f", WEATHER)])))
    assert 'city : "Berlin" days 2 items 0 : 1' in text


def test_what_it_gave_is_rendered_as_markdown():
    """Safely: an image is a link, HTML is text."""
    result = "**11.5**\n\n```py\nx = 1\n```\n\n<b>no</b>"
    html = cards([Card("f", "{}", result=result, round=2)])
    assert "<strong>11.5</strong>" in html
    assert "&lt;b&gt;no" in html
    assert "<pre><code" not in html
    assert "round 2" in line(html)


def test_of_a_traceback_the_last_line_is_always_seen():
    """The rest is folded."""
    html = check(cards([Card("f", "{}", "failed", error=TRACEBACK)]))
    assert line(html) == "✕ f failed ▾ KeyError: 'Atlantis'".replace("✕", "\N{MULTIPLICATION X}")
    assert "Traceback (most recent call last):" in unescape(html)
    assert "<details open" not in html


def test_one_line_of_error_is_said_once():
    """There is nothing to fold."""
    assert cards([Card("f", "{}", "failed", error="no such tool")]).count("no such tool") == 1


def test_cards_stand_in_their_order():
    """One after another."""
    html = check(cards([Card("one"), Card("two")]))
    assert html.index("one") < html.index("two")
    assert html.count("no arguments") == 2


def test_arguments_that_are_not_whole_are_shown_as_far_as_they_came():
    """And what is no JSON as it is."""
    assert 'a="x"' in line(cards([Card("f", '{"a": "x', "interrupted")]))
    assert "oh no" in said(check(cards([Card("f", '{"a": oh no')])))
    assert line(check(cards([Card("f", "oh no")]))) == "✓ f oh no ▾"


def test_long_arguments_and_results_are_cut():
    """With a word that says so; all of the arguments stand below."""
    text = '{"code": "' + "x" * 50_000 + '"}'
    html = check(cards([Card("run", text, result="word " * 10_000)]))
    assert "48,000 more characters" in said(html)
    assert text in unescape(html)
    assert "30,000 more characters" in said(html)


def test_names_arguments_and_errors_are_text():
    """Nothing of a model or a function is HTML, and nothing of a name is unseen."""
    evil = "<img src=x onerror=alert(1)>"
    html = cards([Card(f"{evil}\u202e", f'{{"{evil}": "{evil}"}}', "failed", evil, evil)])
    assert "<img" not in html
    assert "\\u202e" in html


def test_a_call_nobody_here_makes_says_no_more_than_that_it_was_asked_for():
    """Its arguments are whole: only those that are not are said to be."""
    assert "not whole" not in line(check(cards([Card("f", WEATHER, "arguments")])))
    assert "not whole" in line(check(cards([Card("f", '{"a": 1', "arguments")])))


@given(st.text(), st.text(), st.none() | st.text(), st.none() | st.text())
def test_any_call_can_be_shown(name, arguments, result, error):
    """Well-formed, and safe to send."""
    html = cards([Card(name, arguments, "failed", result, error)])
    html.encode()
    assert html.count("<details") == html.count("</details>")
