"""`%%llm` as one sees it: text while it comes, Stop, and what is left in the notebook."""

from __future__ import annotations

import time

import pytest
from mock_server import End, Hold, Token

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("kernel", ["ipykernel7", "ipykernel6"]),
]
LOAD = "%load_ext ipyllm"
ASK = "%%llm -m llamacpp/mock\nHello?"


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
