"""Markdown on a terminal: nothing waits, nothing stands twice, and what is whole is rendered."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sinks.screen import Screen

from ipyllm.events import Finish, ReasoningDelta, RefusalDelta, TextDelta, ToolCallStart
from ipyllm.run.batch import Batch
from ipyllm.run.pump import Run
from ipyllm.sinks.rewriting import Rewriting, renderer_for, rows
from ipyllm.sinks.terminal import TerminalSink
from ipyllm.testing import ScriptedSource

ANSWER = """\
# A title

Some **bold** words, long enough for a line that has to wrap at forty columns.

1. one
2. two

   still *two*

3. three

- a
-  b
+ c

```python
for x in y:

    pass
```
Right after it.

| a | b |
|---|---|
| 1 | 2 |

> quoted **so**

***

Last words
"""


def marked(source: str, columns: int) -> str:
    """A renderer that shows what it was given: every block between brackets, in other lines."""
    return "\n".join(["[", *source.split("\n"), "]"])


def fed(text: str, cuts=(), *, render=marked, columns: int = 40, lines: int = 100) -> Screen:
    screen = Screen(columns, lines)
    rewriting = Rewriting(screen, render, screen.size)
    ends = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    for begin, end in pairwise(ends):
        rewriting.feed(text[begin:end])
    rewriting.end()
    return screen


def blocks(text: str) -> list[str]:
    """What was rendered."""
    found: list[str] = []

    def render(source: str, _columns: int) -> str:
        found.append(source)
        return source

    fed(text, render=render)
    return found


def test_each_block_is_rendered_once_when_it_is_whole():
    """Lists are one block with what is between their items; a fence ends where it says."""
    title, words, _ = ANSWER.split("\n\n", 2)
    found = blocks(ANSWER)
    assert found[:2] == [title, words]
    assert [block.split("\n")[0] for block in found[2:]] == [
        "1. one",
        "```python",
        "Right after it.",
        "| a | b |",
        "> quoted **so**",
        "***",
        "Last words",
    ]
    assert "\n\n".join(found).replace("```\n\nRight", "```\nRight") + "\n" == ANSWER


def test_a_screen_shows_what_rich_makes_of_it():
    """No mark is left, and no word of it stands twice."""
    from ipyllm.sinks.rewriting import _rendered

    seen = fed(ANSWER, render=_rendered).text()
    for mark in ("**", "```", "|---|", "# A", "> q"):
        assert mark not in seen
    for words in (
        "A title",
        "bold",
        "still two",
        "pass",
        "Right after it.",
        "quoted",
        "Last words",
    ):
        assert seen.count(words) == 1, words


def test_every_letter_is_written_at_once():
    """Before its block is whole it is there as it came; spaces that begin a line are none."""
    screen = Screen()
    rewriting = Rewriting(screen, marked, screen.size)
    for end in range(1, len(ANSWER)):
        rewriting.feed(ANSWER[end - 1])
        if ANSWER[end - 1].strip():
            assert screen.shown[screen.row].endswith(ANSWER[end - 1])


@given(st.lists(st.integers(0, 10_000), max_size=40))
def test_any_cut_shows_the_same(cuts):
    """Where a stream is cut says nothing."""
    assert fed(ANSWER, cuts).text() == fed(ANSWER).text()


def test_by_letter_it_shows_the_same():
    """The worst cut."""
    assert fed(ANSWER, range(len(ANSWER))).text() == fed(ANSWER).text()


MORSELS = st.sampled_from(
    [
        *("\n", "\n\n", "a ", "word" * 12, "- ", "1. ", "```\n", "~~~", "    ", "木", "木" * 25),
        *("# ", "> ", "|", "é", "👨\u200d👩\u200d👧", "👍🏽" * 30, "-", "*"),
    ]
)


@given(
    st.lists(MORSELS, max_size=30).map("".join),
    st.lists(st.integers(0, 10_000), max_size=10),
    st.integers(3, 20),
    st.integers(8, 60),
)
def test_whatever_comes_nothing_is_lost_or_stands_twice(text, cuts, lines, columns):
    """Rewritten as it was, any text on any screen is as if it had only been written."""
    plain = Screen(columns, lines)
    plain.write(text)

    def same(source: str, _columns: int) -> str:
        return source

    seen = fed(text, cuts, render=same, columns=columns, lines=lines)
    assert seen.text() == plain.text()
    assert (seen.row, seen.column) == (plain.row, plain.column)


def test_what_is_higher_than_the_screen_stays_as_it_was_written():
    """Its beginning has scrolled away and cannot be taken back."""
    poem = "\n".join(f"line {number}" for number in range(20))
    screen = fed(f"{poem}\n\nEnd.", lines=10)
    assert screen.text() == f"{poem}\n\n[\nEnd.\n]"


def test_a_window_that_changed_its_size_keeps_what_it_has():
    """Nobody knows where its lines are now."""
    screen = Screen()
    rewriting = Rewriting(screen, marked, screen.size)
    rewriting.feed("One.")
    screen.columns = 20
    rewriting.feed("\n\nTwo.")
    rewriting.end()
    assert screen.text() == "One.\n\n[\nTwo.\n]"


@pytest.mark.parametrize(
    "text, columns, below",
    [
        ("", 10, 0),
        ("a", 10, 0),
        ("a" * 10, 10, 0),
        ("a" * 11, 10, 1),
        ("a\n", 10, 1),
        ("a" * 10 + "\n", 10, 1),
        ("a\n\nb" + "c" * 10, 10, 3),
        ("木" * 5, 10, 0),
        ("木" * 5 + "a", 10, 1),
        ("a" + "木" * 5, 10, 1),
        ("a" + "木" * 10, 10, 2),
        ("e\u0301" * 10, 10, 0),
        ("\ta", 10, 0),
        ("\ta\t木", 10, 1),
        ("a\u200db", 10, 0),
        ("👍🏽" * 9, 10, None),
    ],
)
def test_rows_are_counted_as_terminals_do(text, columns, below):
    """A full line wraps with the next letter; a wide letter does not fit into one column."""
    assert rows(text, columns) == below


def test_only_a_terminal_that_can_do_it_is_rewritten(monkeypatch):
    """Not a file, not a dumb terminal, not where colours are not wanted."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert renderer_for(Screen()) is not None
    assert renderer_for(io.StringIO()) is None
    monkeypatch.setenv("NO_COLOR", "1")
    assert renderer_for(Screen()) is None
    monkeypatch.delenv("NO_COLOR")
    for term in ("dumb", ""):
        monkeypatch.setenv("TERM", term)
        assert renderer_for(Screen()) is None


