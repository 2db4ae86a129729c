"""Legacy completions: text, several choices, logprobs, ends, and the prompt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cuts import cuts, each_way
from frames import DONE, decoded, frame, grammar
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.dialects.openai_completions import COMPLETIONS as DIALECT
from ipyllm.errors import UsageError
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

STOP, TRUNCATED = Finish("stop", "stop"), Finish("truncated")
A, B = TextDelta("a"), TextDelta("b")


def chunk(text: Any = "", finish: Any = None, index: int = 0, **more: Any) -> bytes:
    choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
    choice |= {key: more.pop(key) for key in ("logprobs",) if key in more}
    return frame({"object": "text_completion", "model": "m", "choices": [choice], **more})


END = chunk("", "stop")
USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 2},
}
COUNTED = Usage(5, 7, None, 2, USAGE)

CASES: dict[str, tuple[bytes, list[Event]]] = {
    "text": (chunk("a") + chunk("b") + END + DONE, [A, B, STOP]),
    "no DONE": (chunk("a") + END, [A, STOP]),
    "text and the end in one chunk (vLLM)": (
        chunk("a") + chunk("b", "length", usage=None) + DONE,
        [A, B, Finish("length", "length")],
    ),
    "usage after the end": (
        chunk("a") + END + frame({"choices": [], "usage": USAGE}) + DONE,
        [A, COUNTED, STOP],
    ),
    "usage and timings on the last chunk (llama.cpp)": (
        chunk("a") + chunk("", "stop", usage=USAGE, timings={"predicted_n": 1}) + DONE,
        [A, COUNTED, Notice("timings", '{"predicted_n": 1}'), STOP],
    ),
    "progress of the prompt (llama.cpp)": (
        chunk("", prompt_progress={"total": 9, "processed": 4}) + chunk("a") + END,
        [Progress(4, 9), A, STOP],
    ),
    "several choices": (
        chunk("a") + chunk("x", index=1) + chunk("", "length", 1) + chunk("b") + END + DONE,
        [A, ChoiceDelta(1, "x"), B, STOP],
    ),
    "several choices, the answer cut": (
        chunk("a") + chunk("x", "stop", 1),
        [A, ChoiceDelta(1, "x"), TRUNCATED],
    ),
    "another choice is cut off": (
        chunk("a") + chunk("x", index=1) + END,
        [A, ChoiceDelta(1, "x"), TRUNCATED],
    ),
    "logprobs in lists, null for the first of an echo": (
        chunk("a", logprobs={"tokens": ["<s>", "a"], "token_logprobs": [None, -0.5]}) + END,
        [A, Logprobs((("a", -0.5),)), STOP],
    ),
    "logprobs as in chat (llama.cpp)": (
        chunk("a", logprobs={"content": [{"token": "a", "logprob": -1}]}) + END,
        [A, Logprobs((("a", -1.0),)), STOP],
    ),
    "chat's shape at this address": (
        frame({"choices": [{"index": 0, "delta": {"content": "a"}}]}) + END,
        [A, STOP],
    ),
    "a filter": (chunk("", "content_filter"), [Finish("content_filter", "content_filter")]),
    "a word of its own": (chunk("a", "tired") + DONE, [A, Finish("stop", "tired")]),
    "an empty finish_reason": (chunk("a", "") + DONE, [A, Finish("stop")]),
    "DONE alone": (DONE, [TRUNCATED]),
    "cut": (chunk("a"), [A, TRUNCATED]),
    "nothing at all": (b"", [TRUNCATED]),
    "a pair of surrogates cut over deltas": (
        frame(b'{"choices":[{"text":"a\\ud83d"}]}')
        + frame(b'{"choices":[{"text":"\\ude42b"}]}')
        + END,
        [A, TextDelta("🙂b"), STOP],
    ),
    "an error in the stream": (
        chunk("a") + frame({"error": {"message": "Boom"}}) + DONE,
        [
            A,
            StreamError("ServerError", "Boom", raw={"error": {"message": "Boom"}}),
            Finish("error"),
        ],
    ),
    "one plain answer instead of a stream": (
        json.dumps(
            {
                "object": "text_completion",
                "choices": [
                    {"index": 0, "text": "a", "finish_reason": "stop"},
                    {"index": 1, "text": "x", "finish_reason": "stop"},
                ],
                "usage": USAGE,
            },
            indent=1,
        ).encode(),
        [A, ChoiceDelta(1, "x"), COUNTED, STOP],
    ),
}
NAMES = ["choices", "text", "index", "logprobs", "tokens", "token_logprobs", "finish_reason"]
NAMES += ["usage", "timings", "prompt_progress", "content", "delta", "error"]


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


def sent(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return DIALECT.body(Request("m", messages, **more))


def said(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def test_one_question_is_the_prompt():
    """The prompt is what the user wrote, below the system prompt."""
    assert sent(said("user", "Once upon")) == {
        "model": "m",
        "prompt": "Once upon",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert sent(said("user", "Hi"), system="Be brief.")["prompt"] == "Be brief.\n\nHi"
    parts = [{"type": "text", "text": "Hi"}]
    assert sent(said("system", "Be brief."), said("user", parts))["prompt"] == "Be brief.\n\nHi"


def test_a_conversation_is_a_transcript():
    """The model goes on where the transcript ends."""
    talk = [said("user", "Hi"), said("assistant", "Hello.")]
    hello = "User: Hi\n\nAssistant: Hello."
    assert sent(*talk)["prompt"] == hello
    more = sent(*talk, said("user", "Who?"), system="Be brief.")["prompt"]
    assert more == f"Be brief.\n\n{hello}\n\nUser: Who?\n\nAssistant:"


def test_a_prompt_of_ones_own_stands():
    """`prompt` among the parameters is sent in place of the messages."""
    assert sent(said("judge", "x"), params={"prompt": [1, 2], "n": 2})["prompt"] == [1, 2]


@pytest.mark.parametrize(
    "message",
    [
        said("judge", "x"),
        said("tool", "42"),
        said("user", [{"type": "image_url", "image_url": {"url": "x"}}]),
        said("assistant", None) | {"tool_calls": [{"id": "c"}]},
    ],
)
def test_what_no_prompt_can_say_is_refused(message):
    """Nothing is dropped in silence."""
    with pytest.raises(UsageError, match="completions API"):
        sent(message)


def test_tools_are_refused():
    """An answer that could never call them would be a surprise."""
    with pytest.raises(UsageError, match="takes no tools"):
        sent(said("user", "Hi"), tools=({"type": "function"},))
