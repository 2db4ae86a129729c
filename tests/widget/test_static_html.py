"""What stays in the notebook: one bundle that reads well without a kernel."""

from __future__ import annotations

import json
import re
from array import array
from html.parser import HTMLParser

import pytest

from ipyllm.events import (
    Finish,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Timing
from ipyllm.run.reply import Reply
from ipyllm.sinks.numbers import duration, latency
from ipyllm.widget.static_html import JSON_TYPE, Static, bundle, metadata
from ipyllm.widget.strip import strip

TIMING = Timing(
    connect=0.01,
    headers=0.1,
    ttfr=0.2,
    ttft=0.25,
    ttfa=1.25,
    total=3.0,
    decode_rate=12.345,
    tokens=1234,
    estimated=False,
    gaps=array("f", [0.03] * 20 + [0.5] + [0.03] * 20),
)


def replied(*events, reason="stop", timing: Timing = TIMING) -> Reply:
    completion = Completion()
    for event in [*events, Usage(7, 1234), Finish(reason)]:
        completion.add(event)
    return Reply.of(completion, timing, model="openai/m<1>")


class _Balance(HTMLParser):
    """Fails on tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check(html: str) -> str:
    balance = _Balance()
    balance.feed(html)
    balance.close()
    assert balance.open == []
    assert "<style" not in html
    # JupyterLab's sanitizer needs 75 ms for its patterns of these two.
    assert not re.search(r"[;\"](background|list-style):", html)
    assert "<img" not in html
    assert "<script" not in html
    assert "class=" not in html.replace('" class="language-', "")
    assert "<pre><code" not in html
    return html


def test_the_bundle_has_a_form_for_every_reader():
    """HTML for pages, Markdown for GitHub, text for terminals, JSON for our own view."""
    data = bundle(replied(TextDelta("**Hi**")))
    assert set(data) == {"text/html", "text/markdown", "text/plain", JSON_TYPE}
    assert "<strong>Hi</strong>" in check(data["text/html"])
    assert data["text/markdown"] == data["text/plain"] == "**Hi**"
    assert type(data["text/plain"]) is str
    json.dumps(data)


def test_names_and_notes_are_text():
    """Nothing of a model's name or a note is HTML, but for the code in backticks."""
    html = check(bundle(replied(TextDelta("a")), note="<i>it</i> is in `x<y`")["text/html"])
    assert "openai/m&lt;1&gt;" in html
    assert "&lt;i&gt;it&lt;/i&gt;" in html
    assert re.search(r"<code[^>]*>x&lt;y</code>", html)


def test_an_answer_of_nothing_says_why():
    """Plain text is never empty when there is something to say."""
    data = bundle(replied(reason="interrupted"), note="interrupted by you before the first token")
    assert data["text/plain"] == "interrupted by you before the first token"
    check(data["text/html"])


def test_channels_are_shown_in_order():
    """Reasoning is folded, a call is code, a refusal is part of the answer; all of it is escaped."""
    reply = replied(
        ReasoningDelta("<hm>"),
        TextDelta("Let me see."),
        ToolCallStart(0, "c", "add"),
        ToolCallDelta(0, '{"a": "<"}'),
        ToolCallEnd(0),
        RefusalDelta("No."),
    )
    html = check(bundle(reply)["text/html"])
    places = [
        html.index(part)
        for part in (
            "&lt;hm&gt;",
            "Let me see.",
            ">add<",
            "declined",
            "No.",
        )
    ]
    assert places == sorted(places)
    assert "thought for 1.0 s" in html


def test_calls_whose_fragments_come_in_turns_are_told_apart():
    """Each call has a card with its own arguments."""
    starts = [ToolCallStart(0, "a", "first"), ToolCallStart(1, "b", "second")]
    turns = [ToolCallDelta(index, text) for text in ("[1", "]") for index in (0, 1)]
    reply = replied(TextDelta("So."), *starts, *turns, ToolCallEnd(0), ToolCallEnd(1))
    html = check(bundle(reply)["text/html"])
    shown = re.findall(r">(\w+)</b> <span[^>]*>([^<]*)<", html)
    assert shown == [("first", "[1]"), ("second", "[1]")]


def test_an_answer_of_50000_tokens_has_its_first_coloured():
    """Only their events are made again: the panel costs what a short answer's does."""
    completion = Completion()
    for event in [*[TextDelta("x ")] * 50_000, Finish("stop")]:
        completion.add(event)
    gaps = array("f", [0.01] * 49_999)
    reply = Reply.of(completion, Timing(ttft=0.1, ttfa=0.1, total=500.0, gaps=gaps), model="a/b")
    assert "The first 1,000 of 50,000 tokens" in bundle(reply)["text/html"]


def test_our_json_does_not_repeat_the_text():
    """The answer's text is in the Markdown beside it."""
    reply = replied(ReasoningDelta("hm"), TextDelta("secret words"), ToolCallStart(0, "c", "f"))
    data = bundle(reply, note="n")[JSON_TYPE]
    assert "secret words" not in json.dumps(data)
    assert data["reasoning"] == "hm"
    assert data["tool_calls"] == [{"id": "c", "name": "f", "arguments": ""}]
    assert (data["state"], data["finish_reason"], data["note"], data["version"]) == (
        "done",
        "stop",
        "n",
        1,
    )
    assert data["gaps_ms"][:2] == [30, 30]
    assert data["timing"]["ttft"] == 0.25


def test_rendered_while_it_streamed_is_the_same():
    """Fed in any pieces, the static view is that of the whole."""
    reply = replied(ReasoningDelta("a\n\nb"), TextDelta("# T\n\n- a\n- b"))
    static = Static()
    for channel, text in reply.transcript:
        for char in text:
            static.feed([(channel, char)])
    assert bundle(reply, static=static) == bundle(reply)


def test_untimed_output_is_the_same_from_run_to_run():
    """Where outputs are compared, no time is in them."""
    other = Timing(ttft=9.0, ttfa=9.9, total=10.0, decode_rate=1.0, tokens=3)
    events = (ReasoningDelta("hm"), TextDelta("a"))
    one, two = replied(*events), replied(*events, timing=other)
    assert bundle(one, timed=False) == bundle(two, timed=False)
    assert bundle(one) != bundle(two)


def test_metadata_has_only_what_is_known():
    """The numbers for whoever reads the notebook as data."""
    found = metadata(replied(TextDelta("a"), timing=Timing(total=1.0 / 3)))["ipyllm"]
    assert found["total"] == 0.33333
    assert "ttft" not in found
    assert found["input_tokens"] == 7
    assert found["finish_reason"] == "stop"


def test_the_strip_has_the_numbers():
    """First token, rate, tokens, total, and the gaps as a picture."""
    html = check(strip("m", "done", TIMING, "", ruled=True))
    text = re.sub(r"<[^>]*>", "", html)
    for reading in ("first token 250 ms", "answer 1.25 s", "12 tok/s", "1,234 tok", "3.0 s"):
        assert reading in text
    assert len(re.findall(r"M\d+ 16v-", html)) == 32
    assert html.count("warn-color1,#f57c00)") >= 1  # the stall


def test_a_strip_that_went_wrong_says_one_thing():
    """Numbers beside an error would hide it."""
    html = check(strip("m", "error", TIMING, "failed before the first token", ruled=False))
    assert "failed before the first token" in html
    assert "tok/s" not in html


def test_a_strip_without_times_is_the_label():
    """Nothing is invented."""
    assert re.sub(r"<[^>]*>", "", strip("m", "done", None, "", ruled=False)) == "m"
    check(strip("m", "done", Timing(), "", ruled=False))


def test_estimates_are_marked():
    """Counted deltas are about as many tokens."""
    estimated = Timing(tokens=5, decode_rate=3.21, gaps=array("f", [0.2] * 4), total=1.0)
    assert "~3.2 tok/s" in re.sub(r"<[^>]*>", "", strip("m", "done", estimated, "", ruled=False))


@pytest.mark.parametrize(
    "gaps", [[], [0.0] * 40, [1.0] * 3, [0.01] * 9, [0.0] * 40 + [1.0], [0.1] * 10_000], ids=len
)
def test_any_gaps_can_be_drawn(gaps):
    """None, all at once, a few, very many."""
    check(strip("m", "done", Timing(total=1.0, gaps=array("f", gaps)), "", ruled=False))


@pytest.mark.parametrize(
    "seconds, text",
    [(0.0, "0 ms"), (0.312, "312 ms"), (0.9994, "999 ms"), (0.9996, "1.00 s"), (2.614, "2.61 s")],
)
def test_latency_is_read_at_a_glance(seconds, text):
    """Milliseconds below a second."""
    assert latency(seconds) == text


@pytest.mark.parametrize(
    "seconds, text",
    [(1.84, "1.8 s"), (99.9, "99.9 s"), (99.96, "1 min 40 s"), (125.4, "2 min 05 s")],
)
def test_duration_is_read_at_a_glance(seconds, text):
    """Minutes where seconds get long."""
    assert duration(seconds) == text
