"""A saved answer, read where no kernel of it is left."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from browser.lab import Lab, NotebookPage
from mock_server import End, Hold, Token
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
LOAD = "%load_ext ipyllm"
ASK = "%%llm -m llamacpp/mock\nHello?"
ANSWER = [
    Token("Some thought.", reasoning=True),
    *map(Token, ["It is ", "**so**: ", "1 < 2", "\n\n- one\n- two\n\n", "```python\nx = 1\n```\n"]),
]


@pytest.fixture
def saved(open_notebook, mock) -> dict[str, Any]:
    """Give a notebook with a finished answer and an interrupted one, as JupyterLab saves it."""
    mock.answer(*ANSWER, End())
    mock.answer(Token("cut "), Token("off"), Hold())
    notebook = open_notebook(LOAD, ASK, ASK)
    notebook.run(0)
    notebook.run(1)
    notebook.start(2)
    notebook.wait_for_output(2, "cut off")
    notebook.click_stop(2)
    notebook.wait_done(2)
    notebook.wait_until_static(2)
    return notebook.save()


def test_reopened_without_a_kernel_it_reads_the_same(saved, page, lab):
    lab.shut_down_kernels()
    notebook = reopened(page, lab, saved)
    finished = notebook.output(1)
    expect(finished.locator("strong")).to_have_text("so")
    expect(finished.locator("li")).to_have_text(["one", "two"])
    expect(finished.locator("pre")).to_contain_text("x = 1")
    expect(finished.get_by_text("first token").first).to_be_visible()
    expect(finished.get_by_text("Some thought.", exact=True)).to_be_hidden()
    expect(notebook.output(2).locator("p", has_text="cut off")).to_be_visible()
    expect(notebook.output(2).get_by_text("stopped after ~2 tokens")).to_be_visible()
    for text in (notebook.output_text(1), notebook.output_text(2)):
        assert "model not found" not in text
        assert "Error displaying widget" not in text


def test_nbconvert_has_the_rendered_answer_and_its_numbers(saved, lab):
    path = lab.write_notebook("converted", saved)
    convert = [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", str(path)]
    html = subprocess.run(convert, capture_output=True, check=True, text=True).stdout
    assert "<strong>so</strong>" in html
    assert "first token" in html
    assert "cut off" in html
    assert "(streaming" not in html


def test_no_address_or_widget_state_is_saved(saved):
    assert "widgets" not in saved["metadata"]
    text = json.dumps(saved)
    assert "widget-view" not in text
    assert "127.0.0.1" not in text


def reopened(page: Any, lab: Lab, notebook: dict[str, Any]) -> NotebookPage:
    """Open it as another person does: not trusted, and with a kernel that is not installed."""
    spec = {"name": "elsewhere", "display_name": "Elsewhere", "language": "python"}
    other = notebook | {"metadata": notebook["metadata"] | {"kernelspec": spec}}
    path = lab.write_notebook("reopened", other)
    view = NotebookPage(page, lab, path, with_kernel=False)
    dialog = page.locator(".jp-Dialog", has_text="Select Kernel")
    dialog.get_by_role("button", name="No Kernel").click()
    expect(dialog).to_have_count(0)
    cells = "window.jupyterapp.shell.currentWidget.content.model.cells"
    assert page.evaluate(f"{cells}.get(1).trusted") is False
    return view
