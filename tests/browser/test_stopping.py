"""What a person can do to end an answer, and what is left then."""

from __future__ import annotations

import time

import pytest
from browser.conftest import both_kernels
from browser.lab import NotebookPage
from mock_server import End, Hold, Token

pytestmark = pytest.mark.browser
LOAD = "%load_ext ipyllm"
ASK = "%%llm -m llamacpp/mock\nHello?"


@both_kernels
def test_stop_ends_a_stalled_answer_and_keeps_its_text(open_notebook, mock, kernel):
    mock.answer(Token("kept"), Hold())
    notebook = open_notebook(LOAD, ASK, "print(_llm)", kernel=kernel)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "kept")
    clicked = time.monotonic()
    notebook.click_stop(1)
    assert mock.exchange().wait_gone() - clicked < 2
    notebook.wait_done(1)
    assert "kept" in notebook.output_text(1)
    notebook.run(2)
    assert notebook.output_text(2).strip() == "kept"
    # On ipykernel 6 only an interrupt gets through, and its one line of error stands below.
    output = notebook.save()["cells"][1]["outputs"][0]
    assert "application/vnd.jupyter.widget-view+json" not in output["data"]
    assert "".join(output["data"]["text/markdown"]) == "kept"


def by_menu(notebook: NotebookPage) -> None:
    notebook.page.get_by_role("menuitem", name="Kernel", exact=True).click()
    notebook.page.get_by_role("menuitem", name="Interrupt Kernel").click()


def by_toolbar(notebook: NotebookPage) -> None:
    notebook.page.locator('jp-toolbar [data-command="notebook:interrupt-kernel"]').click()


def by_keys(notebook: NotebookPage) -> None:
    notebook.prompt(1).click()  # command mode
    notebook.page.keyboard.press("i")
    notebook.page.keyboard.press("i")


@pytest.mark.parametrize(
    ("kernel", "interrupt"),
    [
        ("ipykernel7", by_toolbar),
        ("ipykernel7", by_keys),
        ("ipykernel6", by_toolbar),
        ("ipykernel6", by_menu),
    ],
)
def test_interrupt_keeps_the_text_and_says_so_in_one_line(open_notebook, mock, kernel, interrupt):
    mock.answer(Token("kept "), Token("as well"), Hold())
    notebook = open_notebook(LOAD, ASK, "print(_llm, _llm.finish_reason)", kernel=kernel)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "kept as well")
    interrupt(notebook)
    notebook.wait_done(1)
    assert "kept as well" in notebook.wait_until_static(1).inner_text()
    said = notebook.output(1).locator(".jp-RenderedText")
    expected = "Stopped: interrupted by you after ~2 tokens; the text is in `_llm`"
    assert expected == said.inner_text().strip()
    notebook.run(2)
    assert notebook.output_text(2).strip() == "kept as well interrupted"


@both_kernels
def test_run_all_stops_at_an_interrupted_answer(open_notebook, mock, kernel):
    mock.answer(Token("kept"), Hold())
    notebook = open_notebook(LOAD, ASK, "print('never')", kernel=kernel)
    notebook.run_all()
    notebook.wait_until_seen(1, "kept")
    notebook.interrupt()
    notebook.wait_done(1)
    notebook.wait_done(2)
    assert "Stopped: " in notebook.output_text(1)
    assert notebook.output_text(2) == ""


@both_kernels
def test_run_all_runs_everything_where_nothing_stops_it(open_notebook, mock, kernel):
    mock.answer(Token("one"), End())
    mock.answer(Token("two"), End())
    notebook = open_notebook(LOAD, ASK, ASK, "print('after', _llm)", kernel=kernel)
    notebook.run_all()
    notebook.wait_until_seen(3, "after two")
    assert "one" in notebook.wait_until_static(1).inner_text()
    assert "two" in notebook.wait_until_static(2).inner_text()
    assert len(mock.exchanges) == 2


@both_kernels
def test_stop_of_a_background_run_stops_that_one_alone(open_notebook, mock, kernel):
    gate = mock.gate()
    mock.answer(Token("behind"), Hold())
    mock.answer(Token("in front "), Hold(gate), Token("to its end"), End())
    background = "%%llm --bg -o behind -m llamacpp/mock\nHello?"
    front = "%%llm -o front -m llamacpp/mock\nHello?"
    notebook = open_notebook(LOAD, background, front, "print(behind, '|', front)", kernel=kernel)
    notebook.run(0)
    notebook.run(1)
    notebook.wait_until_seen(1, "behind")
    notebook.start(2)
    notebook.wait_for_output(2, "in front")
    notebook.click_stop(1)
    if kernel == "ipykernel7":
        mock.exchange(0).wait_gone()
        assert "stopped" in notebook.wait_until_static(1).inner_text()
    else:  # no message reaches a blocked ipykernel 6; it is told so, and stops afterwards
        notebook.wait_until_seen(1, "the kernel is busy; it will stop when it answers")
    assert notebook.is_running(2)
    assert mock.exchange(1).gone is None
    gate.open()
    notebook.wait_done(2)
    mock.exchange(0).wait_gone()
    assert "in front to its end" in notebook.wait_until_static(2).inner_text()
    assert "stopped" in notebook.wait_until_static(1).inner_text()
    notebook.run(3)
    assert notebook.output_text(3).strip() == "behind | in front to its end"
