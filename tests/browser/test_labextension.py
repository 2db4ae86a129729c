"""The JupyterLab extension, as it is built, in JupyterLab and in Notebook 7."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browser.lab import BOXES, CELL_LIMIT, Lab, NotebookPage
from browser.models import ASK as ASK_PAGE
from browser.models import WORDS, steer
from browser.saved import (
    ASK,
    LOAD,
    choose_no_kernel,
    finished_and_stopped,
    received,
    reopened,
)
from browser.tab import opening
from mock_server import End, Hold, Pause, Token
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser
SAVED = '.ipyllm-saved[data-mime-type="application/vnd.ipyllm.v1+json"]'
JSON_TYPE = "application/vnd.ipyllm.v1+json"
PROMPT = '[data-language="ipyllm-prompt"]'
# What is painted with the first text that has these letters in it.
STYLE = """(editor, words) => {
  const walk = document.createTreeWalker(editor, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    if (!walk.currentNode.data.includes(words)) continue;
    const { color, fontWeight, fontStyle } = getComputedStyle(walk.currentNode.parentElement);
    return { color, fontWeight, fontStyle };
  }
  throw new Error(`${words} is not there`);
}"""
# The height of a cell's output in every frame; null where there is nothing in it.
HEIGHTS = """area => {
  const seen = window.seen = [];
  const look = () => {
    const box = area.getBoundingClientRect();
    const empty = !area.querySelector(".ipyllm");
    if (seen.at(-1) !== (empty ? null : box.height)) seen.push(empty ? null : box.height);
    window.looking = requestAnimationFrame(look);
  };
  look();
}"""


@pytest.fixture
def lab(extended_lab: Lab) -> Lab:
    return extended_lab


@pytest.fixture(params=["lab", "notebook"])
def open_either(request, page, lab, chromium) -> Iterator[Any]:
    """Give a function that opens sources in JupyterLab, then in Notebook 7."""
    opened: list[Page] = []

    def open_(*sources: str) -> NotebookPage:
        path = lab.write(f"{request.param}-{len(opened)}", sources, "ipykernel7")
        if request.param == "lab":
            return NotebookPage(page, lab, path)
        opened.append(chromium.new_page(viewport={"width": 1200, "height": 900}))
        return Notebook7(opened[-1], lab, path)

    yield open_
    for each in opened:
        each.close()
    lab.shut_down_kernels()


class Notebook7(NotebookPage):
    """One notebook in Notebook 7, which the same server has."""

    def __init__(self, page: Page, lab: Lab, path: Path, *, with_kernel: bool = True) -> None:
        self.page = page
        self.path = path
        self.reloaded = False
        page.goto(f"{lab.url}/notebooks/{path.name}?token={lab.token}")
        self._wait_for_cells()
        if with_kernel:
            self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        idle = self.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        idle.wait_for(state="attached", timeout=60_000)


@contextmanager
def reopened_in_7(
    chromium: Browser, lab: Lab, notebook: dict[str, Any], *, trusted: bool
) -> Iterator[NotebookPage]:
    """As `reopened`, in Notebook 7."""
    page = chromium.new_page(viewport={"width": 1200, "height": 900})
    path = received(lab, notebook, trusted=trusted)
    view = Notebook7(page, lab, path, with_kernel=False)
    choose_no_kernel(page)
    status = page.locator(".jp-NotebookTrustedStatus")
    expect(status).to_have_text("Trusted" if trusted else "Not Trusted")
    yield view
    page.close()


def wait_until_saved(notebook: NotebookPage, number: int) -> Locator:
    """Wait until a cell's live answer is one that is in the notebook."""
    shown = notebook.output(number).locator(f"{SAVED} .ipyllm-strip")
    shown.wait_for(timeout=CELL_LIMIT * 1000)
    return notebook.output(number).locator(SAVED)


def style(notebook: NotebookPage, number: int, words: str) -> dict[str, str]:
    return notebook.cell(number).locator(".cm-content").evaluate(STYLE, words)


def choose_theme(page: Page, name: str) -> None:
    page.evaluate(
        f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: {name!r}}})"
    )


