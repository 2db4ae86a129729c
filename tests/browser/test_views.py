"""An answer that streams and is looked at again: after a reload, and in a second view."""

from __future__ import annotations

import pytest
from browser.conftest import both_kernels
from mock_server import End, Hold, Token
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
LOAD = "%load_ext ipyllm"
ASK = "%%llm -m llamacpp/mock\nHello?"


@both_kernels
def test_reload_comes_back_to_a_background_answer_and_goes_on(open_notebook, mock, kernel):
    gates = [mock.gate(), mock.gate()]
    steps = [Token("before "), Hold(gates[0]), Token("after "), Hold(gates[1]), Token("end")]
    mock.answer(*steps, End())
    background = ASK.replace("%%llm", "%%llm --bg")
    notebook = open_notebook(LOAD, background, "print(_llm)", kernel=kernel)
    notebook.run(0)
    notebook.run(1)
    notebook.wait_until_seen(1, "before")
    notebook.save()
    notebook.reload()
    notebook.wait_until_seen(1, "before")
    assert "after" not in notebook.output_text(1)
    gates[0].open()
    notebook.wait_until_seen(1, "before after")
    gates[1].open()
    notebook.wait_until_seen(1, "before after end")
    # The page does not know any more which output the answer's end belongs to, so its view stays.
    expect(notebook.output(1).get_by_role("button", name="Stop")).to_have_count(0)
    notebook.wait_until_seen(1, "first token")
    notebook.run(2)
    assert notebook.output_text(2).strip() == "before after end"


@both_kernels
def test_reload_while_cells_block_shows_all_once_they_end(open_notebook, mock, kernel):
    gate = mock.gate()
    mock.answer(Token("before "), Hold(gate), Token("after"), End())
    mock.answer(Token("the next in the queue"), End())
    notebook = open_notebook(LOAD, ASK, ASK, "print(_llm)", kernel=kernel)
    notebook.run_all()
    notebook.wait_until_seen(1, "before")
    notebook.save()
    notebook.reload(with_kernel=False)
    gate.open()
    notebook.wait_for_kernel()
    notebook.wait_until_seen(1, "before after")
    expect(notebook.output(1).get_by_role("button", name="Stop")).to_have_count(0)
    # What began after the reload has no output on this page; its text is in the variable.
    notebook.run(3)
    assert notebook.output_text(3).strip() == "the next in the queue"


@both_kernels
def test_second_view_shows_everything_and_both_become_static(open_notebook, mock, kernel):
    gates = [mock.gate(), mock.gate()]
    steps = [Token("before "), Hold(gates[0]), Token("**after** "), Hold(gates[1]), End()]
    mock.answer(*steps)
    notebook = open_notebook(LOAD, ASK, kernel=kernel)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "before")
    notebook.cell(1).locator(".jp-InputArea-editor").click()
    notebook.command("notebook:create-output-view")
    second = notebook.page.locator(".jp-LinkedOutputView")
    expect(second.locator(".ipyllm")).to_contain_text("before")
    gates[0].open()
    expect(second.locator(".ipyllm")).to_contain_text("before after")
    notebook.wait_for_output(1, "before after")
    for view in (notebook.output(1), second):
        expect(view.locator(".ipyllm strong")).to_have_text("after")
    gates[1].open()
    for view in (notebook.output(1), second):
        expect(view.locator("strong")).to_have_text("after")
        expect(view.locator(".ipyllm")).to_have_count(0)
