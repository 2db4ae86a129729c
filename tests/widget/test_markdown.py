"""Markdown to HTML, block by block: the same as all at once, and safe."""

from __future__ import annotations

import re

import pytest
from attacks import ATTACKS
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyllm.widget.markdown import BlockRenderer, parser

CORPUS = {
    "paragraphs": "One.\n\nTwo,\nstill two.\n\n\n\nThree.",
    "headings": "# A\ntext\n## B\n\nC\n===\nD\n---\nE",
    "tight list": "- a\n- b\n  - c\n  - d\n- e\n\ntext",
    "loose list": "- a\n\n- b\n\n  more b\n\n\n- c\ntext after",
    "ordered lists": "1. a\n2. b\n\n1) c\n\n7. d\ntext\n\n8. e",
    "two kinds of bullets": "- a\n- b\n\n* c\n* d\n\n+ e",
    "code": "text\n\n```python\ndef f():\n\n    return 1\n```\n\nafter\n\n~~~\n```\n~~~",
    "open code": "text\n\n```\na\n\nb\n\n# no heading",
    "indented code": "text\n\n    code\n\n    more\n\ntext\n    no code",
    "code in a list": "1. a\n\n   ```\n   x\n\n   y\n   ```\n\n2. b",
    "quotes": "> a\n> b\nlazy\n\n> c\n>\n> - d\n\ntext",
    "table": "before\n| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 |\n\nafter",
    "table at once": "| a |\n|---|\ntext\n# x",
    "rules": "a\n\n---\n\n***\nb\n___\n",
    "inline": "*a* **b** `c` ~~d~~ [e](https://x.y/z) <https://x.y> \\* &amp; &copy; a  \nb",
    "definition before": "[x]: https://a.b\n\n[x] and\n\n[x] again",
    "definition after": "[x] and\n\ntext\n\n[x]: https://a.b 'title'",
    "definition of several lines": "[x] and [a b]\n\ntext\n\n[x]:\nhttps://a.b\n'title'\n\n[a\nb]: https://c.d\n",
    "definition in a list": "[x]\n\ntext\n\n-\t[x]: https://a.b\n\n> [y]: https://c.d\n\n[y]",
    "definition with brackets": "[a\\]b]\n\ntext\n\n[a\\]b]: https://a.b\n",
    "html": "a <b>x</b>\n\n<div>\n\n**y**\n\n</div>\n\n<!-- c -->\n\n<script>alert(1)</script>",
    "CRLF": "# A\r\n\r\n- a\r\n- b\r\n\r\ntext\r\nmore\r\n\r\nend",
    "CR": "# A\r\r- a\r- b\r\rtext\rmore\r\rend\n\nx\n\ny",
    "tabs and nulls": "a\tb\n\n\tcode\n\n-\tc\n\nd\x00e",
    "blank start": "\n\n\n  text\n\nmore",
    "unicode": "é 🙂 \u2028 x\n\n\u0085y\n\n\u3000z",
    "setext after a long paragraph": "a\n\nb\nc\n\nd\ne\n===\n\nf",
}


def rendered(source: str, pieces: list[str], window: int) -> str:
    assert "".join(pieces) == source
    renderer = BlockRenderer(window)
    for piece in pieces:
        renderer.feed(piece)
    return renderer.html()


def at_once(source: str) -> str:
    html: str = parser().render(source)
    return html


@pytest.mark.parametrize("window", [1, 8, 40])
@pytest.mark.parametrize("source", CORPUS.values(), ids=CORPUS)
def test_block_by_block_is_the_same_as_at_once(source, window):
    """Whole, or a character at a time, with any window."""
    assert rendered(source, [source], window) == at_once(source)
    assert rendered(source, list(source), window) == at_once(source)


@given(st.permutations(list(CORPUS.values())), st.integers(1, 60), st.integers(1, 30))
@settings(max_examples=30)
def test_documents_in_a_row_are_the_same_as_at_once(sources, window, step):
    """Any documents one after the other, in any pieces."""
    source = "\n\n".join(sources[:4])
    pieces = [source[i : i + step] for i in range(0, len(source), step)]
    assert rendered(source, pieces, window) == at_once(source)


_MORSELS = [
    "a",
    "b ",
    "\n",
    "\n\n",
    "- ",
    "* ",
    "1. ",
    "2) ",
    "> ",
    "    ",
    "  ",
    "\t",
    "# ",
    "```",
    "~~~",
    "---",
    "===",
]
_MORSELS += [
    "|",
    "|-|",
    "| a | b |\n|---|---|\n",
    "[x]",
    "[x]: /u",
    "[a\nb]",
    "]:",
    "[",
    "(",
    ")",
    "`",
    "**",
    "_",
    "<b>",
    "</b>",
]
_MORSELS += ["\r", "\r\n", "!", "\\", "&amp;", "🙂", "~~", "'t'", ":", "\x00"]


