"""Several answers on one clock."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.events import Finish, FinishReason, TextDelta
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Timing
from ipyllm.run.race import Race, places, settled, titles
from ipyllm.run.reply import Reply


def replied(text: str, timing: Timing, model: str, reason: FinishReason = "stop") -> Reply:
    completion = Completion()
    completion.add(TextDelta(text))
    completion.add(Finish(reason))
    return Reply.of(completion, timing, model=model)


def raced() -> Race:
    replies = [
        replied("slow start", Timing(ttft=0.5, total=1.0, tokens=4), "a/slow"),
        replied("quick start", Timing(ttft=0.1, total=2.0, tokens=4), "a/quick"),
        replied("cut", Timing(ttft=0.2, total=0.3, tokens=4), "b/cut", "interrupted"),
    ]
    sent = (0.0, 0.25, 0.0)
    return Race(
        replies,
        [settled(reply, at, reply.model) for reply, at in zip(replies, sent, strict=True)],
    )


def test_times_count_from_the_start_of_the_race():
    """A request that goes out later has a later first token, however soon after."""
    lanes = raced().lanes
    assert [(lane.first, lane.end) for lane in lanes] == [(0.5, 1.0), (0.35, 2.25), (0.2, 0.3)]


def test_who_was_first():
    """One that was stopped may speak first; it does not arrive."""
    race = raced()
    assert race.by_first_token == ["cut", "quick start", "slow start"]
    assert race.by_finish == ["slow start", "quick start"]


@pytest.mark.parametrize("key", ["a/quick", 1, -2])
def test_an_answer_is_found_by_its_place_or_its_model(key):
    """As in a list, or by name."""
    assert raced()[key] == "quick start"
    assert raced()[:2] == ("slow start", "quick start")


def test_a_model_that_was_not_there_is_named():
    """With those that were."""
    with pytest.raises(KeyError, match="'c/x' was not in this race: a/slow, a/quick, b/cut"):
        raced()["c/x"]


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
def test_it_is_copied_and_pickled_whole(again):
    """With lanes and replies."""
    race = again(raced())
    assert (race.lanes, race.by_finish[0].model) == (raced().lanes, "a/slow")


def test_names_that_meet_are_numbered():
    """Those that do not stay as they are."""
    assert titles(["a", "b", "a"]) == ["a #1", "b", "a #2"]


@given(st.lists(st.none() | st.floats(0, 1e6)))
def test_places_are_those_of_the_times_in_order(times):
    """Every place once, and none for who has no time."""
    found = places(times)
    known = sorted((place, time) for place, time in zip(found, times, strict=True) if place)
    assert [place for place, _ in known] == list(range(1, len(known) + 1))
    assert [time for _, time in known] == sorted(time for time in times if time is not None)
