"""A finished answer opened again: its times, a slider over them, and what was sent."""

from __future__ import annotations

import pytest
from browser.conftest import both_kernels
from mock_server import End, Pause, Token
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
ASK = "%%llm -m llamacpp/mock\nHello {name}"


@both_kernels
def test_the_slider_shows_the_answer_as_it_was(open_notebook, mock, kernel):
    mock.answer(Token("Some **bo"), Pause(0.05), Token("ld** text"), End())
    setting = "%load_ext ipyllm\nname = 'Ann'"
    notebook = open_notebook(setting, ASK, "%llm show", kernel=kernel)
    for cell in range(3):
        notebook.run(cell)
    output = notebook.output(2)
    output.get_by_role("button", name="Timing").click()
    bar = output.get_by_role("slider", name="time since the request")
    first = int(bar.get_attribute("max") or 0) - 20  # before the pause was over
    bar.fill(str(first))
    past = output.locator(".ipyllm-slider .ipyllm-body")
    expect(past).to_have_text("Some bo")
    expect(past.locator("strong")).to_have_text("bo")  # as it looked, not as it was to become
    output.get_by_role("button", name="Play").click()
    expect(past).to_have_text("Some bold text")
    output.get_by_text("What was sent: 1 message").click()
    expect(output.get_by_text("Hello Ann")).to_be_visible()
