"""What the kernel sends the page, message by message."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.events import Progress
from ipyllm.run.metrics import Timing
from ipyllm.widget import messages
from ipyllm.widget.messages import utf16_len

texts = st.text(st.sampled_from("aé🙂\u2028\n"), max_size=6)
parts = st.lists(
    st.tuples(st.sampled_from(["text", "reasoning", "tool", "refusal"]), texts), max_size=6
)


@pytest.mark.parametrize("text, units", [("", 0), ("abc", 3), ("é", 1), ("🙂", 2), ("a🙂b", 4)])
def test_lengths_are_javascripts(text, units):
    """A character beyond the first plane counts two, as in the page."""
    assert utf16_len(text) == units


def test_a_delta_is_small():
    """60 bytes beside the text, thirty times a second."""
    message = messages.delta(7, 120, 31, 1234, "text", "Hi")
    assert message == {"seq": 7, "at": 120, "n": 31, "ms": 1234, "text": "Hi"}


def test_a_refusal_says_that_it_is_one():
    """The page shows it in its own way."""
    assert messages.delta(1, 0, 1, 0, "refusal", "No") == {
        "seq": 1,
        "at": 0,
        "n": 1,
        "ms": 0,
        "refusal": "No",
    }


def test_status_progress_and_ack():
    """The rare messages say what they are."""
    assert messages.status(1, "waiting", {"ttft": 1.0}, "note") == {
        "seq": 1,
        "kind": "status",
        "state": "waiting",
        "metrics": {"ttft": 1.0},
        "note": "note",
    }
    assert messages.progress(2, Progress(3, 9)) == {
        "seq": 2,
        "kind": "progress",
        "processed": 3,
        "total": 9,
    }
    assert messages.ack() == {"kind": "ack"}


def snapshot(at: int, transcript: list[tuple[str, str]]) -> list[list[str]]:
    message = messages.snapshot(5, at, transcript, "streaming", {}, "")
    assert (message["seq"], message["kind"], message["at"]) == (5, "snapshot", at)
    return message["parts"]


def test_a_snapshot_has_everything_from_its_offset_on():
    """Parts before the offset are left out, the one it lies in is cut."""
    transcript = [("reasoning", "hm🙂"), ("text", "Hello")]
    assert snapshot(0, transcript) == [["reasoning", "hm🙂"], ["text", "Hello"]]
    assert snapshot(2, transcript) == [["reasoning", "🙂"], ["text", "Hello"]]
    assert snapshot(4, transcript) == [["text", "Hello"]]
    assert snapshot(6, transcript) == [["text", "llo"]]
    assert snapshot(9, transcript) == []
    assert snapshot(99, transcript) == []


@given(parts, st.integers(0, 40))
def test_what_a_page_has_and_the_snapshot_are_the_whole(transcript, have):
    """From any offset on, the snapshot is exactly the rest."""
    whole = "".join(text for _, text in transcript)
    have = min(have, len(whole))
    rest = "".join(text for _, text in snapshot(utf16_len(whole[:have]), transcript))
    assert whole[:have] + rest == whole


@given(parts, st.integers(0, 80))
def test_any_offset_gives_a_snapshot(transcript, at):
    """Even one that no page of ours would send."""
    for channel, text in snapshot(at, transcript):
        assert channel in ("text", "reasoning", "refusal", "tool")
        assert text
        text.encode()


def test_only_numbers_that_are_known_are_sent():
    """The strip leaves out what did not come."""
    assert messages.metrics(Timing(total=1.0)) == {"total": 1.0, "elapsed": 1.0, "estimated": True}
    timing = Timing(
        ttft=0.123456,
        ttfa=0.5,
        total=2.0,
        decode_rate=31.41592,
        tokens=9,
        estimated=False,
        load=1.0,
    )
    assert messages.metrics(timing, input_tokens=3) == {
        "ttft": 0.1235,
        "ttfa": 0.5,
        "total": 2.0,
        "elapsed": 2.0,
        "rate": 31.4159,
        "tokens": 9,
        "estimated": False,
        "load": 1.0,
        "input_tokens": 3,
    }


def test_numbers_can_be_sent_as_json():
    """No array gets into a message."""
    assert "gaps" not in messages.metrics(Timing(gaps=array("f", [1.0])))
