"""Tab in a prompt, in JupyterLab and in Notebook 7, which style it as prose and ask the kernel still."""

from __future__ import annotations

import pytest
from browser.lab import NotebookPage
from browser.test_labextension import PROMPT, lab, open_either  # noqa: F401 - fixtures
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

LOAD = "%load_ext ipyllm\nperson = {'name': 'Ada'}\nweather = print\nwhether = len"


@pytest.fixture
def notebook(open_either) -> NotebookPage:  # noqa: F811
    """Give a notebook whose second cell is a prompt that waits."""
    notebook = open_either(LOAD, "%%llm\nhello")
    notebook.run(0)
    expect(notebook.cell(1).locator(PROMPT)).to_have_count(1)
    return notebook


def type_and_tab(notebook: NotebookPage, text: str) -> Locator:
    """Put this in the second cell's place, key by key, and press Tab; gives what is offered."""
    notebook.cell(1).locator(".cm-content").click()
    keyboard = notebook.page.keyboard
    keyboard.press("ControlOrMeta+a")
    keyboard.type(text)
    keyboard.press("Tab")
    return notebook.page.locator(".jp-Completer:visible .jp-Completer-item")


def test_flags_names_and_references_are_chosen(notebook):
    """One page for all: opening Notebook 7 takes longer than the rest."""
    line = notebook.cell(1).locator(".cm-line")
    offered = type_and_tab(notebook, "%%llm -T w")  # two fit, and the second is taken
    expect(offered.filter(has_text="weather")).to_have_count(1)
    offered.filter(has_text="whether").click()
    expect(line.first).to_have_text("%%llm -T whether")

    row = type_and_tab(notebook, "%%llm --re").filter(has_text="--retries")
    expect(row).to_contain_text("ask again")
    notebook.page.keyboard.press("Escape")

    offered = type_and_tab(notebook, "%%llm\nHello {pers")  # the one that fits, with what it is
    expect(offered).to_have_count(1)
    expect(offered).to_contain_text("dict")
    notebook.page.keyboard.press("Enter")
    expect(line.nth(1)).to_have_text("Hello {person")
