"""When things happened, and how fast: every time is handed in."""

from __future__ import annotations

from array import array

import pytest

from ipyllm.events import (
    Finish,
    Notice,
    Progress,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from ipyllm.run.metrics import Meter, Timing


def timed(*observed, sent: float = 10.0, end: float = 12.0, **more) -> Timing:
    meter = Meter()
    for event, now in observed:
        meter.observe(event, now)
    return meter.timing(sent=sent, end=end, **more)


def test_nothing_came():
    """Times that did not come are None, not 0."""
    timing = timed()
    assert (timing.ttfr, timing.ttft, timing.ttfa, timing.decode_rate) == (None, None, None, None)
    assert (timing.total, timing.tokens, timing.estimated) == (2.0, 0, True)


@pytest.mark.parametrize(
    "event", [Notice("comment", ""), Progress(1, 2), Usage(1), ToolCallStart(0, "c", "")], ids=repr
)
def test_what_is_no_token_stops_only_the_clock_of_frames(event):
    """Comments, progress and usage are frames, no tokens."""
    timing = timed((event, 10.5))
    assert timing.ttfr == 0.5
    assert timing.ttft is None


def test_reasoning_is_a_token_but_no_answer():
    """ttft is the first token of any kind, ttfa the first of the answer."""
    timing = timed((ReasoningDelta("h"), 10.25), (TextDelta("a"), 11.0))
    assert (timing.ttft, timing.ttfa) == (0.25, 1.0)


@pytest.mark.parametrize("event", [ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{")], ids=repr)
def test_a_call_is_a_token(event):
    """A tool's name or argument is the first token where no text comes before."""
    assert timed((event, 10.5)).ttft == 0.5


def test_gaps_lie_between_tokens():
    """One gap for each token after the first."""
    timing = timed(
        (TextDelta("a"), 10.5),
        (Notice("comment", ""), 10.6),
        (TextDelta("b"), 10.75),
        (TextDelta("c"), 10.75),
    )
    assert timing.gaps == array("f", [0.25, 0.0])


def test_the_rate_counts_tokens_after_the_first():
    """(tokens - 1) / (last - first), tokens as the service counts them."""
    observed = [(TextDelta("a"), 10.5), (TextDelta("b"), 11.5), (Usage(3, 9), 11.6)]
    timing = timed(*observed)
    assert timing.decode_rate == 8.0
    assert (timing.tokens, timing.estimated) == (9, False)


def test_without_usage_deltas_are_counted_and_said_to_be():
    """An estimate is marked as one."""
    timing = timed((TextDelta("a"), 10.5), (TextDelta("b"), 11.0))
    assert (timing.tokens, timing.estimated, timing.decode_rate) == (2, True, 2.0)


def test_hidden_reasoning_is_no_speed():
    """Tokens that were billed but never streamed do not count into the rate."""
    observed = [(TextDelta("a"), 10.5), (TextDelta("b"), 11.5), (Usage(3, 109, 100), 11.6)]
    assert timed(*observed).decode_rate == 8.0
    with_reasoning = timed((ReasoningDelta("h"), 10.5), *observed[1:])
    assert with_reasoning.decode_rate == 108.0


def test_tokens_of_one_read_have_no_rate():
    """What came all at once says nothing about speed."""
    assert timed((TextDelta("a"), 10.5), (TextDelta("b"), 10.5)).decode_rate is None
    assert timed((TextDelta("a"), 10.5), (Usage(1, 1), 11.0)).decode_rate is None


def test_usage_of_zero_is_an_estimate():
    """Services that count nothing do not make the answer empty."""
    timing = timed((TextDelta("a"), 10.5), (Usage(0, 0), 11.0))
    assert (timing.tokens, timing.estimated) == (1, True)


def test_phases_are_relative_to_the_request():
    """Headers count from the request; what came before it is 0, not negative."""
    timing = timed((Notice("x", ""), 9.0), headers=10.25, connect=0.125, load=3.0)
    assert (timing.ttfr, timing.headers, timing.connect, timing.load) == (0.0, 0.25, 0.125, 3.0)


def test_a_timing_taken_early_does_not_change():
    """The numbers so far are a copy."""
    meter = Meter()
    meter.observe(TextDelta("a"), 10.0)
    meter.observe(TextDelta("b"), 10.5)
    early = meter.timing(sent=9.0, end=11.0)
    meter.observe(TextDelta("c"), 11.0)
    meter.observe(Finish("stop"), 11.0)
    assert len(early.gaps) == 1
    assert meter.deltas == 3
    assert meter.last == 11.0
