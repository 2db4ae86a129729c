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


def test_a_flag_and_a_function_are_chosen(notebook):
    """Two fit, and the second is taken."""
    offered = type_and_tab(notebook, "%%llm -T w")
    expect(offered.filter(has_text="weather")).to_have_count(1)
    expect(offered.filter(has_text="whether")).to_have_count(1)
    offered.filter(has_text="whether").click()
    expect(notebook.cell(1).locator(".cm-line").first).to_have_text("%%llm -T whether")


def test_flags_say_what_they_do(notebook):
    offered = type_and_tab(notebook, "%%llm --re")
    row = offered.filter(has_text="--retries")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("ask again")
    notebook.page.keyboard.press("Escape")


def test_a_name_in_a_prompt_is_completed(notebook):
    """The one that fits, with what it is."""
    offered = type_and_tab(notebook, "%%llm\nHello {pers")
    expect(offered).to_have_count(1)
    expect(offered).to_contain_text("dict")
    notebook.page.keyboard.press("Enter")
    expect(notebook.cell(1).locator(".cm-line").nth(1)).to_have_text("Hello {person")


def test_prose_gets_no_python(notebook):
    """`imp` in a Python cell is offered `import`; the words of the page may be offered here."""
    offered = type_and_tab(notebook, "%%llm\nThis is imp")
    notebook.page.wait_for_timeout(1500)
    assert offered.filter(has_text="import").count() == 0
