"""Conversations over several cells, in real kernels: what the server is sent, whole."""

from __future__ import annotations

import json

import pytest
from mock_server import End, Hold, Token


class Notebook:
    """Runs cells as a page does: each request with the id of its cell."""

    def __init__(self, kernel, mock):
        self.kernel, self.mock = kernel, mock
        kernel.run("%reload_ext ipyllm")

    def start(self, cell, code, **metadata):
        client = self.kernel.client
        send = client.session.msg
        given = {"cellId": cell, **metadata} if cell else {}

        def msg(*args, **more):
            return send(*args, **more) | (
                {"metadata": given} if args[0] == "execute_request" else {}
            )

        client.session.msg = msg
        try:
            return self.kernel.start(code)
        finally:
            del client.session.msg

    def run(self, cell, code):
        started = self.start(cell, code)
        started.wait_idle()
        return started

    def ask(self, cell, prompt, answer, line="-c", *, end="stop"):
        """Run a cell; gives the messages the server got, as `role: content`."""
        self.mock.reset()
        self.mock.answer(Token(answer), End(end))
        ran = self.run(cell, f"%%llm -m llamacpp/mock {line}\n{prompt}")
        assert ran.error is None, ran.error
        return said(self.mock)


def said(mock):
    return [f"{m['role'][0]}: {m['content']}" for m in mock.exchange().json["messages"]]


@pytest.fixture
def notebook(kernel, mock):
    kernel.run("%unload_ext ipyllm\nget_ipython().magics_manager.registry.pop('LlmMagics', None)")
    return Notebook(kernel, mock)


def run_all(notebook):
    return [notebook.ask(c, f"q{c}", f"a{c}") for c in "123"]


ALL = [["u: q1"], ["u: q1", "a: a1", "u: q2"], ["u: q1", "a: a1", "u: q2", "a: a2", "u: q3"]]


def test_run_all_twice_sends_the_same_twice(notebook):
    """And every turn is fresh at the end."""
    assert run_all(notebook) == ALL
    assert run_all(notebook) == ALL
    assert notebook.kernel.run("%llm threads").stdout.split("\n")[1].split() == [
        *("main", "3", "0", "~3", "llamacpp/mock")
    ]


def test_a_cell_that_is_run_again_replaces_its_turn_and_makes_later_ones_stale(notebook):
    run_all(notebook)
    assert notebook.ask("2", "Q2", "A2") == ["u: q1", "a: a1", "u: Q2"]  # edited
    new = notebook.ask("4", "q4", "a4")
    assert new == ["u: q1", "a: a1", "u: Q2", "a: A2", "u: q4"]  # q3 is stale
    again = notebook.ask("3", "q3", "A3")
    assert again == ["u: q1", "a: a1", "u: Q2", "a: A2", "u: q3"]  # fresh in its place
    last = notebook.ask("4", "q4", "A4")
    assert last == ["u: q1", "a: a1", "u: Q2", "a: A2", "u: q3", "a: A3", "u: q4"]


def test_a_cell_that_was_moved_keeps_its_turns_place(notebook):
    """The kernel does not see the notebook's order; `clear`, then Run All, takes it over."""
    run_all(notebook)
    assert notebook.ask("3", "q3", "a3") == ALL[2]
    assert notebook.ask("1", "q1", "a1") == ALL[0]
    notebook.run("x", "%llm thread main clear")
    assert notebook.ask("3", "q3", "a3") == ["u: q3"]
    assert notebook.ask("1", "q1", "a1") == ["u: q3", "a: a3", "u: q1"]


def test_after_a_restart_a_replay_builds_the_same_thread(new_kernel, mock):
    for _ in range(2):
        fresh = Notebook(new_kernel(), mock)
        assert run_all(fresh) == ALL


def test_the_system_prompt_is_kept_for_later_turns(notebook):
    for _ in range(2):
        assert notebook.ask("1", "q1", "a1", "-c -s A") == ["s: A", "u: q1"]
        assert notebook.ask("2", "q2", "a2") == ["s: A", "u: q1", "a: a1", "u: q2"]
        third = notebook.ask("3", "q3", "a3", "-c -s B")
        assert third == ["s: B", "u: q1", "a: a1", "u: q2", "a: a2", "u: q3"]


def test_a_cell_with_another_thread_leaves_the_first(notebook):
    run_all(notebook)
    assert notebook.ask("2", "q2", "a2", "-c tutor") == ["u: q2"]
    assert notebook.ask("4", "q4", "a4") == ["u: q1", "a: a1", "u: q4"]
    assert notebook.ask("1", "q1", "a1", "") == ["u: q1"]  # in no thread any more
    assert notebook.ask("5", "q5", "a5") == ["u: q5"]