def test_it_is_listed_as_enabled_and_ok(lab):
    folder = lab.notebooks.parent
    command = [sys.executable, "-m", "jupyter", "labextension", "list"]
    listed = subprocess.run(
        command, env=lab._environment(folder), capture_output=True, check=True, text=True
    )
    lines = [line for line in (listed.stdout + listed.stderr).splitlines() if " ipyllm " in line]
    assert len(lines) == 1
    assert "enabled" in lines[0]
    assert "OK" in lines[0]
    assert "disabled" not in lines[0]


def test_a_prompt_reads_as_a_command_and_prose(open_either):
    source = "%%llm -m llamacpp/mock\n# Title\n\nDon't import *this* for {me}."
    notebook = open_either(source, "for x in [1]: pass")
    expect(notebook.cell(0).locator(PROMPT)).to_have_count(1)
    expect(notebook.cell(1).locator(PROMPT)).to_have_count(0)
    notebook.cell(0).locator(".ipyllm-reference").wait_for()
    plain = style(notebook, 0, "Don't")
    # As a Python cell the apostrophe would open a string, and `import` be a keyword.
    assert style(notebook, 0, "import") == plain
    python = notebook.cell(1).locator(".cm-content span", has_text="for").last
    expect(python).to_have_css("font-weight", "700")
    assert style(notebook, 0, "this")["fontStyle"] == "italic"
    assert style(notebook, 0, "Title")["fontWeight"] == "700"
    colours = {style(notebook, 0, words)["color"] for words in ("%%llm", "-m", "llamacpp", "Don't")}
    assert len(colours) == 4


def test_it_turns_while_one_types(open_either):
    notebook = open_either("x = 1")
    editor = notebook.cell(0).locator(".cm-content")
    editor.click()
    notebook.page.keyboard.press("Control+a")
    notebook.page.keyboard.type("%%ll")
    expect(notebook.cell(0).locator(PROMPT)).to_have_count(0)
    notebook.page.keyboard.type("m")
    expect(notebook.cell(0).locator(PROMPT)).to_have_count(1)
    notebook.page.keyboard.press("Backspace")
    expect(notebook.cell(0).locator(PROMPT)).to_have_count(0)


def test_names_the_kernel_does_not_have_are_underlined(open_either):
    notebook = open_either("there = 'Hello'\nimport os", "%%llm\n{there} {gone} {os} {{there}}")
    cell = notebook.cell(1)
    missing = cell.locator(".ipyllm-reference-missing")
    expect(missing).to_have_text(["{there}", "{gone}", "{os}"])
    notebook.run(0)
    expect(missing).to_have_text(["{gone}"])
    expect(cell.locator(".ipyllm-reference-kept")).to_have_text(["{os}"])
    expect(cell.locator(".ipyllm-reference-escaped")).to_have_text(["{{there}}"])
    # One cell was run, and nothing by us.
    assert notebook.prompt(0).inner_text() == "[1]:"
    cell.get_by_text("{there}", exact=True).hover()
    bubble = notebook.page.locator(".ipyllm-bubble")
    expect(bubble).to_have_text("str, length 5: Hello")
    notebook.page.mouse.move(0, 0)


def test_a_busy_kernel_is_not_asked_for_names(open_notebook, page):
    wait = "import time\nfor _ in range(200):\n    time.sleep(0.05)"
    notebook = open_notebook(wait, "%%llm\nHello")
    notebook.start(0)
    editor = notebook.cell(1).locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" {gone}")
    page.wait_for_timeout(800)  # twice the pause after which an idle kernel is asked
    assert notebook.is_running(0)
    expect(notebook.cell(1).locator(".ipyllm-reference-missing")).to_have_count(0)
    notebook.interrupt()
    expect(notebook.cell(1).locator(".ipyllm-reference-missing")).to_have_text("{gone}")


