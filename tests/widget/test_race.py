"""What stays of a race in the notebook."""

from __future__ import annotations

import re

from html_check import said
from run.test_race import raced

from ipyllm.run.race import Race
from ipyllm.widget.race_html import race_bundle, race_metadata
from ipyllm.widget.track import track_html


def test_every_answer_stands_below_the_track():
    """As Markdown they are one after the other."""
    data = race_bundle(raced())
    for text in ("slow start", "quick start", "cut"):
        assert text in data["text/html"]
        assert text in data["text/markdown"]
    assert "1st" in data["text/html"]
    assert data["text/markdown"].startswith("**a/slow**\n\nslow start\n\n**a/quick**")


def test_without_times_nothing_differs_from_run_to_run():
    """For nbval, which compares."""
    data = race_bundle(raced(), timed=False)
    assert not re.search(r"\d ms|\d s\b", data["text/html"] + data["text/plain"])
    assert data["text/plain"].startswith("a/slow:\nslow start\n\n")


def test_a_title_is_text():
    """Whatever a model is called."""
    race = raced()
    lanes = [lane.__class__("<b>x</b>", lane.state, 0.0, 0.1, 0.2) for lane in race.lanes]
    assert "<b>x" not in race_bundle(Race(race, lanes))["text/html"]


def test_bars_meet_at_the_first_token():
    """Pale before it, full after it, all on the same scale."""
    html = track_html(raced().lanes)
    bars = re.findall(r'x="([\d.]+)%" y="6" width="([\d.]+)%"', html)
    assert bars[:2] == [("0.00", "22.22"), ("22.22", "22.22")]
    assert "one clock, 2.25 s" in said(html)


def test_the_numbers_are_in_the_metadata():
    """One for each, in order."""
    told = race_metadata(raced())["ipyllm"]["race"]
    assert [one["model"] for one in told] == ["a/slow", "a/quick", "b/cut"]
