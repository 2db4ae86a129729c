"""What a real kernel sends the page, and what it does with what the page says."""

from __future__ import annotations

import pytest
from kernel.conftest import PLANTED
from mock_server import Drop, End, Hold, Raw, Token, refused_port, whole

ASK = "%%llm -m llamacpp/mock -o answer\nHello?"


def test_deltas_stream_then_static_html_takes_their_place(kernel, mock):
    gate = mock.gate()
    mock.answer(Token("**first** "), Hold(gate), Token("second"), End())
    cell = kernel.start(ASK)
    cell.wait_for_text("first")
    assert "application/vnd.jupyter.widget-view+json" in cell.final
    gate.open()
    cell.wait_idle()
    assert cell.error is None
    assert set(cell.final) == {
        "text/html",
        "text/markdown",
        "text/plain",
        "application/vnd.ipyllm.v1+json",
    }
    assert "<strong>first</strong> second" in cell.final["text/html"]
    numbers = cell.metadata["ipyllm"]
    assert numbers["finish_reason"] == "stop"
    assert numbers["tokens"] == 2
    assert numbers["ttft"] >= 0
    assert cell.states[-1] == "done"


def test_the_answer_is_in_the_variable_and_in_llm(kernel, mock):
    mock.answer(Token("yes"), End())
    kernel.run(ASK)
    said = "answer is _llm, answer.upper(), answer.finish_reason, answer.usage.output_tokens"
    assert kernel.value(said) == "(True, 'YES', 'stop', 1)"


def test_the_page_may_ask_again_for_what_it_missed(kernel, mock):
    gate = mock.gate()
    mock.answer(Token("abc 🙂 "), Token("def"), Hold(gate), End())
    cell = kernel.start("%%llm -m llamacpp/mock --bg\nHello?")
    cell.wait_for_text("def")
    cell.wait_idle()
    kernel.send_to_widget(cell.model_id, {"kind": "resync", "have": 4})
    snapshot = cell.wait_for(lambda: snapshot_in(cell))
    gate.open()
    assert snapshot["at"] == 4
    assert snapshot["parts"] == [["text", "🙂 def"]]


def snapshot_in(cell):
    for message in cell.messages:
        content = message["content"].get("data", {}).get("content") or {}
        if content.get("kind") == "snapshot":
            return content
    return None


def test_background_runs_go_on_while_other_cells_run(kernel, mock):
    gate = mock.gate()
    mock.answer(Token("one "), Hold(gate), Token("two"), End())
    cell = kernel.start("%%llm -m llamacpp/mock -o later --bg\nHello?")
    cell.wait_idle()
    assert kernel.run("print(6 * 7)").stdout == "42\n"
    gate.open()
    cell.wait_for(lambda: cell.final.get("text/markdown") == "one two")
    assert kernel.value("str(later)") == "'one two'"


def test_stop_of_a_background_run_stops_only_that_run(kernel, mock):
    mock.answer(Token("one"), Hold())
    first = kernel.start("%%llm -m llamacpp/mock -o first --bg\nHello?")
    first.wait_idle()
    second = kernel.start("%%llm -m llamacpp/mock -o second --bg\nHello?")
    second.wait_idle()
    first.wait_for_text("one")
    second.wait_for_text("one")
    kernel.send_to_widget(first.model_id, {"kind": "stop"})
    first.wait_for(lambda: "stopped" in first.states)
    assert mock.exchange(0).wait_gone()
    assert mock.exchange(1).gone is None
    kernel.run("%llm stop")
    assert mock.exchange(1).wait_gone()
    second.wait_for(lambda: "interrupted" in second.states)


