"""`{name}` in a prompt, where `name` is a variable of the notebook."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.magic.interpolate import interpolate

NAMES = {
    "x": 42,
    "text": "a {x} b",
    "größe": "groß",
    "_1": "one",
    "nothing": None,
    "empty": "",
    "math": math,
    "f": lambda: 1,
    "kind": int,
    "_secret": "hidden",
    "__name__": "__main__",
}

CASES = {
    "a variable": ("{x} apples", "42 apples"),
    "twice": ("{x}{x}", "4242"),
    "what is put in is not looked at again": ("<{text}>", "<a {x} b>"),
    "any script": ("{größe}", "groß"),
    "None and empty": ("{nothing}{empty}", "None"),
    "an underscore": ("{_1}", "one"),
    "doubled braces": ("{{x}}", "{x}"),
    "doubled braces of no variable": ("{{y}}", "{{y}}"),
    "an unknown name": ("{y}", "{y}"),
    "JSON": ('{"x": 1}', '{"x": 1}'),
    "code": ("def f(): { return x; }", "def f(): { return x; }"),
    "a set": ("{x, y}", "{x, y}"),
    "a format": ("{x:>5} {x!r} {x.real}", "{x:>5} {x!r} {x.real}"),
    "spaces": ("{ x }", "{ x }"),
    "a number": ("{0}", "{0}"),
    "nothing in braces": ("{}", "{}"),
    "a module, a function, a type": ("{math}{f}{kind}", "{math}{f}{kind}"),
    "Python's own names": ("{__name__}", "{__name__}"),
    "a hidden name": ("{_secret}", "{_secret}"),
    "an open brace": ("{x", "{x"),
    "LaTeX": (r"\frac{a}{b}", r"\frac{a}{b}"),
}


@pytest.mark.parametrize("prompt, sent", CASES.values(), ids=CASES)
def test_a_prompt_is_filled_in(prompt, sent):
    """Live variables and nothing else."""
    assert interpolate(prompt, NAMES, hidden={"_secret"}) == sent


@given(st.text(), st.dictionaries(st.text(max_size=3), st.integers(), max_size=3))
def test_any_prompt_can_be_filled_in(text, names):
    """Without variables it stays as it is."""
    interpolate(text, names)
    assert interpolate(text, {}) == text
