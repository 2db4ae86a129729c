"""A race in words."""

from __future__ import annotations

import pytest

from ipyllm.run.race import Lane
from ipyllm.sinks.standings import ordinal, standings


def test_each_lane_is_a_line_with_its_places():
    """Who has no end of its own takes no place there."""
    said = standings(
        [
            Lane("a", "done", 0.0, 0.2124, 1.92, finished=True, tokens=120, rate=63.2),
            Lane("b", "stopped", 0.0, 0.1, 0.5, tokens=9, rate=20.0, estimated=True),
            Lane("c", "error", 0.0, None, 0.01),
        ]
    )
    assert said.splitlines() == [
        "a: first token 212 ms (2nd), done 1.92 s (1st), 63 tok/s",
        "b: first token 100 ms (1st), stopped 500 ms, ~20 tok/s",
        "c: error 10 ms",
    ]


@pytest.mark.parametrize(
    ("place", "said"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (22, "22nd")],
)
def test_places_as_people_say_them(place, said):
    """The teens are their own."""
    assert ordinal(place) == said