@pytest.fixture
def screen(monkeypatch) -> Screen:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "30")
    return Screen(60, 30)


def shown(screen: Screen, *events) -> str:
    run = Run(ScriptedSource([*events]), TerminalSink(screen))
    run.start()
    run.settle(run.pump(), "")
    return screen.text()


def test_a_whole_run_is_rendered_and_its_thoughts_are_not(screen):
    """Reasoning, the answer in two parts around a call, and the last line: each where it came."""
    events = [
        ReasoningDelta("**hm**"),
        TextDelta("One **"),
        TextDelta("bold**\n\n- a\n"),
        ToolCallStart(0, "c", "f"),
        TextDelta("## Two"),
        RefusalDelta(" *no*"),
        Finish("stop"),
    ]
    seen = shown(screen, *events)
    assert seen.startswith("**hm**\n\nOne bold\n\n • a\n")
    assert "→ f" in seen
    assert seen.index("→ f") < seen.index("Two no") < seen.index("[scripted/model")


def test_without_rich_it_stays_plain(screen, monkeypatch):
    """It is no dependency of ours."""
    monkeypatch.setattr("ipyllm.sinks.rewriting.find_spec", lambda _name: None)
    assert shown(screen, TextDelta("**so**"), Finish("stop")).startswith("**so**\n[")


def test_beside_a_prompt_it_stays_plain(screen):
    """`--bg`: what is written back may be the prompt's line by then."""
    run = Run(
        ScriptedSource([TextDelta("**so**"), Finish("stop")]), TerminalSink(screen, background=True)
    )
    run.start()
    run.settle(run.pump(), "")
    assert screen.text().startswith("**so**\n[")


def test_an_interrupted_block_stays_as_it_was_written(screen):
    """The terminal's own ^C stands in it."""
    seen = shown(screen, TextDelta("**one**\n\n**two"), Finish("interrupted"))
    assert seen.startswith("one\n\n**two\n[scripted/model")


def test_an_answer_that_never_opened_a_view_is_plain(screen):
    """A sink that is not the main thread's only writes."""
    sink = TerminalSink(screen)
    sink.emit(Batch((("text", "**so**"),)))
    assert screen.text() == "**so**"
