"""An answer once more, and what was sent for it."""

from __future__ import annotations

from mock_server import End, Pause, Token

VIEW = "application/vnd.jupyter.widget-view+json"
ASK = "%%llm -m llamacpp/mock -s 'Be brief.' -o answer\nHello {name}"


def asked(kernel, mock):
    mock.answer(Token("yes "), Pause(0.02), Token("indeed"), End())
    kernel.run("name = 'Ann'")
    kernel.run(ASK)


def test_show_opens_a_live_view_with_the_static_one_beside_it(kernel, mock):
    asked(kernel, mock)
    for code in ("%llm show", "%llm show answer", "answer.show()"):
        cell = kernel.run(code)
        assert "yes indeed" in cell.final["text/html"]
        assert VIEW in cell.final


def test_its_page_gets_the_times_and_what_was_sent(kernel, mock):
    asked(kernel, mock)
    cell = kernel.run("answer.show()")
    kernel.send_to_widget(cell.model_id, {"kind": "timing"})
    html = cell.wait_for(lambda: panel_of(cell))
    assert "ipyllm-replay" in html
    assert "Be brief." in html
    assert ">Ann<" in html


def panel_of(cell):
    """The HTML that the page was sent, once it was."""
    sent = [message["content"].get("data", {}).get("content") or {} for message in cell.messages]
    return "".join(content.get("html", "") for content in sent)


def test_prompt_shows_what_was_sent(kernel, mock):
    asked(kernel, mock)
    html = kernel.run("%llm prompt").final["text/html"]
    assert "system" in html
    assert ">Ann<" in html
    assert mock.exchange().json["messages"][-1]["content"] == "Hello Ann"


def test_what_is_no_answer_is_said(kernel, mock):
    asked(kernel, mock)
    cell = kernel.run("%llm show name")
    assert cell.error["evalue"] == (
        "'name' is a str, no answer. Name a variable of -o, or nothing for _llm."
    )
    assert "'nobody' is not there." in kernel.run("%llm prompt nobody").error["evalue"]
