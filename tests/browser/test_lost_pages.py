"""Pages that go while their model answers, and two that are there at once."""

from __future__ import annotations

import os
import signal
import time

import pytest
from browser.lab import Lab
from browser.models import ASK, ENDLESS, WORDS, steer
from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.browser


def test_a_page_that_is_closed_is_missed_within_a_second(fake, lab):
    notebook = fake("%load_ext ipyllm\nimport time", _timed("go"), "")
    steer(notebook, ENDLESS, 10)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "w5 ")
    closed = time.time()
    notebook.page.close(run_before_unload=False)
    kind, at = _ended(lab)
    assert kind == "ConnectionLost"
    assert at - closed < 1.0


def test_a_renderer_that_crashes_is_missed_within_five_seconds(alone, lab):
    notebook = alone("%load_ext ipyllm\nimport time", _timed("go"), "")
    steer(notebook, ENDLESS, 10)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "w5 ")
    crashed = time.time()
    for process in _renderers(notebook.page.context):
        os.kill(process, signal.SIGKILL)
    kind, at = _ended(lab)
    assert kind == "ConnectionLost"
    assert at - crashed < 5.5


def _renderers(context: BrowserContext) -> set[int]:
    session = context.browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return {process["id"] for process in found if process["type"] == "renderer"}


def _timed(prompt: str) -> str:
    """Give a cell that leaves when its answer ended, and writes it where another page can read it."""
    return (
        "try:\n"
        f"    get_ipython().run_cell_magic('llm', '-m browser', {prompt!r})\n"
        "except Exception as exc:\n"
        "    open('ended.txt', 'w').write(f'{type(exc).__name__} {time.time()} {len(_llm)}')"
    )


def _ended(lab: Lab) -> tuple[str, float]:
    path = lab.notebooks / "ended.txt"
    end = time.monotonic() + 15
    while not (path.exists() and path.read_text().count(" ") == 2):
        assert time.monotonic() < end, "the cell did not end"
        time.sleep(0.05)  # another process writes it
    kind, at, kept = path.read_text().split()
    path.unlink()
    assert int(kept) > 5
    return kind, float(at)


def test_a_reload_ends_it_and_keeps_what_came(fake):
    notebook = fake("%load_ext ipyllm", f"{ASK}go", "print(_llm.error.kind, len(_llm) > 5)")
    steer(notebook, ENDLESS, 10)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "w5 ")
    notebook.reload()
    notebook.run(2)
    assert notebook.output_text(2).strip() == "ConnectionLost True"


def test_of_two_tabs_one_runs_it(fake, faked, lab):
    notebook = fake("%load_ext ipyllm", f"{ASK}go")
    steer(notebook, WORDS)
    other = faked.context.new_page()
    try:
        other.goto(f"{lab.url}/lab/workspaces/other/tree/{notebook.path.name}?token={lab.token}")
        other.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        notebook.page.bring_to_front()
        notebook.run(0)
        notebook.run(1)
        assert "first token" in notebook.wait_until_static(1).inner_text()
        prompts = [
            page.evaluate(
                "() => fakeModel.log.filter((one) => /prompt/.test(JSON.stringify(one))).length"
            )
            for page in (notebook.page, other)
        ]
        assert sum(prompts) == 1
    finally:
        other.close()
