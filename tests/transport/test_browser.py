"""One run in a page, from the kernel's side: a page that is a Python object here."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_page import DONE, Page, chunk

from ipyllm import errors
from ipyllm.transport.browser import pages, talk
from ipyllm.transport.limits import Limits
from ipyllm.transport.page_talk import Chunks, Done, Job

PROMPT = Job(prompt={"messages": []})


async def said(page: Page, job: Job = PROMPT, **limits: float) -> list[Any]:
    out: list[Any] = []
    clock = asyncio.get_running_loop().time
    given = Limits(**limits)
    await talk(page, job, lambda one, _: out.append(one), limits=given, clock=clock)
    return out


async def test_a_run_goes_from_who_to_done():
    page = Page(chunk("Hi"), DONE)
    out = await said(page)
    assert out[-2:] == [Chunks((("Hi", 0.005),)), Done(3.0, 9.0, 0, None)]
    assert page.ops == ["who", "run", "over"]
    assert page.hearing == []


async def test_an_error_after_text_comes_after_the_text():
    page = Page(chunk("Hi"), {"op": "error", "stage": "stream", "name": "UnknownError"})
    out: list[Any] = []
    clock = asyncio.get_running_loop().time
    with pytest.raises(errors.ServerError):
        await talk(page, PROMPT, lambda one, _: out.append(one), limits=Limits(), clock=clock)
    assert out[-1] == Chunks((("Hi", 0.005),))
    assert page.hearing == []


async def test_a_cancel_stops_the_page():
    page = Page(chunk("Hi"))
    task = asyncio.ensure_future(said(page))
    while "run" not in page.ops:  # noqa: ASYNC110 - the loop's next turns
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert page.ops[-1] == "abort"
    assert page.hearing == []


async def test_a_limit_stops_the_page_too():
    page = Page(chunk("Hi"))
    with pytest.raises(errors.Timeout, match=r"No whole answer within 0\.05 s"):
        await said(page, total=0.05)
    assert page.ops[-1] == "abort"


async def test_a_page_without_a_model_gets_no_run():
    page = Page(state="no-api")
    with pytest.raises(errors.ModelUnavailable, match="no model of its own"):
        await said(page)
    assert "run" not in page.ops


async def test_two_runs_at_once_do_not_mix():
    page = Page(chunk("Hi"), DONE)
    first, second = await asyncio.gather(said(page), said(page))
    assert first[-2:] == second[-2:] == [Chunks((("Hi", 0.005),)), Done(3.0, 9.0, 0, None)]
    assert len({content["id"] for content in page.sent if content["op"] == "run"}) == 2


async def test_pages_says_who_is_there():
    page = Page(state="downloadable")
    found = await pages(page, clock=asyncio.get_running_loop().time, patience=1)
    assert [(one.client, one.state, one.usable) for one in found] == [("a", "downloadable", True)]
    assert page.ops == ["who"]
    assert page.hearing == []
