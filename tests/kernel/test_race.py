"""Races in real kernels."""

from __future__ import annotations

import subprocess
import sys

from mock_server import End, Token

MODELS = """
import asyncio
async def quick(prompt):
    yield "quick "
    yield "is done"
async def stuck(prompt):
    yield "stuck "
    await asyncio.Event().wait()
async def failing(prompt):
    yield "kept"
    raise ValueError("broken on purpose")
"""
VALUES = "[(str(r), r.finish_reason) for r in _race]"


def test_an_interrupt_stops_all_that_still_stream(kernel):
    kernel.run(MODELS)
    cell = kernel.start("%%llm -m python/quick -m python/stuck -o race\nHello")
    cell.wait_for(lambda: "stuck" in cell.shown and "is done" in cell.shown)
    kernel.interrupt(times=3, apart=0.004)
    cell.wait_idle()
    assert cell.error["evalue"] == "interrupted; what came is in `race`"
    expected = "[('quick is done', 'stop'), ('stuck ', 'interrupted')]"
    assert kernel.value(VALUES) == expected
    assert kernel.value("race is _race and _llm is race[0]") == "True"
    assert "stuck" in cell.final["text/markdown"]


def test_one_that_fails_leaves_the_others_alone(kernel):
    kernel.run(MODELS)
    cell = kernel.run("%%llm -m python/failing -m python/quick\nHello")
    assert cell.error is None
    assert kernel.value(VALUES) == "[('kept', 'error'), ('quick is done', 'stop')]"
    assert "broken on purpose" in cell.final["text/html"]


def test_if_all_fail_the_cell_fails(kernel):
    kernel.run(MODELS)
    cell = kernel.run("%%llm -m python/failing -m python/failing\nHello")
    assert cell.error["evalue"] == "broken on purpose"
    assert kernel.value("[str(r) for r in _race]") == "['kept', 'kept']"


def test_a_model_that_is_not_there_is_said_before_any_is_asked(kernel):
    kernel.run(MODELS + "\n_race = None")
    cell = kernel.run("%%llm -m python/quick -m python/nobody\nHello")
    assert "nobody" in cell.error["evalue"]
    assert kernel.value("_race") == "None"


def test_in_the_background_other_cells_run_meanwhile(kernel):
    kernel.run(MODELS)
    kernel.run("%%llm -m python/quick -m python/stuck -o later --bg\nHello")
    assert kernel.value("6 * 7") == "42"
    kernel.run(
        "import time\nfrom ipyllm.magic.answer import in_background\n"
        "while len(in_background()) != 1: time.sleep(.01)"
    )
    assert "stopped 1 in the background" in kernel.run("%llm stop").stdout
    kernel.run("while 'later' not in globals(): time.sleep(.01)")
    assert kernel.value("later[1].finish_reason") == "'interrupted'"


def test_without_a_page_there_is_one_display_without_times(new_kernel):
    kernel = new_kernel(JPY_SESSION_NAME="")
    kernel.run("%load_ext ipyllm\n" + MODELS)
    cell = kernel.run("%%llm -m python/quick -m python/quick\nHello")
    assert len([m for m in cell.messages if "display" in m["type"]]) == 1
    assert cell.final["text/plain"] == (
        "python/quick #1:\nquick is done\n\npython/quick #2:\nquick is done"
    )


def test_a_terminal_writes_one_after_the_other(mock, tmp_path):
    mock.answer(Token("yes "), Token("indeed"), End())
    mock.answer(Token("yes "), Token("indeed"), End())
    code = (
        "ip = get_ipython()\n"
        "ip.run_line_magic('load_ext', 'ipyllm')\n"
        "ip.run_cell_magic('llm', '-m llamacpp/x -m llamacpp/y', 'hi')"
    )
    env = {"LLAMACPP_BASE_URL": mock.base_url, "IPYTHONDIR": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**env, "PATH": "", "HOME": str(tmp_path)},
    ).stdout
    assert said.startswith("llamacpp/x\n\nyes indeed\n[llamacpp/x · ")
    assert "\nllamacpp/y\n\nyes indeed\n" in said
    assert "\nllamacpp/y: first token " in said
