"""Answers out of the notebook's own objects, in a real kernel."""

from __future__ import annotations

import re

import pytest

BLOCKED = """
import threading
ended = []
def blocked(messages):
    try:
        yield messages[-1]["content"] + " "
        yield "kept"
        threading.Event().wait()
    except BaseException as exc:
        ended.append((type(exc).__name__, threading.current_thread() is threading.main_thread()))
        raise
"""
ASK = "%%llm -m python/blocked -o answer\nHello"


def stopped(cell):
    cell.wait_idle()
    assert cell.error is not None
    assert cell.error["ename"] == "Stopped"
    assert len(cell.error["traceback"]) == 1
    assert "\n" not in cell.error["traceback"][0]


def test_an_interrupt_lands_in_a_blocked_generator(kernel):
    kernel.run(BLOCKED)
    cell = kernel.start(ASK)
    cell.wait_for_text("Hello kept")  # while the generator blocks
    kernel.interrupt()
    stopped(cell)
    assert kernel.value("str(answer), answer.finish_reason, ended") == (
        "('Hello kept', 'interrupted', [('KeyboardInterrupt', True)])"
    )
    assert cell.final["text/markdown"] == "Hello kept"


def test_three_interrupts_within_ten_milliseconds_lose_nothing(kernel):
    kernel.run(BLOCKED)
    for _ in range(3):
        cell = kernel.start(ASK)
        cell.wait_for_text("kept")
        kernel.interrupt(times=3, apart=0.004)
        stopped(cell)
        assert kernel.value("str(answer)") == "'Hello kept'"
    assert kernel.value("len(ended)") == "3"


def test_the_stop_button_wakes_it_and_ends_the_cell_normally(kernel):
    if kernel.value("hasattr(get_ipython().kernel, '_supports_kernel_subshells')") != "True":
        pytest.skip("this kernel hears nothing while a cell runs")
    kernel.run(BLOCKED)
    cell = kernel.start(ASK)
    cell.wait_for_text("kept")
    kernel.send_to_widget(cell.model_id, {"kind": "stop"}, subshell=True)
    cell.wait_idle()
    assert cell.error is None
    assert kernel.value("str(answer), answer.finish_reason, len(ended)") == (
        "('Hello kept', 'interrupted', 1)"
    )


def test_an_error_in_the_users_code_shows_his_traceback(kernel):
    kernel.run("def failing():\n    yield 'kept'\n    return {}['mine']")
    cell = kernel.run("%%llm -m python/failing -o answer\nHello")
    assert cell.error["ename"] == "KeyError"
    assert "return {}['mine']" in _plain(cell.error["traceback"][-2])
    assert kernel.value("str(answer), answer.finish_reason") == "('kept', 'error')"


def test_async_code_runs_and_is_interrupted(kernel):
    kernel.run(
        "import asyncio\nended = []\nasync def slow():\n    try:\n        yield 'kept'\n"
        "        await asyncio.sleep(60)\n    finally:\n        ended.append(1)"
    )
    cell = kernel.start("%%llm -m python/slow -o answer\nHello")
    cell.wait_for_text("kept")
    kernel.interrupt()
    stopped(cell)
    assert kernel.value("str(answer), len(ended)") == "('kept', 1)"


def test_in_the_background(kernel):
    kernel.run("import threading\ngate = threading.Event()")
    kernel.run("def gated():\n    yield 'a'\n    gate.wait()\n    yield 'b'")
    cell = kernel.run("%%llm -m python/gated -o answer --bg\nHello")
    cell.wait_for_text("a")
    kernel.run("gate.set()")
    cell.wait_for(lambda: cell.final.get("text/markdown") == "ab")
    assert kernel.value("str(answer)") == "'ab'"


def test_stream_and_ask_find_the_notebooks_names(kernel):
    kernel.run("class Box:\n    pieces = ['a', 'b']")
    assert kernel.value("__import__('ipyllm').ask('Hi', model='python/Box.pieces')") == "'ab'"


def test_a_name_that_is_not_there_is_one_line(kernel):
    cell = kernel.run("%%llm -m python/blokced\nHello")
    assert cell.error["ename"] == "UsageError"
    assert "There is no blokced in this notebook." in cell.error["evalue"]


def _plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
