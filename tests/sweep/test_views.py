"""What a grid looks like: table, picture, comparison, data frame."""

from __future__ import annotations

import sys
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.errors import UsageError
from ipyllm.sweep.diff import diff
from ipyllm.sweep.frame import COLUMNS, frame
from ipyllm.sweep.plot import plot
from ipyllm.sweep.row import Result, Row
from ipyllm.sweep.table import SHOWN, Standing, table, words

EVIL = "</pre><script>alert(1)</script>\"'&"


def row(index: int = 0, text: str = "", *, model: str = "m/a", **numbers) -> Row:
    made = Row(index, f"prompt {index}", {"x": index}, model, {"t": 0}, 0)
    made.settle(Result(numbers.pop("state", "done"), text, **numbers))
    return made


def standing(rows: list[Row], **more) -> Standing:
    states = {state: sum(r.state == state for r in rows) for state in {r.state for r in rows}}
    return Standing("abc", states, **more)


def test_everything_that_comes_from_elsewhere_is_escaped():
    """Prompt, variables, model, parameters, text, error."""
    bad = Row(0, EVIL, {EVIL: EVIL}, EVIL, {EVIL: EVIL}, 1)
    bad.settle(Result("failed", EVIL, error=EVIL, ttft=0.1, decode_rate=5.0))
    other = row(1, EVIL, model=EVIL, ttft=0.2)
    rows = [bad, other]
    for html in (
        table(rows, standing(rows, note=EVIL), live=False),
        plot(rows)._repr_html_(),
        diff(rows, 0, 1)._repr_html_(),
    ):
        assert "<script" not in html
        assert "&lt;/pre&gt;&lt;script&gt;" in html
        ET.fromstring(html.replace("<br>", "<br/>"))


def test_many_rows_are_not_all_shown_and_the_table_says_so():
    """Those that run or failed are among those that are."""
    rows = [row(n, "text") for n in range(500)]
    rows[499].settle(Result("failed", error="E: broken"))
    html = table(rows, standing(rows), live=False)
    assert html.count("<tr") == SHOWN + 1
    assert "E: broken" in html
    assert "300 more rows are not shown" in html
    live = table(rows, standing(rows), live=True)
    assert live.count("<tr") == 101
    assert "E: broken" in live


def test_a_long_answer_is_cut_in_the_table_alone():
    """A table of megabytes would be sent four times a second."""
    rows = [row(n, "word " * 5000) for n in range(300)]
    assert len(table(rows, standing(rows), live=True)) < 200_000
    assert len(rows[0].text) == 25_000


def test_the_script_that_keeps_rows_open_is_gone_at_the_end():
    rows = [row(0, "text")]
    assert "<script>" in table(rows, standing(rows), live=True)
    assert "<script>" not in table(rows, standing(rows), live=False)


def test_without_times_two_runs_look_alike():
    """Nbval compares outputs."""
    one, other = [row(0, "x", ttft=0.1, decode_rate=3.0)], [row(0, "x", ttft=0.2)]
    shown = [
        table(r, standing(r, elapsed=r[0].ttft), live=False, timed=False) for r in (one, other)
    ]
    assert shown[0] == shown[1]
    assert words(one, standing(one), timed=False) == "1 row · 1 done"


def test_the_headline_says_what_it_cost_and_what_is_left():
    """Rows from the file were paid for before."""
    rows = [row(0, tokens=30, input_tokens=7, estimated=False), row(1, tokens=9)]
    rows[1].kept = True
    said = words(rows, standing(rows, kept=1, eta=90.0))
    assert said.startswith("2 rows · 2 done · 1 of them from the file · about 90.0 s left")
    assert "7 tokens in, 30 out" in said


def test_a_plot_has_a_lane_for_each_model():
    rows = [row(n, model=m, ttft=0.1 * n, decode_rate=20.0 + n) for n in range(1, 5) for m in "ab"]
    picture = plot(rows)
    svgs = ET.fromstring(picture._repr_html_())
    assert len(svgs) == 2
    assert len(list(svgs.iter("circle"))) == 16
    assert "a: first token 250 ms (median of 4" in repr(picture)


def test_a_plot_of_nothing_says_so():
    assert repr(plot([row(0)])) == "No row has a first token."
    assert "No row" in plot([])._repr_html_()


def test_two_rows_are_compared_word_by_word():
    rows = [row(0, "the red house."), row(1, "the blue house!")]
    assert str(diff(rows, 0, 1)).splitlines()[1] == "the [-red-]{+blue+} house[-.-]{+!+}"
    assert "<del" in diff(rows, rows[0], -1)._repr_html_()


def test_two_models_are_compared_row_by_row():
    """Where prompt, variables, parameters and repeat are the same."""
    rows = [row(0, "a", model="x"), row(0, "b", model="y"), row(1, "c", model="x")]
    compared = diff(rows, "x", "y")
    assert [(a.text, b.text) for a, b, _ in compared.pairs] == [("a", "b")]
    assert compared.same == 0.0


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_diff_has_both_texts_whole(a, b):
    ((_, _, pieces),) = diff([row(0, a), row(1, b)], 0, 1).pairs
    assert "".join(text for mark, text in pieces if mark != "+") == a
    assert "".join(text for mark, text in pieces if mark != "-") == b


@pytest.mark.parametrize(
    "a, b, message",
    [(0, 9, "no row 9"), ("m/a", "m/z", "No row is 'm/z'"), (0, "m/a", "compared with a model")],
)
def test_comparing_what_is_not_there_is_one_sentence(a, b, message):
    with pytest.raises(UsageError, match=message):
        diff([row(0), row(1)], a, b)


def test_a_data_frame_has_a_column_for_everything():
    """Also one for each variable and parameter: a column of dicts cannot be grouped."""
    df = frame([row(0, "a", ttft=0.5), row(1, "b")])
    assert list(df.columns) == [*COLUMNS, "variables.x", "params.t"]
    assert df.groupby("params.t").size().tolist() == [2]
    assert df["text"].tolist() == ["a", "b"]


def test_without_pandas_the_frame_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pip install pandas"):
        frame([row(0)])