@given(st.lists(st.sampled_from(_MORSELS), max_size=40), st.integers(1, 30))
@settings(max_examples=400)
def test_any_markdown_is_the_same_as_at_once(pieces, window):
    """However blocks meet, cutting between them changes nothing."""
    source = "".join(pieces)
    assert rendered(source, pieces, window) == at_once(source)


def test_html_can_be_asked_for_in_between():
    """What is shown early does not disturb what comes."""
    renderer = BlockRenderer(1)
    for piece in ["# A\n\n", "te", "xt\n\n- a", "\n"]:
        renderer.feed(piece)
        renderer.html()
    assert renderer.html() == at_once("# A\n\ntext\n\n- a\n")


def test_a_long_answer_is_parsed_once(monkeypatch):
    """The end of a long answer costs no more than its last block."""
    renderer = BlockRenderer(1000)
    parsed = 0
    parse = renderer._md.parse

    def counted(source, env=None):
        nonlocal parsed
        parsed += len(source)
        return parse(source, env)

    monkeypatch.setattr(renderer._md, "parse", counted)
    source = "A paragraph of some words.\n\n" * 2000
    for i in range(0, len(source), 20):
        renderer.feed(source[i : i + 20])
    before = parsed
    renderer.html()
    assert parsed < 3 * len(source)
    assert parsed - before < 3000


def test_an_open_block_of_any_length_is_looked_at_a_few_times(monkeypatch):
    """One block of code of 100 kB is no quadratic cost."""
    renderer = BlockRenderer(1000)
    parsed = 0
    parse = renderer._md.parse

    def counted(source, env=None):
        nonlocal parsed
        parsed += len(source)
        return parse(source, env)

    monkeypatch.setattr(renderer._md, "parse", counted)
    source = "```\n" + "line of code\n" * 8000
    for i in range(0, len(source), 20):
        renderer.feed(source[i : i + 20])
    renderer.html()
    assert parsed < 6 * len(source)


@pytest.mark.parametrize("source", ATTACKS)
def test_nothing_a_model_writes_is_executed(source):
    """No tag of its own, no scheme that runs, no attribute that was not ours."""
    html = at_once(source)
    tags = re.findall(r"<[^>]*>", html)
    names = "a blockquote br code em h1 li ol p pre span strong table tbody td th thead tr ul"
    assert {tag.split()[0].strip("</>") for tag in tags} <= set(names.split())
    for tag in tags:
        assert not re.search(r"\son\w+\s*=", re.sub(r'"[^"]*"', '""', tag))
        href = re.search(r'href="([^"]*)"', tag)
        assert href is None or re.match(r"https?:|mailto:|/|y$", href[1])


def test_images_are_links():
    """A picture's address, written by a model, is a way to send data out: nothing is loaded."""
    html = at_once("![a *b*](https://x.y/z?secret=1)")
    assert "<img" not in html
    assert 'href="https://x.y/z?secret=1"' in html
    assert "(https://x.y/z?secret=1)" in html


def test_links_open_a_page_of_their_own():
    """And that page knows nothing of the notebook."""
    html = at_once("[x](https://a.b 'T') [rel](/a) [anchor](#b)")
    assert html.count('rel="noopener noreferrer" target="_blank"') == 3
    assert 'href="https://a.b" title="T"' in html


def test_formulas_are_kept_and_prices_are_text():
    """Delimiters and all, for JupyterLab to typeset."""
    html = at_once("$a_1*b*c_1$, \\(x_1 _y_\\), $5 *and* $6\n\n$$\nx\n= y\n- z\n$$\n")
    assert "$a_1*b*c_1$, \\(x_1 _y_\\), $5 <em>and</em> $6" in html
    assert "<p>$$\nx\n= y\n- z\n$$</p>" in html


def test_code_is_coloured_and_its_text_is_the_same():
    """Inline styles, with JupyterLab's colours where it has them."""
    html = at_once("```python\ndef f(): # <b>\n    return 'x'\n```\n")
    assert 'color:var(--jp-mirror-editor-keyword-color,#1a7f37)">def</span>' in html
    assert re.sub(r"<[^>]*>", "", html) == "def f(): # &lt;b&gt;\n    return 'x'\n\n"


@pytest.mark.parametrize("language", ["nothing-known", '"><img src=x onerror=alert(1)>', ""])
def test_code_of_no_known_language_stays_plain(language):
    html = at_once(f"```{language}\nx < 1\n```\n")
    assert "x &lt; 1" in html
    assert "<span" not in html
    assert "<img" not in html
