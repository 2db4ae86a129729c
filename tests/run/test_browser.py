"""Answers out of a page: what is asked, whose clock counts, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from fake_page import DONE, Page, chunk

from ipyllm.errors import ModelUnavailable, UsageError
from ipyllm.events import Finish, Notice, TextDelta, Usage
from ipyllm.request import Request
from ipyllm.run.browser import BrowserSource, prompt_job, script_job
from ipyllm.run.pump import Run
from ipyllm.run.sink import NullSink
from ipyllm.run.source import source_for
from ipyllm.transport.limits import Limits

ASKED = Request("", ({"role": "user", "content": "Hi"},), "Be brief.")
CREATED = {"op": "created", "ms": 250.0, "usage": 10, "window": 100, "input": 4}


def answer(page: Page | None, request: Request = ASKED) -> Any:
    source = BrowserSource("browser", prompt_job, request, Limits())
    source.page = page
    run = Run(source, NullSink())
    run.start()
    return run.pump()


def test_the_request_as_the_page_gets_it():
    page = Page(chunk("Hello"), DONE)
    reply = answer(page)
    assert (reply, reply.finish_reason, reply.model) == ("Hello", "stop", "browser")
    run = next(content for content in page.sent if content["op"] == "run")
    assert run["prompt"] == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
        ],
        "schema": None,
        "stop": [],
        "inputs": ["en"],
        "outputs": ["en"],
    }


def test_stop_sequences_languages_and_a_form_are_handed_over():
    params = {"stop": "END", "output_languages": ["de"]}
    job = prompt_job(Request("", ASKED.messages, params=params, schema={"type": "object"}))
    assert job.prompt is not None
    assert job.prompt["stop"] == ["END"]
    assert (job.prompt["inputs"], job.prompt["outputs"]) == (["en"], ["de"])
    assert job.prompt["schema"] == {"type": "object"}


def test_an_answer_that_is_to_be_continued_is_a_prefix():
    messages = [*ASKED.messages, {"role": "assistant", "content": "Hel"}]
    job = prompt_job(Request("", messages))
    assert job.prompt is not None
    assert job.prompt["messages"][-1] == {"role": "assistant", "content": "Hel", "prefix": True}


@pytest.mark.parametrize(
    "request_, words",
    [
        (Request("", ASKED.messages, params={"temperature": 0}), "takes no temperature.*ignore"),
        (Request("", ASKED.messages, params={"top_k": 1}), "takes no top_k"),
        (Request("", ASKED.messages, params={"max_tokens": 1}), "--budget 200tok"),
        (Request("", ASKED.messages, params={"seed": 1}), "the API has none"),
        (Request("", ASKED.messages, params={"frequency": 1}), "knows no such parameter"),
        (Request("", ASKED.messages, tools=[{"type": "function"}]), "takes no tools"),
        (Request("", ASKED.messages, params={"stop": [1]}), "stop takes text"),
        (Request("", ({"role": "tool", "content": "x"},)), "no messages of role 'tool'"),
        (
            Request("", ({"role": "user", "content": [{"type": "image_url"}]},)),
            "takes text only.*image_url",
        ),
    ],
)
def test_what_a_page_would_ignore_or_refuse_is_refused_here(request_, words):
    with pytest.raises(UsageError, match=words):
        source_for("browser", request_, Limits())


def test_parts_of_text_are_one_text():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    job = prompt_job(Request("", ({"role": "user", "content": parts},)))
    assert job.prompt is not None
    assert job.prompt["messages"] == [{"role": "user", "content": "ab"}]


def test_a_browser_has_one_model():
    with pytest.raises(UsageError, match="Write -m browser"):
        source_for("browser/nano", ASKED, Limits())


def test_without_a_page_nothing_is_waited_for():
    reply = answer(None)
    assert reply.finish_reason == "error"
    assert "runs in the page of an open notebook" in reply.error.message


def test_a_model_that_is_not_there_is_not_asked_again():
    page = Page(state="no-api")
    reply = answer(page)
    assert reply.error.kind == ModelUnavailable.__name__
    assert page.ops.count("who") == 1


# times and counts, from what the page says at times that are ours


class Deliveries:
    """Takes what a source delivers."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.at: list[float] = []

    def __call__(self, item, /, at=None):
        self.events += item
        self.at += [at] * len(item)


def told(*said: tuple[Any, float]) -> tuple[BrowserSource, Deliveries, Any]:
    from ipyllm.transport.http import Marks

    source = BrowserSource("browser", prompt_job, ASKED, Limits())
    got, marks = Deliveries(), Marks(lambda: 0.0)
    for one, now in said:
        source._tell(one, now, got, marks)
    return source, got, marks


def test_ttft_is_the_browsers_and_creation_is_apart():
    from ipyllm.transport.page_talk import Chunks, Created

    created = Created(0.25, 10, 100, 4)
    chunks = [Chunks((("Hel", 0.5),)), Chunks((("lo", 0.6), ("!", 0.7)))]
    source, got, marks = told((created, 7.0), (chunks[0], 7.9), (chunks[1], 8.05))
    assert source.load == 0.25
    assert marks.sent == pytest.approx(7.4)  # 0.5 s before the first chunk came to us
    texts = [(event, at) for event, at in zip(got.events, got.at, strict=True) if at is not None]
    assert [event for event, _ in texts] == [TextDelta("Hel"), TextDelta("lo"), TextDelta("!")]
    assert [at for _, at in texts] == pytest.approx([7.9, 8.0, 8.05])  # never later than it came


def test_tokens_are_worked_out_from_the_context_and_said_to_be():
    from ipyllm.transport.page_talk import Created, Done

    source, got, _ = told((Created(None, 10, 100, 4), 1.0), (Done(40, 100, 1, "END"), 2.0))
    usage, notice, finish = got.events[-3:]
    assert usage == Usage(4, 26, estimated=True, context_used=40, context_window=100)
    assert isinstance(notice, Notice)
    assert "oldest turns were dropped" in notice.text
    assert finish == Finish("stop", "END")
    assert source.gauge == (0.4, "40 of 100 tokens of context", False)


def test_a_browser_that_tells_no_numbers_leaves_them_out():
    from ipyllm.transport.page_talk import Created, Done

    source, got, _ = told((Created(None, None, None, None), 1.0), (Done(None, None, 0, None), 2.0))
    assert got.events[-2:] == [Usage(estimated=True), Finish("stop")]
    assert source.gauge is None


def test_a_download_shows_how_far_it_is():
    from ipyllm.transport.page_talk import Gesture, Loading

    source, got, _ = told((Gesture(), 1.0), (Loading(0.43), 2.0))
    assert [event.kind for event in got.events] == ["loading", "loading"]
    assert source.gauge == (0.43, "43%", False)


def test_the_next_turn_goes_the_same_way():
    page = Page()
    source = BrowserSource("browser", prompt_job, ASKED, Limits())
    source.page = page
    assert source.more([{"role": "user", "content": "More"}]).page is page


def test_a_script_is_no_prompt():
    job = script_job("fetch('x')")(ASKED)
    assert (job.js, job.prompt) == ("fetch('x')", None)
