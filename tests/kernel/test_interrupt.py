"""SIGINT in a real kernel, wherever the answer is: the server sees it, nothing is lost."""

from __future__ import annotations

import pytest
from mock_server import End, Hold, Pause, Progress, Token, unanswered_port

ASK = "%%llm -m llamacpp/mock -o answer\nHello?"
SOON = 2.0  # seconds: what is measured in bench/interrupts.py is not timed here, only bounded


def interrupted(cell):
    cell.wait_idle()
    assert cell.error is not None
    assert cell.error["ename"] == "Stopped"
    assert len(cell.error["traceback"]) == 1
    assert "\n" not in cell.error["traceback"][0]


def test_while_streaming_the_text_so_far_is_kept(kernel, mock):
    mock.answer(Token("Hello "), Token("wor"), Hold())
    cell = kernel.start(ASK)
    cell.wait_for_text("wor")
    sent = kernel.interrupt()
    assert mock.exchange().wait_gone() - sent < SOON
    interrupted(cell)
    assert kernel.value("str(answer), answer.finish_reason") == "('Hello wor', 'interrupted')"
    assert cell.final["text/markdown"] == "Hello wor"
    assert "widget-view" not in "".join(cell.final)
    assert "Hello wor" in cell.final["text/html"]
    assert cell.metadata["ipyllm"]["finish_reason"] == "interrupted"


def test_in_a_stall_after_reasoning_the_reasoning_is_kept(kernel, mock):
    mock.answer(Token("hm", reasoning=True), Hold())
    cell = kernel.start(ASK)
    cell.wait_for_text("hm")
    kernel.interrupt()
    interrupted(cell)
    assert kernel.value("answer.reasoning, str(answer)") == "('hm', '')"


@pytest.mark.parametrize("before", [[], [Hold()]], ids=["after headers", "before headers"])
def test_before_the_first_token(kernel, mock, before):
    mock.answer(Hold(), before=before)
    cell = kernel.start(ASK)
    exchange = mock.exchange()
    exchange.wait_requested()
    sent = kernel.interrupt()
    assert exchange.wait_gone() - sent < SOON
    interrupted(cell)
    assert "before the first token" in cell.error["evalue"]


def test_in_prefill(kernel, mock):
    mock.answer(Progress(64, 640), Hold())
    cell = kernel.start(ASK)
    cell.wait_for(lambda: "prefill" in cell.states)
    sent = kernel.interrupt()
    assert mock.exchange().wait_gone() - sent < SOON
    interrupted(cell)


def test_while_the_server_accepts_but_never_answers(kernel, mock):
    mock.deaf = True
    cell = kernel.start(ASK)
    exchange = mock.exchange()
    sent = kernel.interrupt()
    assert exchange.wait_gone() - sent < SOON
    interrupted(cell)


def test_while_connecting(kernel, mock):
    with unanswered_port() as port:
        cell = kernel.start(f"%%llm -m llamacpp/x --base-url http://127.0.0.1:{port}/v1\nHi")
        cell.wait_for(lambda: "connecting" in cell.states)
        sent = kernel.interrupt()
        assert cell.wait_idle() - sent < SOON
        interrupted(cell)


def test_three_interrupts_within_ten_milliseconds_lose_nothing(kernel, mock):
    for _ in range(3):
        mock.reset()
        mock.answer(Token("kept"), Hold())
        cell = kernel.start(ASK)
        cell.wait_for_text("kept")
        kernel.interrupt(times=3, apart=0.004)
        interrupted(cell)
        assert kernel.value("str(answer)") == "'kept'"


def test_the_next_cell_works(kernel, mock):
    mock.answer(Token("one"), Hold())
    cell = kernel.start(ASK)
    cell.wait_for_text("one")
    kernel.interrupt()
    interrupted(cell)
    mock.reset()
    mock.answer(Token("two"), End())
    assert kernel.run(ASK).error is None
    assert kernel.value("str(answer)") == "'two'"


def test_cells_queued_behind_an_interrupted_one_do_not_run(kernel, mock):
    mock.answer(Token("one"), Hold())
    kernel.run("ran = False")
    cell = kernel.start(ASK)
    after = kernel.start("ran = True")
    cell.wait_for_text("one")
    kernel.interrupt()
    interrupted(cell)
    after.wait_idle()
    assert kernel.value("ran") == "False"


def test_an_interrupt_long_after_an_answer_is_the_usual_one(kernel, mock):
    mock.answer(Token("one"), End())
    kernel.run(ASK)
    cell = kernel.start("print('in', flush=True)\nimport time\nwhile True: time.sleep(0.01)")
    cell.wait_for(lambda: "in" in cell.stdout)
    kernel.interrupt()
    cell.wait_idle()
    assert cell.error["ename"] == "KeyboardInterrupt"


def test_ask_keeps_what_came_in_the_exception(kernel, mock):
    mock.answer(Token("kept"), Hold())
    code = (
        "import ipyllm\ntry:\n    ipyllm.ask('hi', model='llamacpp/mock')\n"
        "except KeyboardInterrupt as stop:\n    print(repr(str(stop.reply)), stop.reply.finish_reason)"
    )
    cell = kernel.start(code)
    mock.exchange().wait_sent(1)
    kernel.interrupt()
    cell.wait_idle()
    assert cell.stdout.strip() in ("'kept' interrupted", "'' interrupted")


def test_a_slow_answer_can_be_interrupted_between_tokens(kernel, mock):
    steps = [step for i in range(200) for step in (Token(f"t{i} "), Pause(0.01))]
    mock.answer(*steps, End())
    cell = kernel.start(ASK)
    cell.wait_for_text("t20 ")
    kernel.interrupt()
    interrupted(cell)
    text = kernel.value("str(answer)").strip("'")
    assert text == cell.shown == cell.final["text/plain"]
    assert text.startswith("t0 t1 ")
    assert not text.endswith("t199 ")
