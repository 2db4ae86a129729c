"""What kernel and page say to each other, whatever the order it comes in."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm import errors
from ipyllm.transport.page_talk import (
    Chunks,
    Created,
    Done,
    Failed,
    Gesture,
    Job,
    Loading,
    PageTalk,
)

PROMPT = Job(prompt={"messages": []})


def page(op: str, seq: int | None = None, client: str = "a", **more: object) -> dict[str, Any]:
    numbered = {} if seq is None else {"id": "7", "seq": seq}
    return {"kind": "browser", "op": op, "client": client, **numbered, **more}


def hello(client: str = "a", state: str = "available", **more: object) -> dict[str, Any]:
    return page("hello", client=client, state=state, agent="Chrome 148", reason="", **more)


def begun(job: Job = PROMPT, **more: object) -> PageTalk:
    talk = PageTalk("7", job, patience=10)
    talk.due(0.0)
    talk.hear(hello(focused=True, **more), 0.01)
    [run] = talk.due(0.01)
    assert run["op"] == "run"
    return talk


def chunk(seq: int, text: str) -> dict[str, Any]:
    return page("chunk", seq, parts=[[text, 10.0 * seq]])


def text_of(said: list[Any]) -> str:
    return "".join(text for one in said if isinstance(one, Chunks) for text, _ in one.parts)


def test_it_asks_who_is_there_four_times_a_second_until_a_page_answers():
    talk = PageTalk("7", PROMPT, patience=10)
    asked = [talk.due(0.05 * step) for step in range(20)]
    assert [i for i, messages in enumerate(asked) if messages] == [0, 5, 10, 15]
    assert asked[0] == [{"kind": "browser", "op": "who"}]


def test_the_page_in_front_of_the_user_gets_the_run_at_once():
    talk = PageTalk("7", PROMPT, patience=10)
    talk.due(0.0)
    talk.hear(hello("back", visible=True), 0.01)
    talk.hear(hello("front", focused=True), 0.02)
    [run] = talk.due(0.02)
    assert (run["op"], run["client"], run["id"], run["js"]) == ("run", "front", "7", None)
    assert run["prompt"] == {"messages": []}


def test_without_a_focus_the_best_page_gets_it_a_moment_later():
    talk = PageTalk("7", PROMPT, patience=10)
    talk.due(0.0)
    talk.hear(hello("hidden"), 0.01)
    talk.hear(hello("none", state="no-api", visible=True), 0.02)
    talk.hear(hello("seen", visible=True), 0.03)
    assert talk.due(0.05) == []
    assert talk.due(0.12)[0]["client"] == "seen"


def test_a_focused_page_without_a_model_does_not_take_it_from_one_that_has_one():
    talk = PageTalk("7", PROMPT, patience=10)
    talk.due(0.0)
    talk.hear(hello("front", state="no-api", focused=True), 0.01)
    talk.hear(hello("other"), 0.02)
    assert talk.due(0.2)[0]["client"] == "other"


def test_a_script_needs_no_model():
    assert begun(Job(js="x"), state="no-api").due(0.02) == []


def test_nobody_there_is_said_after_the_patience():
    talk = PageTalk("7", PROMPT, patience=2)
    talk.due(0.0)
    assert talk.due(1.99)
    with pytest.raises(
        errors.ModelUnavailable, match="No page of this notebook answered within 2 s"
    ):
        talk.due(2.0)
    assert talk.over


@pytest.mark.parametrize(
    "state, reason, words",
    [
        ("no-api", "", "no model of its own.*Chrome 148"),
        ("insecure", "", "plain http.*https"),
        ("unavailable", "NotSupportedError: the service is not running.", "service is not running"),
        ("unavailable", "NotAllowedError: the Permission Policy", "allow=.language-model"),
        ("unavailable", "", "unavailable"),
    ],
)
def test_a_page_without_a_model_says_why(state, reason, words):
    talk = PageTalk("7", PROMPT, patience=10)
    talk.due(0.0)
    talk.hear(page("hello", state=state, reason=reason, agent="Chrome 156"), 0.01)
    with pytest.raises(errors.ModelUnavailable, match=f"Chrome 156 .*{words}"):
        talk.due(0.3)


RUN = [
    page("progress", 0, loaded=0.5),
    page("created", 1, ms=120.0, usage=5, window=1000, input=None),
    chunk(2, "Hel"),
    chunk(3, "lo"),
    page("done", 4, usage=20, window=1000, overflows=1, stopped="END"),
]
SAID = [
    Loading(0.5),
    Created(0.12, 5.0, 1000.0, None),
    Chunks((("Hel", 0.02),)),
    Chunks((("lo", 0.03),)),
    Done(20.0, 1000.0, 1, "END"),
]


@pytest.mark.parametrize("order", list(permutations(range(5))))
def test_in_any_order_it_says_the_same(order):
    talk = begun()
    said = [one for number in order for one in talk.hear(RUN[number], 1.0)]
    assert said == SAID
    assert talk.over


def test_what_comes_twice_counts_once():
    talk = begun()
    said = [one for each in RUN for _ in range(2) for one in talk.hear(each, 1.0)]
    assert said == SAID


@given(st.lists(st.text(max_size=3), min_size=1, max_size=20), st.randoms())
def test_whatever_the_ways_do_nothing_is_lost_or_moved(texts, chance):
    talk = begun()
    sent = [chunk(seq, text) for seq, text in enumerate(texts)]
    came = sent + chance.choices(sent, k=len(sent))
    chance.shuffle(came)
    assert text_of([one for each in came for one in talk.hear(each, 1.0)]) == "".join(texts)


def test_another_page_and_another_run_do_not_get_in():
    talk = begun()
    assert talk.hear(page("chunk", 0, client="b", parts=[["no", 1]]), 1.0) == []
    assert talk.hear(page("chunk", 0, parts=[["no", 1]]) | {"id": "8"}, 1.0) == []
    assert talk.hear(page("bye", client="b"), 1.0) == []
    assert text_of(talk.hear(chunk(0, "yes"), 1.0)) == "yes"


def test_a_ping_says_what_is_waited_for():
    talk = begun()
    talk.hear(chunk(0, "a"), 0.5)
    talk.hear(chunk(2, "c"), 0.5)
    assert talk.due(1.0) == []
    [ping] = talk.due(1.02)
    assert (ping["op"], ping["client"], ping["next"]) == ("ping", "a", {"7": 1})


def test_silence_ends_it_and_a_pong_does_not_let_it():
    talk = begun()
    for second in (1, 2, 3, 4, 5):
        talk.due(second)
        talk.hear(page("pong"), second + 0.01)
    talk.due(9.0)
    with pytest.raises(errors.ConnectionLost, match="did not answer for 4 s") as raised:
        talk.due(9.02)
    assert raised.value.retry is False


def test_a_page_that_goes_ends_it():
    talk = begun()
    [failed] = talk.hear(page("bye"), 1.0)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, errors.ConnectionLost)
    assert talk.over
    assert talk.hear(chunk(0, "late"), 1.1) == []


def test_a_run_that_is_over_is_forgotten_there_too():
    talk = begun()
    talk.hear(page("done", 0), 1.0)
    assert talk.close() == [{"kind": "browser", "op": "over", "id": "7"}]


def test_an_abort_is_said_only_to_a_run_that_goes_on():
    talk = begun()
    assert talk.close() == [{"kind": "browser", "op": "abort", "id": "7"}]
    assert PageTalk("7", PROMPT, patience=1).close() == []


def test_a_click_is_waited_for():
    assert begun().hear(page("gesture", 0), 0.1) == [Gesture()]


def error(stage: str, name: str, message: str = "m", **more: object) -> errors.IpyllmError:
    said = begun().hear(page("error", 0, stage=stage, name=name, message=message, **more), 1.0)
    assert isinstance(said[0], Failed)
    return said[0].error


@pytest.mark.parametrize(
    "stage, name, message, kind, words",
    [
        (
            "create",
            "NotSupportedError",
            "The service is not running.",
            "ModelUnavailable",
            "service",
        ),
        ("create", "NotAllowedError", "Requires a user gesture", "ModelUnavailable", "Click into"),
        ("create", "NotAllowedError", "Permission Policy", "ModelUnavailable", "iframe allow"),
        ("create", "NetworkError", "", "ConnectionLost", "download.*network"),
        ("prompt", "NotSupportedError", "languages", "BadRequest", "languages"),
        ("stream", "NotReadableError", "filtered", "ContentFiltered", "filtered"),
        ("prompt", "InvalidStateError", "destroyed", "ConnectionLost", "session was ended"),
        ("stream", "AbortError", "", "ConnectionLost", "it did not say why"),
        ("stream", "OperationError", "", "ServerError", "OperationError"),
        ("stream", "UnknownError", "x", "ServerError", "UnknownError: x"),
        ("prompt", "SyntaxError", "prefix", "BadRequest", "prefix"),
        ("prompt", "TypeError", "shape", "BadRequest", "shape"),
        ("js", "ReferenceError", "x is not defined", "ServerError", "stream failed.*not defined"),
    ],
)
def test_each_error_of_the_browser_has_its_words(stage, name, message, kind, words):
    found = error(stage, name, message)
    assert type(found).__name__ == kind
    with pytest.raises(errors.IpyllmError, match=words):
        raise found


def test_a_prompt_that_is_too_long_says_by_how_much():
    found = error("prompt", "QuotaExceededError", quota=1000, requested=1234)
    assert isinstance(found, errors.ContextTooLong)
    assert "1,234 tokens, 234 more than the 1,000" in str(found)
    without = error("prompt", "QuotaExceededError", "The input is too large.")
    assert "too large" in str(without)


@given(
    st.dictionaries(
        st.sampled_from(["op", "client", "id", "seq", "parts", "loaded", "state", "ms", "usage"]),
        st.one_of(
            st.none(),
            st.sampled_from(["hello", "chunk", "done", "error", "created", "a", "7"]),
            st.integers(-1, 2),
            st.lists(st.integers(0, 2), max_size=2),
        ),
    )
)
def test_garbage_from_a_page_breaks_nothing(content):
    talk = begun()
    talk.hear(content, 1.0)
