"""A saved answer, read where no kernel of it is left."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import Any

import pytest
from browser.lab import NotebookPage
from browser.saved import finished_and_stopped, reopened
from browser.tab import opening
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def saved(plain_lab, _tab, _mock_server, request) -> dict[str, Any]:
    """Give a notebook with a finished answer and an interrupted one, as JupyterLab saves it."""
    with contextmanager(opening)(_tab, plain_lab, request) as open_notebook:
        return finished_and_stopped(open_notebook, _mock_server, NotebookPage.wait_until_static)


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
