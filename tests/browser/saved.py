"""A notebook with answers as JupyterLab saves it, and how another person opens it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from browser.lab import Lab, NotebookPage
from mock_server import End, Hold, MockServer, Token
from playwright.sync_api import Page, expect

__all__ = (
    "ANSWER",
    "ASK",
    "LOAD",
    "choose_no_kernel",
    "finished_and_stopped",
    "received",
    "reopened",
)

LOAD = "%load_ext ipyllm"
ASK = "%%llm -m llamacpp/mock\nHello?"
ANSWER = [
    Token("Some thought.", reasoning=True),
    *map(Token, ["It is ", "**so**: ", "1 < 2", "\n\n- one\n- two\n\n", "```python\nx = 1\n```\n"]),
]


def finished_and_stopped(
    open_notebook: Callable[..., NotebookPage],
    mock: MockServer,
    settled: Callable[[NotebookPage, int], object],
) -> dict[str, Any]:
    """Save a notebook with a finished answer and a stopped one; `settled` waits for the latter's cell."""
    mock.answer(*ANSWER, End())
    mock.answer(Token("cut "), Token("off"), Hold())
    notebook = open_notebook(LOAD, ASK, ASK)
    notebook.run(0)
    notebook.run(1)
    notebook.start(2)
    notebook.wait_for_output(2, "cut off")
    notebook.click_stop(2)
    notebook.wait_done(2)
    settled(notebook, 2)
    mock.reset()  # the answer that held is not for the next test
    return notebook.save()


def reopened(
    page: Page, lab: Lab, notebook: dict[str, Any], *, trusted: bool = False
) -> NotebookPage:
    """Open it as another person does: with a kernel that is not installed."""
    path = received(lab, notebook, trusted=trusted)
    view = NotebookPage(page, lab, path, with_kernel=False)
    choose_no_kernel(page)
    told = page.evaluate("""() => {
      const { cells } = window.jupyterapp.shell.currentWidget.content.model;
      return Array.from({ length: cells.length }, (_, number) => cells.get(number).trusted);
    }""")
    assert told == [trusted] * len(notebook["cells"])
    return view


def received(lab: Lab, notebook: dict[str, Any], *, trusted: bool) -> Path:
    """Write it as it comes to another person: its kernel is not installed there."""
    spec = {"name": "elsewhere", "display_name": "Elsewhere", "language": "python"}
    # No two alike: what was trusted once is, wherever it lies.
    metadata = notebook["metadata"] | {"kernelspec": spec, "copy": secrets.token_hex(8)}
    other = notebook | {"metadata": metadata}
    path = lab.write_notebook(f"reopened-{trusted}", other)
    if trusted:
        lab.trust(path)
    return path


def choose_no_kernel(page: Page) -> None:
    """Answer what JupyterLab and Notebook 7 ask then."""
    dialog = page.locator(".jp-Dialog", has_text="Select Kernel")
    dialog.get_by_role("button", name="No Kernel").click()
    expect(dialog).to_have_count(0)
