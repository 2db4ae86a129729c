"""The order of a saved answer; js/labextension/test/saved.test.ts reads the same table back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.events import (
    Event,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Turn,
    ValueDelta,
)
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Timing
from ipyllm.run.reply import Reply
from ipyllm.widget.saved_parts import saved_parts
from ipyllm.widget.static_html import JSON_TYPE, bundle

TABLE = Path(__file__).resolve().parents[2] / "js" / "labextension" / "test" / "saved-parts.json"
CASES = json.loads(TABLE.read_text("utf-8"))
SAID = {
    "text": TextDelta,
    "reasoning": ReasoningDelta,
    "refusal": RefusalDelta,
    "value": ValueDelta,
}


def events(channel: str, text: str, *, each: bool) -> list[Event]:
    """What a stream would say; `each` letter for itself."""
    if channel == "turn":
        number, reason, *ttft = text.split()
        told = [Turn(int(number), reason, float(seconds)) for seconds in ttft]
        return [Turn(int(number), reason), *told]
    if channel in SAID:
        return [SAID[channel](piece) for piece in (text if each else [text])]
    index = int(channel.partition(":")[2])
    name, _, arguments = text.partition("\n")
    more = (arguments if each else [arguments]) if arguments else []
    return [ToolCallStart(index, "c", name), *(ToolCallDelta(index, piece) for piece in more)]


def replied(transcript, *, each: bool = False) -> Reply:
    completion = Completion()
    for channel, text in transcript:
        for event in events(channel, text, each=each):
            completion.add(event)
    completion.add(Finish("stop"))
    return Reply.of(completion, Timing(total=1.0), model="a/b")


def read_back(parts, answer: str, reasoning: str, calls: list[str]) -> list[tuple[str, str]]:
    """As saved-json.ts has it."""
    texts = {"text": answer, "value": answer, "reasoning": reasoning}
    out: list[tuple[str, str]] = []
    for channel, *rest in parts:
        match rest:
            case [int(number)]:
                out.append((f"tool:{number}", calls[number]))
            case [str(text)]:
                out.append((channel, text))
            case [at, length]:
                units = texts[channel].encode("utf-16-le")[2 * at : 2 * (at + length)]
                out.append((channel, units.decode("utf-16-le")))
    return out


@pytest.mark.parametrize("each", [False, True], ids=["whole", "by letter"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_order_is_saved_where_it_is_not_the_usual_one(case, each):
    """A table that both sides read."""
    reply = replied(case["transcript"], each=each)
    assert reply == case["answer"]
    saved = bundle(reply)
    assert saved[JSON_TYPE].get("parts") == case["parts"]
    json.dumps(saved)


def test_fragments_of_calls_in_turns_are_one_part_each():
    """A call is shown once, where it began."""
    transcript = [
        ("tool:0", "f\n"),
        ("tool:1", "g\n"),
        ("tool:0", "{"),
        ("tool:1", "["),
        ("text", "x"),
    ]
    assert saved_parts(transcript, timed=True) == [["tool", 0], ["tool", 1], ["text", 0, 1]]


def test_without_times_a_turn_has_none():
    """Where outputs are compared, nothing in them differs from run to run."""
    transcript = [("text", "a"), ("turn", "2 tools 0.1234"), ("text", "b")]
    parts = saved_parts(transcript, timed=False)
    assert parts == [["text", 0, 1], ["turn", "2 tools"], ["text", 3, 1]]


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
PIECE = st.one_of(
    st.tuples(st.sampled_from(sorted(SAID)), TEXT),
    st.tuples(st.integers(0, 3).map("tool:{}".format), st.just("")),
    st.tuples(st.just("turn"), st.sampled_from(["tools", "retry"])),
)


@given(st.lists(PIECE, max_size=12))
def test_any_transcript_is_read_back(pieces):
    """Whatever its order: texts that begin with blank lines, retries, calls, nothing."""
    calls: dict[str, str] = {}
    transcript: list[tuple[str, str]] = []
    for channel, text in pieces:
        if channel == "turn":
            # A turn in which nothing came is none.
            if transcript and transcript[-1][0] != "turn":
                transcript.append((channel, f"{len(transcript)} {text}"))
        elif not channel.startswith("tool:"):
            transcript.append((channel, text))
        elif channel not in calls:
            name = f"tool:{len(calls)}"
            calls[channel] = "f\n{}"
            transcript.append((name, calls[channel]))
    reply = replied(transcript)
    parts = saved_parts(reply.transcript, timed=True)
    if parts is None:
        usual = [("reasoning", reply.reasoning), ("text", str(reply))]
        told = [f"tool:{number}" for number in range(len(calls))]
        shown = [part for part in usual if part[1]] + [(name, "f\n{}") for name in told]
        assert shown == reply.transcript
    else:
        shown = read_back(parts, str(reply), reply.reasoning, ["f\n{}"] * len(calls))
        assert shown == reply.transcript
