"""Calls as cards, approved where the answer is shown; values that grow; a budget that is seen."""

from __future__ import annotations

import json

import pytest
from browser.conftest import both_kernels
from mock_server import Answer, End, Hold, Raw, Token, chunk

pytestmark = pytest.mark.browser
SETUP = """%load_ext ipyllm
def get_weather(city: str) -> str:
    "Weather of a city."
    return f"**sunny** in {city}"
def slow() -> str:
    "Takes its time."
    import time
    time.sleep(60)
def broken(city: str) -> str:
    "Fails."
    raise LookupError("no such city")
"""


def called(name: str, *pieces: str, ident: str = "c1", index: int = 0) -> list[Raw]:
    """A call as OpenAI's chat streams it."""

    def delta(function: dict[str, str], **more: object) -> Raw:
        return Raw(chunk({"tool_calls": [{"index": index, "function": function, **more}]}))

    first = delta({"name": name, "arguments": ""}, id=ident, type="function")
    return [first, *(delta({"arguments": piece}) for piece in pieces)]


def turns(mock, *steps: list) -> None:
    for each in steps:
        mock.respond(Answer(each))


@both_kernels
def test_a_call_waits_for_the_button_while_the_cell_is_blocked(open_notebook, mock, kernel):
    turns(
        mock,
        [Token("Let me see."), *called("get_weather", '{"ci', 'ty": "Oslo"}'), End("tool_calls")],
        [Token("It is sunny."), End()],
    )
    notebook = open_notebook(
        SETUP,
        "%%llm -m llamacpp/mock -T get_weather --approve\nOslo?",
        "print(_llm)",
        kernel=kernel,
    )
    notebook.run(0)
    notebook.start(1)
    approve = notebook.button(1, "Approve")
    approve.wait_for()
    assert "Oslo" in notebook.page.locator(".ipyllm").inner_text()
    approve.click()
    notebook.wait_done(1)
    shown = notebook.output_text(1)
    assert "It is sunny." in shown
    assert "get_weather" in shown
    told = mock.exchange().json["messages"]
    assert told[-1] == {
        "role": "tool",
        "tool_call_id": "c1",
        "content": "**sunny** in Oslo",
    }
    notebook.run(2)
    assert notebook.output_text(2).strip() == "Let me see.\n\nIt is sunny."
    data = notebook.save()["cells"][1]["outputs"][0]["data"]
    assert data["application/vnd.ipyllm.v1+json"]["tool_calls"][0]["result"] == "**sunny** in Oslo"


def test_a_refused_call_is_not_made(open_notebook, mock):
    turns(
        mock,
        [*called("get_weather", '{"city": "Oslo"}'), End("tool_calls")],
        [Token("Then not."), End()],
    )
    notebook = open_notebook(SETUP, "%%llm -m llamacpp/mock -T get_weather --approve\nOslo?")
    notebook.run(0)
    notebook.start(1)
    notebook.button(1, "Refuse").click()
    notebook.wait_done(1)
    assert "refused" in mock.exchange().json["messages"][-1]["content"]
    assert "Then not." in notebook.output_text(1)


@both_kernels
def test_an_interrupt_ends_a_function_that_runs(open_notebook, mock, kernel):
    turns(mock, [Token("Wait."), *called("slow", "{}"), End("tool_calls")])
    notebook = open_notebook(
        SETUP,
        "%%llm -m llamacpp/mock -T slow\nGo",
        "print(_llm.tool_calls[0].result)",
        kernel=kernel,
    )
    notebook.run(0)
    notebook.start(1)
    notebook.page.get_by_text("running tools").first.wait_for()
    notebook.page.locator('jp-toolbar [data-command="notebook:interrupt-kernel"]').click()
    notebook.wait_done(1)
    assert "Wait." in notebook.output_text(1)
    notebook.run(2)
    assert "interrupted" in notebook.output_text(2)


def test_stop_while_asked_ends_the_cell(open_notebook, mock):
    turns(mock, [*called("get_weather", '{"city": "Oslo"}'), End("tool_calls")])
    notebook = open_notebook(SETUP, "%%llm -m llamacpp/mock -T get_weather --approve\nOslo?")
    notebook.run(0)
    notebook.start(1)
    notebook.button(1, "Approve").wait_for()
    notebook.click_stop(1)
    notebook.wait_done(1)
    assert len(mock.exchanges) == 1


@both_kernels
def test_a_value_grows_and_stays(open_notebook, mock, kernel):
    gate = mock.gate()
    pieces = ['[{"name": "Ada", ', '"age": 36}, {"name"', ': "Alan", "age": 41}]}']
    mock.answer(Token('{"value": '), *map(Token, pieces[:2]), Hold(gate), Token(pieces[2]), End())
    source = "from dataclasses import dataclass\n@dataclass\nclass Person:\n    name: str\n    age: int\n"
    notebook = open_notebook(
        SETUP + source,
        "%%llm -m llamacpp/mock --schema list[Person]\nWho?",
        "print(_llm.value)",
        kernel=kernel,
    )
    notebook.run(0)
    notebook.start(1)
    notebook.page.locator(".ipyllm table td", has_text="Ada").wait_for()
    gate.open()
    notebook.wait_done(1)
    assert "Alan" in notebook.output_text(1)
    notebook.run(2)
    assert (
        notebook.output_text(2).strip()
        == "[Person(name='Ada', age=36), Person(name='Alan', age=41)]"
    )
    asked = mock.exchange().json["response_format"]["json_schema"]
    assert asked["name"]
    assert json.dumps(asked["schema"]).count('"Person"') >= 1


def test_an_answer_that_cannot_fit_is_cut(open_notebook, mock):
    mock.answer(Token('{"value": "thr'), Hold())
    notebook = open_notebook(SETUP, "%%llm -m llamacpp/mock --schema int\nHow many?", "print(_llm)")
    notebook.run(0)
    notebook.start(1)
    mock.exchange().wait_gone()
    notebook.wait_done(1)
    assert "InvalidAnswer" in notebook.output_text(1)
    notebook.run(2)
    assert '"thr' in notebook.output_text(2)


def test_a_budget_is_seen_and_kept(open_notebook, mock):
    gate = mock.gate()
    words = [Token(f"w{number} ") for number in range(40)]
    mock.answer(*words[:5], Hold(gate), *words[5:], Hold())
    notebook = open_notebook(
        SETUP, "%%llm -m llamacpp/mock --budget 20tok\nTalk", "print(len(_llm.split()))"
    )
    notebook.run(0)
    notebook.start(1)
    notebook.page.get_by_role("meter").wait_for()
    gate.open()
    notebook.wait_done(1)
    assert "20 of 20 tokens" in notebook.output_text(1)
    notebook.run(2)
    assert notebook.output_text(2).strip() == "20"
