"""Colours of saved code."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.widget.code import coloured


def marked(code: str, language: str) -> list[tuple[str, str]]:
    """(colour, text) of what is coloured; the text without its marks is the code."""
    found = coloured(code, language)
    assert found is not None
    assert html.unescape(re.sub(r"<[^>]*>", "", found)) == code
    spans = re.findall(
        r'<span style="[^"]*mirror-editor-(\w+)-color[^"]*">(.*?)</span>', found, re.DOTALL
    )
    return [(colour, html.unescape(text)) for colour, text in spans]


@pytest.mark.parametrize(
    ("language", "code", "expected"),
    [
        (
            "python",
            "@cache\ndef f(x):  # why\n    return f'a{x}' if x > 1.5 else None\n",
            [
                ("meta", "@cache"),
                ("keyword", "def"),
                ("def", "f"),
                ("comment", "# why"),
                ("keyword", "return"),
                ("string", "f'a{x}'"),
                ("keyword", "if"),
                ("number", "1.5"),
                ("keyword", "else"),
                ("number", "None"),
            ],
        ),
        ("py", '"""a # b\n""" x', [("string", '"""a # b\n"""')]),
        (
            "js",
            "let a = `x\n${b}`; // c",
            [("keyword", "let"), ("string", "`x\n${b}`"), ("comment", "// c")],
        ),
        ("rust", "fn f<'a>(c: &'a str) {}", [("keyword", "fn"), ("def", "f")]),
        ("sql", "SELECT 1 -- one", [("keyword", "SELECT"), ("number", "1"), ("comment", "-- one")]),
        ("json", '{"a": true}', [("string", '"a"'), ("number", "true")]),
    ],
)
def test_what_a_reader_looks_for_has_a_colour(language, code, expected):
    assert marked(code, language) == expected


@pytest.mark.parametrize("language", ["", "brainfuck", "text"])
def test_an_unknown_language_stays_plain(language):
    assert coloured("x = 1", language) is None


def test_very_long_code_stays_plain():
    assert coloured("x" * 20_001, "python") is None


@given(st.text(max_size=60), st.sampled_from(["python", "js", "c", "sh", "sql", "json", "yaml"]))
def test_any_text_keeps_every_character(code, language):
    marked(code, language)