BAD = {
    "empty prompt": ("%%llm -m llamacpp/x\n ", "UsageError", "The prompt is empty"),
    "unknown provider": ("%%llm -m opnai/gpt\nhi", "UsageError", "Did you mean openai"),
    "unknown flag": ("%%llm --modle x\nhi", "UsageError", "Did you mean --model?"),
    "no model": ("%%llm -m openai\nhi", "UsageError", "Write -m openai/MODEL"),
    "no key": ("%%llm -m groq/x\nhi", "AuthError", "GROQ_API_KEY"),
    "bad variable": ("%%llm -m llamacpp/x -o 1a\nhi", "UsageError", "no variable name"),
    "no such file": ("%%llm -m local/nowhere.gguf\nhi", "ModelUnavailable", "nowhere.gguf"),
    "unknown command": ("%llm frobnicate", "UsageError", "Known: model"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line(kernel, mock, case):
    code, name, words = BAD[case]
    cell = kernel.run(code)
    assert cell.error["ename"] == name
    assert words in cell.error["evalue"]
    assert len(cell.error["traceback"]) == 1
    assert "\n" not in cell.error["traceback"][0]
    assert kernel.run("print(1)").stdout == "1\n"


FAILURES = {
    "401 JSON": (401, {"error": {"message": "Incorrect key"}}, "AuthError", "Incorrect key"),
    "404 text": (404, "no such route", "NotFound", "no such route"),
    "429 JSON": (429, {"error": {"message": "slow down"}}, "RateLimited", "slow down"),
    "500 HTML": (500, "<html><title>Oops</title></html>", "ServerError", "Oops"),
    "not a stream": (200, "<html><title>Welcome</title></html>", "ProtocolError", "web page"),
    "plain text": (200, "hello there", "ProtocolError", "hello there"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failing_service_gets_one_line(kernel, mock, case):
    status, body, name, words = FAILURES[case]
    mock.respond(whole(body, status=status))
    cell = kernel.run(ASK)
    assert cell.error["ename"] == name
    assert words in cell.error["evalue"]
    assert len(cell.error["traceback"]) == 1
    assert cell.metadata["ipyllm"]["finish_reason"] == "error"


def test_a_refused_connection_names_the_address(kernel, mock):
    port = refused_port()
    cell = kernel.run(f"%%llm -m llamacpp/x --base-url http://127.0.0.1:{port}/v1\nhi")
    assert cell.error["ename"] == "ConnectionLost"
    assert f"http://127.0.0.1:{port}/v1" in cell.error["evalue"]


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_connection_keeps_the_text(kernel, mock, reset):
    gate = mock.gate()
    mock.answer(Token("kept"), Hold(gate), Drop(reset))
    cell = kernel.start(ASK)
    cell.wait_for_text("kept")
    gate.open()
    cell.wait_idle()
    assert cell.error["ename"] == "ConnectionLost"
    assert "`answer`" in cell.error["evalue"]
    assert kernel.value("str(answer), answer.finish_reason") == "('kept', 'error')"
    assert cell.final["text/markdown"] == "kept"


def test_an_answer_that_ends_without_proof_is_marked(kernel, mock):
    mock.answer(Token("half an ans"))
    cell = kernel.run(ASK)
    assert cell.error is None
    assert kernel.value("answer.finish_reason") == "'truncated'"
    assert "without a sign of a finished answer" in cell.final["text/html"]


def test_the_key_is_seen_by_the_server_and_by_nobody_else(kernel, mock):
    mock.fail(401, {"error": {"message": f"Incorrect API key provided: {PLANTED}"}})
    cell = kernel.run("%%llm -m openai/gpt -o answer\nhi")
    assert mock.exchange().headers["authorization"] == f"Bearer {PLANTED}"
    kernel.run("%llm models")
    said = repr([c.messages for c in kernel._cells.values()])
    assert "[key]" in cell.error["evalue"]
    assert PLANTED not in said
    assert PLANTED not in kernel.value("vars(answer), answer.raw_events")


def test_a_server_faster_than_the_decoder_is_held_back_and_goes_on(kernel, mock):
    mock.answer(*[Token("x" * 500)] * 6000, End())  # 4 MB: many times what may pile up
    cell = kernel.run(ASK)
    assert cell.error is None
    assert kernel.value("len(answer), answer.finish_reason") == "(3000000, 'stop')"


def test_a_key_echoed_in_the_stream_is_seen_by_nobody(kernel, mock):
    complaint = f'data: {{"error":{{"message":"bad key {PLANTED}","code":401}}}}\n\n'
    mock.answer(Token("some"), Raw(complaint.encode()))
    cell = kernel.run("%%llm -m openai/gpt -o answer\nhi")
    assert "bad key [key]" in cell.error["evalue"]
    assert PLANTED not in repr(cell.messages)
    assert PLANTED not in kernel.value("vars(answer), answer.raw_events, answer.error")
