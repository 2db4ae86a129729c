"""Several answers beside each other: each with its Stop, all on one clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser.conftest import both_kernels
from browser.lab import NotebookPage

pytestmark = pytest.mark.browser
LOAD = "%load_ext ipyllm"
# Each goes on when its file appears, and never by itself.
MODELS = """
import asyncio, pathlib

async def talk(name, words):
    flag = pathlib.Path(f"{name}.go")
    yield f"{name} speaks, "
    while not flag.exists():
        await asyncio.sleep(0.01)
    yield words

def one(prompt): return talk(TAG + "one", "and **ends**.")
def two(prompt): return talk(TAG + "two", "and ends.")
def three(prompt): return talk(TAG + "three", "and ends.")
"""
RACE = "%%llm -m python/one -m python/two -m python/three -o race\nWho is first?"
SHOW = "print([str(reply) for reply in race], [reply.finish_reason for reply in race], _llm is race[0])"
WIDGET = "application/vnd.jupyter.widget-view+json"


def racing(open_notebook, lab, kernel: str, tag: str) -> tuple[NotebookPage, Callable[[str], None]]:
    notebook = open_notebook(LOAD, f"TAG = {tag!r}{MODELS}", RACE, SHOW, kernel=kernel)
    notebook.run(0)
    notebook.run(1)
    notebook.start(2)
    for name in ("one", "two", "three"):
        notebook.wait_for_output(2, f"{tag}{name} speaks")
    return notebook, lambda name: (lab.notebooks / f"{tag}{name}.go").touch()


@both_kernels
def test_each_lane_ends_or_is_stopped_by_itself_and_all_stand_side_by_side(
    open_notebook, lab, kernel
):
    notebook, go = racing(open_notebook, lab, kernel, f"{kernel}_a_")
    stops = notebook.button(2, "Stop")
    assert stops.count() == 3
    tops = [stops.nth(i).bounding_box()["y"] for i in range(3)]
    lefts = [stops.nth(i).bounding_box()["x"] for i in range(3)]
    assert tops[0] == tops[1]
    assert lefts[0] < lefts[1]
    go("one")
    notebook.wait_for_output(2, "and ends.")
    stops.nth(1).click()
    notebook.wait_for_output(2, "stopped after")
    assert notebook.is_running(2)
    assert notebook.output(2).locator(".ipyllm-race-won").count() > 0
    notebook.button(2, "Stop all").click()
    notebook.wait_done(2)
    static = notebook.wait_until_static(2)
    assert "1st" in static.inner_text()
    notebook.run(3)
    tag = f"{kernel}_a_"
    said = [f"{tag}one speaks, and **ends**.", f"{tag}two speaks, ", f"{tag}three speaks, "]
    expected = f"{said} {['stop', 'interrupted', 'interrupted']} True"
    assert notebook.output_text(3).strip() == expected
    data = notebook.save()["cells"][2]["outputs"][0]["data"]
    assert WIDGET not in data
    assert f"{tag}three speaks" in "".join(data["text/markdown"])


@both_kernels
def test_an_interrupt_ends_all_and_keeps_what_came(open_notebook, lab, kernel):
    tag = f"{kernel}_b_"
    notebook, _ = racing(open_notebook, lab, kernel, tag)
    notebook.interrupt()
    notebook.wait_done(2)
    assert "Stopped: interrupted; what came is in `race`" in notebook.output_text(2)
    notebook.run(3)
    assert notebook.output_text(3).count("interrupted") == 3
    assert f"{tag}two speaks, " in notebook.output_text(3)
