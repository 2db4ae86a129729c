"""`-m browser` in a real JupyterLab, with a model of ours in the page."""

from __future__ import annotations

import re
import time

import pytest
from browser.conftest import both_kernels
from browser.models import ASK, ENDLESS, WORDS, logged, steer

pytestmark = pytest.mark.browser


@both_kernels
def test_tokens_stream_from_the_page_into_python(fake, kernel):
    notebook = fake(
        "%load_ext ipyllm", f"{ASK}Hello?", "print(_llm, _llm.model, _llm.usage)", kernel=kernel
    )
    steer(notebook, WORDS)
    notebook.run(0)
    notebook.run(1)
    static = notebook.wait_until_static(1)
    assert "word0 word1 word2" in static.inner_text()
    assert "tokens of context" in static.inner_text()
    notebook.run(2)
    assert "".join(WORDS).strip() in notebook.output_text(2)
    data = notebook.save()["cells"][1]["outputs"][0]["metadata"]["ipyllm"]
    assert data["model"] == "browser"
    assert data["finish_reason"] == "stop"
    assert data["load"] < data["total"] + 5
    assert 0 <= data["ttft"] < 1


@both_kernels
def test_run_all_runs_browser_cells_and_the_others_between_them(fake, kernel):
    notebook = fake(
        "%load_ext ipyllm",
        f"{ASK}one",
        "first = str(_llm)",
        f"{ASK}two",
        "second = str(_llm)",
        f"{ASK}three",
        "print(first == second == str(_llm), len(_llm.split()))",
        kernel=kernel,
    )
    steer(notebook, WORDS)
    notebook.run_all()
    notebook.wait_until_seen(6, "True 40", 60)


@both_kernels
def test_an_interrupt_keeps_the_text_and_stops_the_page(fake, kernel):
    notebook = fake(
        "%load_ext ipyllm", f"{ASK}go", "print(_llm.finish_reason, _llm[:6])", kernel=kernel
    )
    steer(notebook, ENDLESS, 10)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "w5 ")
    notebook.interrupt()
    notebook.wait_done(1)
    assert "interrupted by you" in notebook.output_text(1)
    notebook.page.wait_for_function("() => JSON.stringify(fakeModel.log).includes('abort')")
    notebook.run(2)
    assert notebook.output_text(2).strip() == "interrupted w0 w1"


def test_the_stop_button_ends_it_and_the_cell_is_fine(fake):
    notebook = fake("%load_ext ipyllm", f"{ASK}go", "print(_llm.finish_reason, len(_llm) > 5)")
    steer(notebook, ENDLESS, 10)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "w5 ")
    notebook.click_stop(1)
    notebook.wait_done(1)
    notebook.run(2)
    assert notebook.output_text(2).strip() == "interrupted True"


STREAMS = """\
import ipyllm
from ipyllm.events import TextDelta
def text(event):
    return event.text if isinstance(event, TextDelta) else ""
def run():
    return "".join(map(text, ipyllm.stream("x", model="browser")))
async def arun():
    out = []
    async for event in ipyllm.stream("x", model="browser"):
        out.append(text(event))
    return "".join(out)
"""


@both_kernels
def test_a_stream_in_a_loop_an_async_loop_and_two_at_once(fake, kernel):
    notebook = fake(
        f"%load_ext ipyllm\n{STREAMS}",
        "print(len(run().split()))",
        "print(len((await arun()).split()))",
        "a, b = (ipyllm.stream(x, model='browser') for x in 'ab')\n"
        "print(len(a.reply.split()), len(b.reply.split()))",
        "print(len(ipyllm.ask('x', model='browser').split()))",
        kernel=kernel,
    )
    steer(notebook, WORDS)
    for number in range(5):
        notebook.run(number)
    said = [notebook.output_text(number).strip() for number in range(1, 5)]
    assert said == ["40", "40", "40 40", "40"]


