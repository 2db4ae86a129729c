"""A notebook that a program executes (nbclient, and by it papermill, nbconvert, nbmake): no page looks on."""

from __future__ import annotations

import copy
import os
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ANSWER = """\
def answer(messages):
    import time
    for word in ("It ", "is ", "**so**."):
        time.sleep(0.02)
        yield word
"""
CELLS = (
    "%load_ext ipyllm",
    ANSWER,
    "%%llm -m python/answer -o first\nHi",
    "%%llm -m python/answer --bg\nHi",
    "import ipyllm\nipyllm.stream('Hi', model=answer)",
    "ipyllm.ask('Hi', model=answer)",
    "print(first, _llm)",
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> list[Any]:
    """Give the notebook as two executions leave it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("JPY_", "IPYLLM_"))}
    environ["IPYTHONDIR"] = str(tmp_path_factory.mktemp("ipython"))

    def run() -> Any:
        client = NotebookClient(copy.deepcopy(notebook), timeout=60, kernel_name="python3")
        return client.execute(env=environ)

    return [run(), run()]


def outputs(notebook: Any) -> list[Any]:
    """What nbval compares."""
    found = [output for cell in notebook.cells for output in cell.outputs]
    return [{key: each[key] for key in each if key != "metadata"} for each in found]


def test_two_executions_leave_the_same(executed):
    """No time is in any type, whether a magic or a cell's last value shows the answer."""
    one, two = executed
    assert outputs(one) == outputs(two)
    for output in outputs(one)[:4]:
        assert output["data"]["text/markdown"] == "It is **so**."
        assert "timing" not in output["data"]["application/vnd.ipyllm.v1+json"]
        assert "first token" not in output["data"]["text/html"]


def test_each_answer_is_there_whole(executed):
    """One in the background, and a stream, are waited for: nobody else would."""
    assert outputs(executed[0])[-1]["text"] == "It is **so**. It is **so**.\n"
    assert len(outputs(executed[0])) == 5


def test_no_widget_is_left_in_it(executed):
    """It would be there without a model behind it."""
    assert "widgets" not in executed[0].metadata
    assert "widget-view" not in nbformat.writes(executed[0])


def test_the_numbers_are_in_the_metadata(executed):
    """Which is not compared."""
    said = executed[0].cells[2].outputs[0].metadata["ipyllm"]
    assert said["model"] == "python/answer"
    assert said["ttft"] > 0
