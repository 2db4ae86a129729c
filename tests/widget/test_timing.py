"""Where the time went, as tables and coloured tokens."""

from __future__ import annotations

import json
import math
import re
from array import array
from itertools import pairwise

import pytest

from ipyllm.events import (
    Finish,
    Logprobs,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Timing
from ipyllm.run.reply import Reply
from ipyllm.widget.static_html import bundle
from ipyllm.widget.timing import MAX_SHOWN, Token, panel, stall_limit
from ipyllm.widget.tokens import timed_tokens

TIMING = Timing(
    connect=0.038,
    headers=0.19,
    ttfr=0.5,
    ttft=0.54,
    ttfa=2.61,
    total=8.4,
    tokens=4,
    gaps=array("f", [0.02, 0.6, 0.02]),
)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html))


def test_phases_read_without_pictures():
    """Where styles and pictures are taken away, the table still says it all."""
    said = words(panel(TIMING))
    for phase in ("connect 38 ms", "headers 190 ms", "reasoning 2.07 s", "answer 5.79 s"):
        assert phase in said


def test_no_text_is_in_a_picture():
    """A sanitiser that drops a picture keeps its text, which would stand between the words."""
    tokens = [Token(str(n), gap) for n, gap in enumerate([None, *TIMING.gaps])]
    for svg in re.findall(r"<svg.*?</svg>", panel(TIMING, tokens, exact=True)):
        assert words(svg).strip() == ""


def test_a_phase_ends_where_the_next_begins():
    """The bars of one waterfall leave no hole and do not overlap."""
    rects = re.findall(r'<rect x="([\d.]+)%" y="5" width="([\d.]+)%"', panel(TIMING))
    for (begin, width), (following, _) in pairwise(rects):
        assert float(begin) + float(width) == pytest.approx(float(following), abs=0.5)


@pytest.mark.parametrize(
    "timing",
    [
        Timing(),
        Timing(ttft=0.0, ttfa=0.0, total=0.0),
        Timing(ttft=1.0, gaps=array("f", [0.0] * 9)),
        Timing(load=2.0, connect=0.1, ttft=1.0, total=9.0, gaps=array("f", [0.01] * 50_000)),
    ],
    ids=["nothing", "no time", "one read", "50,000 tokens"],
)
def test_any_timing_has_a_panel(timing):
    """Whatever is known."""
    tokens = [Token("x", 0.01)] * min(len(timing.gaps), MAX_SHOWN)
    assert len(panel(timing, tokens)) < 20_000


def test_a_stall_is_felt_and_unusual():
    """Longer than 250 ms and than five usual gaps; tokens of one read have no gap between them."""
    assert stall_limit([0.02] * 9) == 0.25
    assert stall_limit([0.1] * 9) == pytest.approx(0.5)
    assert stall_limit([0.0] * 90 + [0.1] * 9) == pytest.approx(0.5)
    assert "1 stall (over 250 ms)" in panel(TIMING)


def test_only_slow_tokens_are_coloured():
    """The others are plain text, which costs nothing."""
    html = panel(TIMING, [Token("a"), Token("<b", 0.02), Token("c", 0.6), Token("d", 0.02)])
    assert 'a&lt;b<span style="background-color:#f57c00c0" title="600 ms">c</span>d</div>' in html
    exact = panel(TIMING, [Token("a"), Token("b", 0.02)], exact=True)
    assert '<span title="first token">a</span><span title="20 ms">b</span>' in exact


def test_a_long_answer_says_how_much_of_it_is_coloured():
    """What is cut off is said in words."""
    gaps = array("f", [0.01] * 49_999)
    tokens = timed_tokens([TextDelta("x")] * 50_000, gaps)
    assert len(tokens) == MAX_SHOWN
    assert "The first 2,000 of 50,000 tokens" in panel(Timing(ttft=1.0, gaps=gaps), tokens)


def test_a_saved_answer_stays_text_sized():
    """All that goes over the wire for one may be 8 times its text; a fifth of these tokens is slow."""
    completion = Completion()
    for event in [*[TextDelta("word ")] * 5000, Finish("stop")]:
        completion.add(event)
    gaps = array("f", [0.2, 0.01, 0.01, 0.01, 0.01] * 1000)[:-1]
    timing = Timing(
        connect=0.01, headers=0.1, ttft=0.2, ttfa=0.2, total=9.0, tokens=5000, gaps=gaps
    )
    size = len(json.dumps(bundle(Reply.of(completion, timing, model="a/b"))))
    assert size < 6 * 5 * 5000


def test_tokens_have_the_gaps_the_meter_counted():
    """The same events count as tokens in both."""
    events = [
        ReasoningDelta("hm"),
        TextDelta("a"),
        ToolCallStart(0, "c", "f"),
        ToolCallDelta(0, "{}"),
        ToolCallEnd(0),
    ]
    tokens = timed_tokens(events, [1.0, 2.0, 3.0])
    assert [(token.text, token.gap) for token in tokens] == [
        ("hm", None),
        ("a", 1.0),
        ("f(", 2.0),
        ("{}", 3.0),
    ]


def test_probabilities_have_a_picture_of_their_own():
    """Where the service told them, and nowhere else."""
    events = [
        TextDelta("sure"),
        Logprobs((("sure", math.log(0.99)),)),
        TextDelta("not sure"),
        Logprobs((("not", math.log(0.5)), (" sure", math.log(0.5)))),
    ]
    tokens = timed_tokens(events, [0.02])
    assert [token.probability for token in tokens] == [pytest.approx(0.99), pytest.approx(0.25)]
    html = panel(TIMING, tokens)
    assert "by their probability" in html
    assert 'title="25.0 %">not sure<' in html
    assert "probability" not in panel(TIMING, [Token("a"), Token("b", 0.1)])