def test_dark_themes_have_colours_of_their_own(open_notebook, page):
    notebook = open_notebook("%%llm -m x\nprose")
    words = ("-m", "prose")
    light = [style(notebook, 0, each)["color"] for each in words]
    choose_theme(page, "JupyterLab Dark")
    try:
        expect(page.locator('body[data-jp-theme-light="false"]')).to_have_count(1)
        dark = [style(notebook, 0, each)["color"] for each in words]
    finally:
        choose_theme(page, "JupyterLab Light")
    assert all(one != other for one, other in zip(light, dark, strict=True))


def test_a_live_answer_becomes_a_saved_one_without_a_move(open_notebook, mock, page):
    gate = mock.gate()
    words = ["First.\n\n", "- one\n- two\n\n", "```python\nx = 1\n```\n\n", "Last words."]
    steps = [step for word in words for step in (Token(word), Pause(0.06))]
    mock.answer(*steps, Hold(gate), End())
    notebook = open_notebook(LOAD, ASK)
    notebook.run(0)
    page.wait_for_timeout(1000)  # the views are fetched when the page is idle
    notebook.start(1)
    notebook.wait_for_output(1, "Last words.")
    page.wait_for_timeout(200)
    before = notebook.output(1).evaluate(BOXES, "Last words.")
    notebook.output(1).evaluate(HEIGHTS)
    gate.open()
    notebook.wait_done(1)
    wait_until_saved(notebook, 1)
    page.wait_for_timeout(300)
    after = notebook.output(1).evaluate(BOXES, "Last words.")
    heights = page.evaluate("cancelAnimationFrame(window.looking), window.seen")
    moved = {
        key: (before[key], after[key]) for key in before if abs(before[key] - after[key]) > 0.5
    }
    assert moved == {}
    assert len(heights) == 1  # it was never away, and never higher or lower


@pytest.fixture(scope="module")
def saved(extended_lab, _tab, _mock_server, request) -> dict[str, Any]:
    """Give a notebook with a finished answer and a stopped one, as JupyterLab saves it."""
    with contextmanager(opening)(_tab, extended_lab, request) as open_notebook:
        return finished_and_stopped(open_notebook, _mock_server, wait_until_saved)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_saved_answer_opens_with_all_it_had(saved, page, lab, trusted):
    lab.shut_down_kernels()
    notebook = reopened(page, lab, saved, trusted=trusted)
    answer = wait_until_saved(notebook, 1)
    expect(answer.locator("strong")).to_have_text("so")
    expect(answer.locator("li")).to_have_text(["one", "two"])
    expect(answer.get_by_text("first token").first).to_be_visible()
    thought = answer.get_by_text("Some thought.", exact=True)
    expect(thought).to_be_hidden()
    answer.locator("summary").first.click()
    expect(thought).to_be_visible()
    notebook.button(1, "Raw").click()
    expect(answer.locator(".ipyllm-raw").last).to_contain_text("It is **so**: 1 < 2")
    notebook.button(1, "Timing ▾").click()
    expect(answer.locator(".ipyllm-panel td").first).to_be_visible()
    expect(answer.locator(".ipyllm-panel svg rect").first).to_be_attached()
    expect(answer.locator(".ipyllm-stop")).to_be_hidden()
    stopped = wait_until_saved(notebook, 2)
    expect(stopped.locator(".ipyllm-phase")).to_contain_text("stopped after ~2 tokens")


@pytest.mark.parametrize("trusted", [False, True])
def test_notebook_7_opens_it_too_without_a_kernel(saved, lab, chromium, trusted):
    lab.shut_down_kernels()
    with reopened_in_7(chromium, lab, saved, trusted=trusted) as notebook:
        answer = wait_until_saved(notebook, 1)
        expect(answer.locator("strong")).to_have_text("so")
        expect(answer.get_by_text("first token").first).to_be_visible()
        expect(notebook.output(1).locator('[data-mime-type="text/html"]')).to_have_count(0)
        notebook.button(1, "Raw").click()
        expect(answer.locator(".ipyllm-raw").last).to_contain_text("It is **so**: 1 < 2")
        notebook.button(1, "Timing ▾").click()
        expect(answer.locator(".ipyllm-panel svg rect").first).to_be_attached()
        expect(notebook.cell(1).locator(PROMPT)).to_have_count(1)
        stopped = wait_until_saved(notebook, 2)
        expect(stopped.locator(".ipyllm-phase")).to_contain_text("stopped after ~2 tokens")


