"""Adding events up, and getting them back."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ipyllm.events import (
    Finish,
    Notice,
    Progress,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from ipyllm.run.completion import Completion, Fragments

words = st.text(max_size=4)
counts = st.none() | st.integers(0, 9)
events = (
    st.builds(TextDelta, words)
    | st.builds(ReasoningDelta, words)
    | st.builds(RefusalDelta, words)
    | st.builds(ToolCallStart, st.integers(0, 2), words, words)
    | st.builds(ToolCallDelta, st.integers(0, 2), words)
    | st.builds(ToolCallEnd, st.integers(0, 2))
    | st.builds(Usage, counts, counts, counts, counts)
    | st.builds(Progress, st.integers(0, 9), st.integers(0, 9))
    | st.builds(Notice, st.sampled_from(["ping", "comment"]), words)
    | st.builds(Finish, st.sampled_from(["stop", "length"]), words)
    | st.builds(StreamError, st.just("ServerError"), words)
)


def completed(*added) -> Completion:
    completion = Completion()
    for event in added:
        completion.add(event)
    return completion


@given(st.lists(events, max_size=40))
def test_events_gives_back_what_was_added(added):
    """Kept as text and lengths, the events still come back one by one, in order."""
    assert completed(*added).events() == added


@given(st.lists(events, max_size=40))
def test_the_transcript_holds_every_delta(added):
    """The channels of the transcript, joined, are the texts; neighbours of one channel are one part."""
    completion = completed(*added)
    transcript = completion.transcript()
    for channel in ("text", "reasoning", "refusal"):
        joined = "".join(text for name, text in transcript if name == channel)
        assert joined == getattr(completion, channel)
    channels = [name for name, _ in transcript]
    assert all(one != other for one, other in itertools.pairwise(channels))


def test_text_reasoning_and_refusal_are_kept_apart():
    """Each kind of delta adds to its own text."""
    completion = completed(
        ReasoningDelta("h"), ReasoningDelta("m"), TextDelta("a"), RefusalDelta("no"), TextDelta("b")
    )
    assert (completion.text, completion.reasoning, completion.refusal) == ("ab", "hm", "no")
    assert completion.transcript() == [
        ("reasoning", "hm"),
        ("text", "a"),
        ("refusal", "no"),
        ("text", "b"),
    ]


def test_tool_calls_are_joined_by_index():
    """Arguments of parallel calls go to the call they belong to."""
    completion = completed(
        ToolCallStart(0, "c0", "f"),
        ToolCallStart(1, "c1", "g"),
        ToolCallDelta(0, "{"),
        ToolCallDelta(1, "["),
        ToolCallDelta(0, "}"),
        ToolCallEnd(0),
    )
    assert completion.tool_calls == [("c0", "f", "{}"), ("c1", "g", "[")]


def test_arguments_of_no_call_are_only_shown():
    """A fragment whose call never began fails nothing."""
    completion = completed(ToolCallDelta(3, "{}"))
    assert completion.tool_calls == []
    assert completion.transcript() == [("tool:3", "{}")]


def test_the_last_word_on_each_count_wins():
    """A later usage corrects an earlier one, but never with nothing."""
    completion = completed(Usage(5, 1, raw={"a": 1}), Usage(None, 9, 2), Usage(None, None, None, 3))
    assert completion.usage == Usage(5, 9, 2, 3, {"a": 1})


def test_the_first_events_are_to_be_had_alone():
    """A page that shows a thousand tokens of fifty thousand does not wait for the others."""
    events = [TextDelta("a"), Notice("ping", ""), TextDelta("bc"), Finish("stop")]
    assert [completed(*events).events(limit) for limit in (0, 2, 3)] == [[], events[:2], events[:3]]


def test_the_first_error_is_kept():
    """What broke first is what people have to know."""
    completion = completed(
        StreamError("ServerError", "first"), StreamError("ServerError", "second")
    )
    assert completion.error is not None
    assert completion.error.message == "first"


def test_the_runs_own_phases_are_no_events():
    """`connecting` and `waiting` are said by the run, not by the stream."""
    assert completed(Notice("phase", "connecting")).events() == []


@given(st.lists(words, max_size=2000))
def test_fragments_are_their_sum(pieces):
    """However many pieces, the text is all of them."""
    fragments = Fragments()
    for piece in pieces:
        fragments.add(piece)
    assert str(fragments) == "".join(pieces)


def test_fragments_are_joined_in_steps():
    """A long text is kept as few long pieces: 50,000 tokens are no 50,000 objects."""
    fragments = Fragments()
    for _ in range(50_000):
        fragments.add("x")
    assert len(fragments._joined) + len(fragments._fresh) < 1000
    assert len(str(fragments)) == 50_000
