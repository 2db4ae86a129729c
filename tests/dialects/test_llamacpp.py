"""llama.cpp's own completion: pieces, prompts in a list, ends, progress."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cuts import cuts, each_way
from frames import decoded, frame, grammar
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.dialects.llamacpp import COMPLETION as DIALECT
from ipyllm.events import (
    ChoiceDelta,
    Event,
    Finish,
    Logprobs,
    Notice,
    Progress,
    ReasoningDelta,
    StreamError,
    TextDelta,
    Usage,
)
from ipyllm.request import Request

TRUNCATED = Finish("truncated")
A, B = TextDelta("a"), TextDelta("b")


def piece(content: Any = "", **more: Any) -> bytes:
    return frame({"index": 0, "content": content, "tokens": [1], "stop": False, **more})


def end(stop_type: str = "eos", **more: Any) -> bytes:
    return piece("", stop=True, stop_type=stop_type, **more)


NONE = Usage()
STOP = [NONE, Finish("stop", "eos")]

CASES: dict[str, tuple[bytes, list[Event]]] = {
    "text": (piece("a") + piece("b") + end(), [A, B, *STOP]),
    "a word it was to stop at": (
        piece("a") + end("word", stopping_word="x"),
        [A, NONE, Finish("stop", "word")],
    ),
    "too long": (piece("a") + end("limit"), [A, NONE, Finish("length", "limit")]),
    "why it stopped, in booleans (old builds)": (
        piece("a") + piece("", stop=True, stopped_eos=False, stopped_limit=True),
        [A, NONE, Finish("length", "limit")],
    ),
    "no word for why": (piece("a", stop=True), [A, NONE, Finish("stop")]),
    "counts and timings": (
        piece("a")
        + end(
            tokens_evaluated=5,
            tokens_predicted=7,
            prompt="the whole prompt",
            timings={"cache_n": 2},
        ),
        [
            A,
            Usage(
                5,
                7,
                None,
                2,
                {"tokens_evaluated": 5, "tokens_predicted": 7, "timings": {"cache_n": 2}},
            ),
            Notice("timings", '{"cache_n": 2}'),
            Finish("stop", "eos"),
        ],
    ),
    "progress of the prompt": (
        piece("", prompt_progress={"total": 9, "cache": 0, "processed": 4}) + piece("a") + end(),
        [Progress(4, 9), A, *STOP],
    ),
    "a list of prompts, and a null between them": (
        piece("a") + end() + frame(b"null") + piece("x", index=1) + end("limit", index=1),
        [A, NONE, ChoiceDelta(1, "x"), Finish("stop", "eos")],
    ),
    "the end of another prompt is none of the first": (
        piece("a") + piece("x", index=1) + end(index=1),
        [A, ChoiceDelta(1, "x"), TRUNCATED],
    ),
    "the answer to another prompt is cut off": (
        piece("a") + end() + piece("x", index=1),
        [A, NONE, ChoiceDelta(1, "x"), TRUNCATED],
    ),
    "probabilities": (
        piece("a", completion_probabilities=[{"token": "a", "logprob": -0.5}])
        + piece("b", completion_probabilities=[{"token": "b", "prob": 1.0}])
        + end(),
        [A, Logprobs((("a", -0.5),)), B, Logprobs((("b", 0.0),)), *STOP],
    ),
    "probabilities (old builds)": (
        piece(
            "a",
            completion_probabilities=[{"content": "a", "probs": [{"tok_str": "a", "prob": 1}]}],
        )
        + end(),
        [A, Logprobs((("a", 0.0),)), *STOP],
    ),
    "cut": (piece("a"), [A, TRUNCATED]),
    "nothing at all": (b"", [TRUNCATED]),
    "a pair of surrogates cut over pieces": (
        frame(b'{"content":"a\\ud83d","stop":false}')
        + frame(b'{"content":"\\ude42b","stop":false}')
        + end(),
        [A, TextDelta("🙂b"), *STOP],
    ),
    "an error in the stream": (
        piece("a") + frame({"error": {"message": "Boom"}}),
        [
            A,
            StreamError("ServerError", "Boom", raw={"error": {"message": "Boom"}}),
            Finish("error"),
        ],
    ),
    "one plain answer instead of a stream": (
        json.dumps({"content": "a", "stop": True, "stop_type": "eos"}, indent=1).encode(),
        [A, *STOP],
    ),
    "a list of plain answers": (
        json.dumps(
            [
                {"index": 0, "content": "a", "stop": True, "stop_type": "eos"},
                {"index": 1, "content": "x", "stop": True, "stop_type": "eos"},
            ]
        ).encode(),
        [A, NONE, ChoiceDelta(1, "x"), Finish("stop", "eos")],
    ),
}
NAMES = ["content", "stop", "index", "stop_type", "timings", "prompt_progress", "error"]
NAMES += ["completion_probabilities", "token", "logprob", "prob", "probs", "tok_str", "processed"]


@each_way
@pytest.mark.parametrize("raw, events", CASES.values(), ids=CASES)
def test_a_stream_gives_its_events(cut, raw, events):
    """Each case gives these events, whole and byte by byte."""
    assert decoded(DIALECT, cut(raw)) == events


@pytest.mark.parametrize("raw, events", CASES.values(), ids=CASES)
def test_the_quick_way_and_the_long_way_agree(monkeypatch, raw, events):
    """Without the typed look at the usual delta, the events are the same."""
    monkeypatch.setattr(grammar(DIALECT), "plain", lambda *_: False)
    assert decoded(DIALECT, [raw]) == events


@pytest.mark.parametrize("raw", [raw for raw, _ in CASES.values()], ids=CASES)
def test_every_stream_ends_in_one_finish(raw):
    """Cut anywhere and ended there, the last event and no other is a Finish."""
    for size in range(len(raw)):
        kinds = [type(event) for event in decoded(DIALECT, [raw[:size]])]
        assert kinds.count(Finish) == 1
        assert kinds[-1] is Finish


@given(cuts(st.sampled_from([raw for raw, _ in CASES.values()])))
def test_any_cut_of_a_stream_decodes_alike(case):
    """Where the network cuts never changes the events."""
    raw, pieces = case
    assert decoded(DIALECT, pieces) == decoded(DIALECT, [raw])


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "\\ud83d", *NAMES]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(_json, max_size=4))
def test_any_json_gives_events(payloads):
    """JSON of any shape fails nothing, and no half of a character comes out."""
    events = decoded(DIALECT, [b"".join(map(frame, payloads))])
    assert isinstance(events[-1], Finish)
    for event in events:
        if isinstance(event, (TextDelta, ReasoningDelta)):
            assert event.text
            event.text.encode()


def test_the_last_event_may_be_huge():
    """It echoes the whole prompt in one line."""
    raw = piece("a") + end(prompt="x" * 4_000_000)
    pieces = [raw[start : start + 4096] for start in range(0, len(raw), 4096)]
    assert decoded(DIALECT, pieces) == [A, *STOP]


def test_the_end_of_one_prompt_is_not_the_end_of_the_stream():
    """Other prompts of a list may follow: reading stops when the server closes."""
    decoder = DIALECT.decoder()
    decoder.feed(piece("a") + end())
    assert not decoder.finished


def test_the_body_asks_for_progress():
    """A prompt, and parameters by the server's own names."""
    request = Request("", ({"role": "user", "content": "Hi"},), params={"n_predict": 5})
    assert DIALECT.body(request) == {
        "prompt": "Hi",
        "stream": True,
        "return_progress": True,
        "n_predict": 5,
    }


def test_the_path_has_no_version():
    """The base URL is the server's, without /v1."""
    assert DIALECT.path(Request("", ())) == "/completion"