def test_the_pages_own_model_answers_in_notebook_7(faked, lab):
    page = faked.context.new_page()
    path = lab.write("browser-7", [LOAD, f"{ASK_PAGE}Hello?", "print(_llm)"], "ipykernel7")
    notebook = Notebook7(page, lab, path)
    steer(notebook, WORDS)
    notebook.run(0)
    notebook.run(1)
    answer = wait_until_saved(notebook, 1)
    expect(answer).to_contain_text("word0 word1 word2")
    # As in the static output: how full its context is.
    expect(answer.get_by_role("meter", name="context")).to_be_visible()
    expect(answer.locator(".ipyllm-strip")).to_contain_text("tokens of context")
    notebook.run(2)
    assert "".join(WORDS).strip() in notebook.output_text(2)
    page.close()
    lab.shut_down_kernels()


def test_code_in_a_saved_answer_has_colours(saved, page, lab):
    notebook = reopened(page, lab, saved)
    wait_until_saved(notebook, 1)
    page.wait_for_function("() => [...CSS.highlights.values()].some(each => each.size)")


def test_without_the_extension_it_reads_as_ever(saved, page, plain_lab, chromium):
    reads_as_ever(reopened(page, plain_lab, saved))
    for trusted in (False, True):
        with reopened_in_7(chromium, plain_lab, saved, trusted=trusted) as notebook:
            reads_as_ever(notebook)


def reads_as_ever(notebook: NotebookPage) -> None:
    html = notebook.output(1).locator('[data-mime-type="text/html"]')
    expect(html.locator("strong")).to_have_text("so")
    expect(html.locator("li")).to_have_text(["one", "two"])
    expect(html.get_by_text("first token").first).to_be_visible()
    expect(html.get_by_text("Some thought.", exact=True)).to_be_hidden()
    expect(notebook.output(2).get_by_text("stopped after ~2 tokens")).to_be_visible()
    expect(notebook.output(1).locator(SAVED)).to_have_count(0)
    expect(notebook.cell(1).locator(PROMPT)).to_have_count(0)


@pytest.mark.parametrize(
    "broken",
    [{"version": 2, "state": "done"}, {}, "text", None, {"version": 1, "state": 7}],
    ids=["newer", "empty", "text", "null", "state"],
)
def test_what_it_cannot_read_is_shown_as_markdown(page, lab, broken):
    bundle = {
        JSON_TYPE: broken,
        "text/markdown": "It is **so** <img src=x onerror='window.bad = 1'>",
        "text/html": "<script>window.bad = 1</script><b>html</b>",
        "text/plain": "plain",
    }
    notebook = reopened(page, lab, with_output(bundle))
    expect(notebook.output(0).locator("strong")).to_have_text("so")
    expect(notebook.output(0).locator(".ipyllm")).to_have_count(0)
    assert page.evaluate("window.bad") is None


def test_nothing_in_a_strangers_notebook_is_run(page, lab):
    evil = "<img src=x onerror='window.bad = 1'><script>window.bad = 1</script>"
    json_ = {
        "version": 1,
        "state": "done",
        "model": f"m{evil}",
        "note": evil,
        "reasoning": evil,
        "tool_calls": [{"name": evil, "arguments": evil, "state": "done", "result": evil}],
        "timing": {"ttft": 1, "total": 2, "tokens": 3},
    }
    bundle = {
        JSON_TYPE: json_,
        "text/markdown": f"It is **so** {evil} [link](javascript:window.bad=1)",
        "text/html": f"<div><p>x</p><details><summary>s</summary><div>{evil}</div></details></div>",
        "text/plain": "plain",
    }
    notebook = reopened(page, lab, with_output(bundle))
    answer = wait_until_saved(notebook, 0)
    notebook.button(0, "Timing ▾").click()
    for summary in answer.locator("summary").all():
        summary.click()
    page.wait_for_timeout(300)
    assert page.evaluate("window.bad") is None
    expect(answer.locator("img, script, a[href^=javascript]")).to_have_count(0)


