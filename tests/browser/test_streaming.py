"""`%%llm` as one sees it: text while it comes, and what stands there at the end."""

from __future__ import annotations

import re

import pytest
from browser.conftest import both_kernels
from browser.lab import BOXES, NotebookPage
from mock_server import End, Hold, Progress, Token, wait_for
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
LOAD = "%load_ext ipyllm"
ASK = "%%llm -m llamacpp/mock\nHello?"
LOSE_EVERY_FIFTH_DELTA = """\
%load_ext ipyllm
from pathlib import Path
from ipyllm.widget.model import AnswerModel
send, deltas, lost = AnswerModel.send, [], []
def lossy(self, content, buffers=None):
    if "kind" not in content:
        deltas.append(content)
        if len(deltas) % 5 == 0:
            lost.append(content)
            Path("lost.txt").write_text(str(len(lost)))
            return
    send(self, content, buffers)
AnswerModel.send = lossy
"""


@both_kernels
def test_text_is_seen_while_the_answer_still_comes(open_notebook, mock, kernel):
    gate = mock.gate()
    mock.answer(Token("first "), Hold(gate), Token("second"), End())
    notebook = open_notebook(LOAD, ASK, "print(_llm)", kernel=kernel)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "first")
    assert "second" not in notebook.output_text(1)
    assert notebook.is_running(1)
    gate.open()
    notebook.wait_done(1)
    assert "first second" in notebook.output_text(1)
    notebook.run(2)
    assert notebook.output_text(2).strip() == "first second"


def test_prompt_is_seen_being_read(open_notebook, mock):
    gate = mock.gate()
    mock.answer(Progress(763, 1230), Hold(gate), Token("Read."), End())
    notebook = open_notebook(LOAD, ASK)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "763 of 1,230 tokens")
    bar = notebook.output(1).get_by_role("progressbar", name="prompt read")
    expect(bar).to_have_attribute("aria-valuenow", "62")
    gate.open()
    notebook.wait_done(1)
    assert "1,230 tokens" not in notebook.output_text(1)


def test_reasoning_is_folded_above_the_answer(open_notebook, mock):
    gate = mock.gate()
    thought = (Token("First I think. ", reasoning=True), Token("Then I say it.", reasoning=True))
    mock.answer(*thought, Token("It is **so**."), Hold(gate), End())
    notebook = open_notebook(LOAD, ASK, "print(_llm, '|', _llm.reasoning)")
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "It is so.")
    fold = notebook.output(1).locator("details", has_text="First I think. Then I say it.").first
    expect(fold).not_to_have_attribute("open", "")
    gate.open()
    static = notebook.wait_until_static(1)
    expect(static.locator("strong")).to_have_text("so")
    expect(fold).to_have_count(1)
    expect(fold).not_to_have_attribute("open", "")
    fold.locator("summary").click()
    expect(fold.get_by_text("First I think. Then I say it.")).to_be_visible()
    notebook.run(2)
    assert notebook.output_text(2).strip() == "It is **so**. | First I think. Then I say it."


def test_error_is_one_line_and_a_red_strip(open_notebook, mock):
    mock.fail(401, {"error": {"message": "Incorrect API key provided"}})
    notebook = open_notebook(LOAD, ASK, "print(_llm.finish_reason)")
    notebook.run(0)
    notebook.run(1)
    said = notebook.output(1).locator(".jp-RenderedText").inner_text().strip()
    assert said.startswith("AuthError: ")
    assert "Incorrect API key provided" in said
    assert len(said.splitlines()) == 1
    strip = notebook.wait_until_static(1).locator("span", has_text="failed")
    red = notebook.page.evaluate(
        "getComputedStyle(document.body).getPropertyValue('--jp-error-color1')"
    )
    assert strip.evaluate("node => getComputedStyle(node).color") == rgb(notebook, red)
    notebook.run(2)
    assert notebook.output_text(2).strip() == "error"


def test_a_retry_is_told_in_the_strip_while_it_waits(open_notebook, mock):
    mock.fail(503, {"error": {"message": "Try later"}}, retry_after="1")
    mock.answer(Token("Here it is."), End())
    notebook = open_notebook(LOAD, ASK)
    notebook.run(0)
    notebook.start(1)
    strip = notebook.output(1).locator(".ipyllm-strip")
    expect(strip).to_contain_text(re.compile(r"trying again in [\d.]+ s \(1 of \d\)"))
    static = notebook.wait_until_static(1)
    expect(static).to_contain_text("Here it is.")
    expect(static).not_to_contain_text("trying again")


@both_kernels
def test_five_thousand_tokens_at_once_are_all_there(open_notebook, mock, kernel):
    mock.tokens(5000)
    notebook = open_notebook(LOAD, ASK, "print(len(_llm.split()))", kernel=kernel)
    notebook.run(0)
    notebook.run(1, limit=60)
    expected = " ".join(f"t{index}" for index in range(5000))
    assert " ".join(notebook.wait_until_static(1).inner_text().split()).startswith(expected)
    expect(notebook.page.locator(".ipyllm")).to_have_count(0)
    notebook.run(2)
    assert notebook.output_text(2).strip() == "5000"


def test_lost_messages_are_fetched_while_the_cell_still_blocks(open_notebook, mock):
    # Each token is a message of its own: the next is sent once this one is seen, or is lost.
    gates = [mock.gate() for _ in range(12)]
    steps = [step for index, gate in enumerate(gates) for step in (Token(f"t{index} "), Hold(gate))]
    mock.answer(*steps, End())
    notebook = open_notebook(LOSE_EVERY_FIFTH_DELTA, ASK, "print(len(deltas), len(lost))")
    lost = notebook.path.with_name("lost.txt")
    lost.write_text("0")
    notebook.run(0)
    notebook.start(1)
    for count, gate in enumerate(gates, 1):
        if count % 5:
            notebook.wait_for_output(1, " ".join(f"t{index}" for index in range(count)))
        else:
            wait_for(lambda so_far=f"{count // 5}": lost.read_text() == so_far or None, "the loss")
        gate.open()
    notebook.wait_done(1)
    notebook.run(2)
    assert notebook.output_text(2).split() == ["12", "2"]


def test_silence_is_said_from_five_seconds_on(open_notebook, mock):
    gate = mock.gate()
    mock.answer(Token("Wait"), Hold(gate), End())
    notebook = open_notebook(LOAD, ASK)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "Wait")
    assert "no data" not in notebook.output_text(1)
    notebook.wait_for_output(1, "no data for 5 s")
    gate.open()
    notebook.wait_until_static(1)
    assert "no data" not in notebook.output_text(1)


def test_nothing_moves_when_the_live_view_becomes_static(open_notebook, mock):
    gate = mock.gate()
    mock.answer(Token("One short paragraph, "), Token("as most are."), Hold(gate), End())
    notebook = open_notebook(LOAD, ASK)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "as most are.")
    expect(notebook.output(1).locator(".ipyllm-strip")).to_contain_text("first token")
    before = notebook.output(1).evaluate(BOXES, "as most are.")
    gate.open()
    notebook.wait_until_static(1)
    after = notebook.output(1).evaluate(BOXES, "as most are.")
    assert before.keys() == after.keys()
    moved = {name: abs(before[name] - after[name]) for name in before}
    assert max(moved.values()) <= 1, (before, after)


def rgb(notebook: NotebookPage, color: str) -> str:
    return notebook.page.evaluate(
        """color => {
          const node = document.createElement("i");
          node.style.color = color;
          document.body.append(node);
          const seen = getComputedStyle(node).color;
          node.remove();
          return seen;
        }""",
        color,
    )
