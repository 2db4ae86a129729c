"""Deltas to batches; every time is handed in."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.events import (
    Finish,
    Notice,
    Progress,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from ipyllm.run.batch import Batch, state_of
from ipyllm.run.coalesce import INTERVAL, Coalescer


def pushed(*events) -> Coalescer:
    coalescer = Coalescer()
    for event in events:
        coalescer.push(event)
    return coalescer


def phase(name: str) -> Notice:
    return Notice("phase", name)


def test_less_than_thirty_batches_a_second():
    """The interval is what keeps Jupyter's server from dropping messages."""
    assert 20 <= 1 / INTERVAL < 30


def test_the_first_token_never_waits():
    """A token is due at once even right after a batch that showed a state."""
    coalescer = pushed(phase("connecting"))
    assert coalescer.due(5.0) == 0
    coalescer.take(5.0, 0, 0)
    coalescer.push(phase("waiting"))
    assert coalescer.due(5.001) == pytest.approx(INTERVAL - 0.001)
    coalescer.push(TextDelta("a"))
    assert coalescer.due(5.001) == 0


def test_later_tokens_wait_for_their_turn():
    """After the first batch with text the next is due an interval later."""
    coalescer = pushed(TextDelta("a"))
    coalescer.take(5.0, 1, 0)
    coalescer.push(TextDelta("b"))
    assert coalescer.due(5.01) == pytest.approx(INTERVAL - 0.01)
    assert coalescer.due(5.0 + INTERVAL) == 0
    assert coalescer.due(99.0) == 0


def test_a_batch_has_all_since_the_last():
    """Neighbours of one channel are joined; nothing is shown twice."""
    coalescer = pushed(ReasoningDelta("h"), ReasoningDelta("m"), TextDelta("a"), TextDelta("b"))
    assert coalescer.take(0.0, 4, 12) == Batch(
        (("reasoning", "hm"), ("text", "ab")), 4, 12, "streaming"
    )
    assert coalescer.take(1.0, 4, 12) is None
    coalescer.push(TextDelta("c"))
    assert coalescer.take(2.0, 5, 13) == Batch((("text", "c"),), 5, 13)


def test_a_call_is_shown_as_it_grows():
    """Tool calls and refusals have their own channels."""
    coalescer = pushed(
        RefusalDelta("no"), ToolCallStart(0, "c", "add"), ToolCallDelta(0, "{}"), ToolCallEnd(0)
    )
    batch = coalescer.take(0.0, 0, 0)
    assert batch is not None
    assert batch.pieces == (("refusal", "no"), ("tool:0", "add\n{}"))


def test_only_the_newest_progress_is_shown():
    """Progress is no text: between two batches only the last counts."""
    coalescer = pushed(phase("waiting"), Progress(1, 9), Progress(5, 9))
    assert coalescer.take(0.0, 0, 0) == Batch(state="prefill", progress=Progress(5, 9))
    assert coalescer.take(1.0, 0, 0) is None


def test_streaming_is_not_left_for_an_earlier_phase():
    """Late progress or phases do not take a streaming answer back."""
    coalescer = pushed(TextDelta("a"), Progress(9, 9), phase("waiting"))
    assert coalescer.state == "streaming"


@pytest.mark.parametrize("event", [Usage(1, 2), Notice("comment", ""), Finish("stop")], ids=repr)
def test_what_shows_nothing_makes_no_batch(event):
    """Usage, comments and the end are told by the settled reply."""
    assert pushed(event).take(0.0, 0, 0) is None


@pytest.mark.parametrize(
    "reason, state",
    [
        ("stop", "done"),
        ("length", "done"),
        ("tool_calls", "done"),
        ("interrupted", "interrupted"),
        ("truncated", "truncated"),
        ("error", "error"),
    ],
)
def test_the_state_of_a_settled_answer(reason, state):
    """Each way to end has its state."""
    assert state_of(reason) == state


_deltas = st.builds(TextDelta, st.text(min_size=1, max_size=3)) | st.builds(
    ReasoningDelta, st.text(min_size=1, max_size=3)
)


@given(st.lists(st.tuples(_deltas, st.floats(0, 0.1))))
def test_batches_lose_nothing_and_keep_their_distance(arrivals):
    """Taken whenever they are due, batches hold every delta once, in order, an interval apart."""
    coalescer, now = Coalescer(), 0.0
    taken: list[tuple[float, Batch]] = []
    for event, pause in arrivals:
        now += pause
        coalescer.push(event)
        if not coalescer.due(now) and (batch := coalescer.take(now, 0, 0)):
            taken.append((now, batch))
    if batch := coalescer.take(now + 1, 0, 0):
        taken.append((now + 1, batch))
    for channel, kind in (("text", TextDelta), ("reasoning", ReasoningDelta)):
        shown = "".join(
            text for _, batch in taken for name, text in batch.pieces if name == channel
        )
        assert shown == "".join(event.text for event, _ in arrivals if isinstance(event, kind))
    times = [at for at, _ in taken]
    assert all(later - earlier > INTERVAL - 1e-9 for earlier, later in itertools.pairwise(times))
