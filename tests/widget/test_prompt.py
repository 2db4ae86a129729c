"""What was sent, as HTML."""

from __future__ import annotations

import pytest
from attacks import ATTACKS
from html_check import check, said

from ipyllm.magic.interpolate import filled
from ipyllm.magic.reading import Names
from ipyllm.widget.prompt import LONG, MAX_SHOWN, prompt_html

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def preview(text, **names):
    return check(filled(text, Names(names)).preview())


def test_the_text_is_shown_with_its_values():
    """All of it, in order."""
    assert said(preview("Dear {name}, <b> & {n}!", name="Ann", n=3)) == "Dear Ann , <b> & 3 !"


def test_a_long_value_is_folded_below_its_name():
    """A short one is not."""
    assert "<details" not in preview("{v}", v="x" * LONG)
    html = preview("a {v} b", v="x" * (LONG + 1))
    assert html.count("<details") == 1
    assert f"v 401 characters {'x' * 401} b" in said(html)


def test_of_a_giant_value_the_beginning_is_shown():
    """And how much more there is."""
    html = preview("{v}", v="x" * (MAX_SHOWN + 1234))
    assert "… 1,234 more characters" in said(html)
    assert len(html) < MAX_SHOWN + 2000


def test_a_picture_is_said_where_it_stands():
    """With its name, its kind and its size."""
    parts = [{"type": "text", "text": "See "}, IMAGE, {"type": "text", "text": "now"}]
    assert said(check(prompt_html(parts, [(4, 4, "fig")]))) == "See fig: image/png, 3 bytes now"
    assert said(check(prompt_html([IMAGE]))) == "image/png, 3 bytes"


def test_values_after_a_picture_keep_their_places():
    """Places count the text of all parts."""
    parts = [{"type": "text", "text": "a1"}, IMAGE, {"type": "text", "text": "b2c"}]
    html = check(prompt_html(parts, [(1, 2, "x"), (2, 2, "fig"), (3, 4, "y")]))
    assert said(html) == "a 1 fig: image/png, 3 bytes b 2 c"


def test_hints_are_below():
    """With their code as code."""
    html = preview("{pirce}", price=1)
    assert said(html).endswith(
        "{pirce} was left as it is: there is no pirce ; did you mean price ?"
    )
    assert "`" not in html


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_in_a_prompt_becomes_html(attack):
    """Not in its text, a value, a long value, a name or a hint."""
    # As text it costs the sanitizer nothing, and `check` cannot tell.
    attack = attack.replace("background:", "ground:")
    long = attack * (LONG // len(attack) + 1)
    preview(attack + "{v}{w}", v=attack, w=long)
    parts = [{"type": "text", "text": long}, {"type": "image_url", "image_url": {"url": attack}}]
    html = check(prompt_html(parts, [(0, len(long), attack)], [attack, f"`{attack}`"]))
    assert "<script" not in html
    assert "<img" not in html


def test_half_a_pair_can_be_written():
    """It is replaced."""
    assert "\N{REPLACEMENT CHARACTER}" in preview("\ud83d {v}", v="\ude00")
