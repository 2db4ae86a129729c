"""When each piece came, for the slider."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ipyllm.events import Finish, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, Usage
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Timing
from ipyllm.widget.arrivals import MAX_STEPS, arrivals, slider
from ipyllm.widget.messages import utf16_len


def test_each_token_is_a_step():
    """Offsets count UTF-16 units, JavaScript's own."""
    events = [ReasoningDelta("hm"), TextDelta("a\N{GRINNING FACE}"), TextDelta("b"), Finish("stop")]
    assert arrivals(events, Timing(ttft=0.1, gaps=[0.05, 0.2])) == [(100, 2), (150, 5), (350, 6)]


def test_what_comes_together_is_one_step():
    """Nobody sees a tenth of a millisecond."""
    events = [TextDelta("a"), TextDelta("b"), TextDelta("c")]
    assert arrivals(events, Timing(ttft=0.1, gaps=[0.0001, 0.05])) == [(100, 2), (150, 3)]


def test_calls_have_their_place_in_the_transcript():
    """Name, newline, arguments: as the views count."""
    events = [TextDelta("Hi"), ToolCallStart(0, "1", "f"), ToolCallDelta(0, "{}")]
    assert arrivals(events, Timing(ttft=0.0, gaps=[0.1, 0.1])) == [(0, 2), (100, 4), (200, 6)]


def test_the_text_an_answer_goes_on_with_was_there_before():
    """`%llm continue`."""
    assert arrivals([TextDelta("b")], Timing(ttft=0.5), before="aaa") == [(500, 4)]


def test_nothing_that_came_has_no_slider():
    """Nor has what came at once."""
    assert arrivals([Finish("stop")], Timing()) == []
    assert slider([(1, 1)]) == ""


@given(st.lists(st.sampled_from(["a", "\N{GRINNING FACE}", "word "]), min_size=1, max_size=50))
def test_the_last_step_has_the_whole_transcript(texts):
    """Whatever came, and both numbers grow."""
    events = [event for text in texts for event in (TextDelta(text), Usage(output_tokens=1))]
    completion = Completion()
    for event in events:
        completion.add(event)
    steps = arrivals(events, Timing(ttft=0.1, gaps=[0.01] * (len(texts) - 1)))
    assert steps == sorted(set(steps))
    assert steps[-1][1] == utf16_len(completion.text)


def test_a_long_answer_has_fewer_steps_and_keeps_its_last():
    """A slider of 1,000 pixels shows no more."""
    steps = [(i, i) for i in range(3 * MAX_STEPS + 1)]
    told = re.findall(r"(\d+):(\d+)", slider(steps))
    assert len(told) <= MAX_STEPS + 1
    assert told[-1] == (str(3 * MAX_STEPS), str(3 * MAX_STEPS))