def test_without_cell_ids_every_execution_is_a_turn(notebook):
    assert notebook.ask("", "q", "a") == ["u: q"]
    assert notebook.ask("", "q", "a") == ["u: q", "a: a", "u: q"]


def test_a_failed_turn_without_text_is_not_kept(notebook):
    notebook.ask("1", "q1", "a1")
    notebook.mock.reset()
    notebook.mock.fail(400, {"error": {"message": "no"}})
    assert notebook.run("1", "%%llm -m llamacpp/mock -c\nother").error is not None
    assert notebook.ask("2", "q2", "a2") == ["u: q1", "a: a1", "u: q2"]


def test_threads_survive_reload_ext(notebook):
    notebook.ask("1", "q1", "a1")
    notebook.run("x", "%reload_ext ipyllm")
    assert notebook.ask("2", "q2", "a2") == ["u: q1", "a: a1", "u: q2"]


def test_a_copy_goes_its_own_way(notebook):
    notebook.ask("1", "q1", "a1")
    notebook.run("f", "%llm thread main fork other")
    notebook.ask("2", "q2", "a2")
    assert notebook.ask("3", "q3", "a3", "-c other") == ["u: q1", "a: a1", "u: q3"]


def test_an_interrupted_answer_stays_and_goes_on(notebook):
    """On the boundary nothing is doubled or lost; the time is the new part's."""
    mock = notebook.mock
    mock.answer(Token("Hello "), Token("wor"), Hold())
    cell = notebook.start("1", "%%llm -m llamacpp/mock -c -o answer -p top_k=1\nq1")
    cell.wait_for_text("wor")
    notebook.kernel.interrupt()
    cell.wait_idle()
    assert notebook.ask("2", "q2", "a2") == ["u: q1", "a: Hello wor", "u: q2"]
    mock.reset()
    mock.answer(Token("ld"), Token(" again"), End())
    shown = notebook.run("1", "_llm = answer") and notebook.run("c", "%llm continue")
    assert shown.error is None
    assert shown.shown == shown.final["text/markdown"] == "Hello world again"
    body = mock.exchange().json
    assert body["messages"] == [
        {"role": "user", "content": "q1"},
        {"role": "assistant", "content": "Hello wor"},
    ]
    assert body["top_k"] == 1
    assert notebook.kernel.value(
        "str(_llm), answer is _llm, _llm.timing.tokens, _llm.messages[-1]['content']"
    ) == repr(("Hello world again", True, 2, "Hello world again"))
    assert notebook.ask("3", "q3", "a3") == ["u: q1", "a: Hello world again", "u: q3"]


def test_what_ended_by_itself_or_cannot_go_on_is_refused(notebook):
    notebook.ask("1", "q1", "a1")
    whole = notebook.run("c", "%llm continue main")
    assert "nothing to continue" in whole.error["evalue"]
    notebook.mock.reset()
    notebook.mock.answer(Token("half"), End("length"))
    notebook.run("2", "%%llm -m openai/mock\nq")
    other = notebook.run("c", "%llm continue")
    assert "openai cannot go on" in other.error["evalue"]
    assert "llamacpp" in other.error["evalue"]
    assert (
        "There is no thread 'mian'. Did you mean main?"
        in (notebook.run("x", "%llm thread mian").error["evalue"])
    )


def test_no_turn_begins_while_one_streams_in_the_background(notebook):
    gate = notebook.mock.gate()
    notebook.mock.answer(Token("a"), Hold(gate), End())
    background = notebook.run("1", "%%llm -m llamacpp/mock -c --bg\nq1")
    refused = notebook.run("2", "%%llm -m llamacpp/mock -c\nq2")
    assert "still streams in the background" in refused.error["evalue"]
    gate.open()
    background.wait_for(lambda: background.states[-1:] == ["done"])
    assert notebook.ask("2", "q2", "a2") == ["u: q1", "a: a", "u: q2"]


def test_a_transcript_and_a_file(notebook):
    """HTML a model wrote is never the page's."""
    notebook.ask("1", "q1", "<img src=x onerror=alert(1)> *hi*")
    shown = notebook.run("t", "%llm thread main").final
    assert "<em>hi</em>" in shown["text/html"]
    assert "<img" not in shown["text/html"] + shown["text/markdown"]
    notebook.run("e", "%llm thread main export main.json")
    saved = json.loads((notebook.kernel.home / "main.json").read_text())
    assert (saved["format"], saved["version"], len(saved["turns"])) == ("ipyllm-thread", 1, 1)
    exported = notebook.run("e", "get_ipython().run_line_magic('llm', 'thread main export')")
    assert "'role': 'assistant'" in exported.final["text/plain"]