def test_in_the_background_other_cells_run(fake):
    notebook = fake(
        "%load_ext ipyllm",
        "%%llm -m browser --bg -o a\nx",
        "%%llm -m browser --bg -o b\ny",
        "6 * 7",
    )
    steer(notebook, WORDS, 25)
    notebook.run(0)
    notebook.run(1)
    notebook.run(2)
    notebook.run(3)
    assert "42" in notebook.output_text(3)
    for number in (1, 2):
        notebook.wait_until_seen(number, "word39")
        assert "first token" in notebook.wait_until_static(number).inner_text()


def test_an_answer_of_a_given_form(fake):
    notebook = fake(
        "%load_ext ipyllm",
        "%%llm -m browser --schema list[int]\nNumbers",
        "print(_llm.value)",
    )
    steer(notebook, ['{"va', 'lue": [1,', " 2, 3", "]}"])
    notebook.run(0)
    notebook.run(1)
    notebook.run(2)
    assert notebook.output_text(2).strip() == "[1, 2, 3]"
    assert "responseConstraint" in logged(notebook) or "schema" in logged(notebook).lower()


def test_a_stop_sequence_ends_it(fake):
    notebook = fake(
        "%load_ext ipyllm",
        "%%llm -m browser -p stop=END\ngo",
        "print(repr(str(_llm)), _llm.finish_reason)",
    )
    steer(notebook, ["abc E", "N", "D def"])
    for number in range(3):
        notebook.run(number)
    assert notebook.output_text(2).strip() == "'abc ' stop"


def test_the_next_turn_of_a_conversation_goes_on_in_the_session(fake):
    notebook = fake(
        "%load_ext ipyllm\nimport ipyllm",
        "one = ipyllm.ask('one', model='browser', system='Be brief.')",
        "two = ipyllm.ask('two', model='browser', system='Be brief.', messages=one.messages)\n"
        "print(len(two))",
    )
    steer(notebook, WORDS[:3], 0)
    for number in range(3):
        notebook.run(number)
    log = notebook.page.evaluate("() => fakeModel.log")
    assert sum("create" in str(one) for one in log) == 1
    assert sum("clone" in str(one) for one in log) >= 2
    assert "one" not in str(log[-1])


def test_models_browser_says_what_is_here(fake):
    notebook = fake("%load_ext ipyllm", "%llm models browser")
    notebook.run(0)
    notebook.run(1)
    assert "available" in notebook.output_text(1)
    notebook.page.evaluate("() => { fakeModel.state = 'unavailable'; }")
    notebook.run(1)
    assert "unavailable" in notebook.output_text(1)


def test_any_stream_of_the_page_is_one(fake):
    script = (
        "(async function*() { yield 'a'; yield new TextEncoder().encode('b'); yield {c: 1}; })()"
    )
    notebook = fake(
        f'import ipyllm\nprint(ipyllm.browser_stream("{script}").reply)',
        'ipyllm.browser_stream("nobody.knows").reply',
    )
    notebook.run(0)
    assert notebook.output_text(0).strip() == 'ab{"c":1}'
    notebook.run(1)
    assert "ReferenceError: nobody is not defined" in notebook.output_text(1)


def test_a_click_starts_the_model_where_one_is_needed(fake):
    notebook = fake("%load_ext ipyllm", f"{ASK}go")
    steer(notebook, WORDS)
    notebook.page.evaluate(
        "() => { fakeModel.state = 'downloadable'; fakeModel.needsClick = true; }"
    )
    notebook.run(0)
    notebook.start(1)
    button = notebook.button(1, "Start model")
    button.wait_for()
    assert "waiting for a click" in notebook.output_text(1)
    button.click()
    notebook.wait_done(1)
    assert "word39" in notebook.output_text(1)
    assert notebook.button(1, "Start model").count() == 0


def test_a_browser_without_a_model_says_so_at_once(open_notebook):
    notebook = open_notebook("%load_ext ipyllm", f"{ASK}Hello?", "6 * 7")
    notebook.run(0)
    began = time.monotonic()
    notebook.run(1)
    assert time.monotonic() - began < 5
    assert re.search(r"ModelUnavailable: Chrom.* (unavailable|no model)", notebook.output_text(1))
    notebook.run(2)
    assert "42" in notebook.output_text(2)