def test_formulas_of_a_saved_answer_are_typeset(page, lab):
    json_ = {"version": 1, "state": "done", "model": "m"}
    bundle = {JSON_TYPE: json_, "text/markdown": "So $x^2$.", "text/plain": "So"}
    notebook = reopened(page, lab, with_output(bundle))
    expect(notebook.output(0).locator("mjx-container")).to_have_count(1)


def test_the_toolbar_shows_and_sets_the_default_model(open_either):
    notebook = open_either(LOAD, "%llm model llamacpp/one", "%llm model")
    button = notebook.page.locator(".ipyllm-model-button")
    expect(button).to_be_hidden()
    notebook.run(0)
    expect(button).to_have_text("local ▾")
    notebook.run(1)
    expect(button).to_have_text("llamacpp/one ▾")
    button.click()
    menu = notebook.page.locator(".ipyllm-models")
    row = menu.locator(".ipyllm-model", has_text="anthropic/")
    expect(row).to_have_attribute("data-state", "unset")
    menu.locator("input").fill("nobody/x")
    menu.locator("input").press("Enter")
    expect(menu.locator("[role=status]")).to_contain_text("nobody")
    menu.locator("input").fill("llamacpp/two")
    menu.locator("input").press("Enter")
    expect(menu).to_have_count(0)
    expect(button).to_have_text("llamacpp/two ▾")
    notebook.run(2)
    assert notebook.output_text(2).strip() == "llamacpp/two"


def test_escape_and_a_click_elsewhere_close_the_menu(open_notebook, page):
    notebook = open_notebook(LOAD)
    notebook.run(0)
    button, menu = page.locator(".ipyllm-model-button"), page.locator(".ipyllm-models")
    button.click()
    expect(menu.locator("input")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(button).to_be_focused()
    button.click()
    notebook.cell(0).locator(".jp-InputArea-prompt").click()
    expect(menu).to_have_count(0)


def test_a_new_kernel_has_no_default_until_it_has_ipyllm(open_notebook, page):
    notebook = open_notebook(LOAD)
    notebook.run(0)
    button = page.locator(".ipyllm-model-button")
    expect(button).to_be_visible()
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    expect(button).to_be_hidden()
    notebook.wait_for_kernel()
    notebook.run(0)
    expect(button).to_be_visible()


def test_a_shortcut_runs_a_prompt_with_another_model(open_either, mock):
    notebook = open_either(LOAD, ASK)
    notebook.run(0)
    expect(notebook.page.locator(".ipyllm-model-button")).to_be_visible()
    notebook.cell(1).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+Alt+Enter")
    field = notebook.page.locator(".ipyllm-models input")
    expect(notebook.page.locator(".ipyllm-model").first).to_be_visible()
    expect(notebook.page.locator('.ipyllm-model[data-state="asking"]')).to_have_count(0)
    mock.reset()
    mock.answer(Token("From two."), End())
    field.fill("llamacpp/two")
    field.press("Enter")
    notebook.wait_until_seen(1, "From two.")
    assert "-m llamacpp/two" in notebook.cell(1).locator(".cm-content").inner_text()
    assert "llamacpp/two" in notebook.output_text(1)


def test_a_shortcut_stops_the_answer_and_another_copies_it(open_either, mock):
    mock.answer(Token("kept **so** far"), Hold())
    notebook = open_either(LOAD, ASK)
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "far")
    notebook.cell(1).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+Alt+.")
    notebook.wait_done(1)
    wait_until_saved(notebook, 1)
    notebook.page.keyboard.press("Control+Alt+c")
    notebook.page.wait_for_function(
        "async () => (await navigator.clipboard.readText()) === 'kept **so** far'"
    )


def with_output(bundle: dict[str, Any]) -> dict[str, Any]:
    """Give a notebook of one cell that has this output."""
    output = {"output_type": "display_data", "data": bundle, "metadata": {}}
    cell = {
        "cell_type": "code",
        "id": "cell-0",
        "execution_count": 1,
        "metadata": {},
        "outputs": [output],
        "source": ASK,
    }
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
