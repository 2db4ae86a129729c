"""`-m browser` with Chromium's own `LanguageModel`, of its headless shell: it echoes what it is asked."""

from __future__ import annotations

import re

import pytest
from browser.conftest import both_kernels
from browser.models import ASK

pytestmark = pytest.mark.browser


@both_kernels
def test_the_native_model_echoes_into_python(native, kernel):
    notebook = native(
        "%load_ext ipyllm", f"{ASK}Say 42", "print(repr(str(_llm)), _llm.usage)", kernel=kernel
    )
    notebook.run(0)
    notebook.run(1)
    notebook.run(2)
    said = notebook.output_text(2)
    assert "echoing back the input" in said
    assert "Say 42" in said
    assert "context_window=1000" in said


def test_the_native_model_goes_on_in_its_session(native):
    notebook = native(
        "%load_ext ipyllm\nimport ipyllm",
        "one = ipyllm.ask('first', model='browser', system='Sys.')",
        "two = ipyllm.ask('second', model='browser', system='Sys.', messages=one.messages)",
        "print(two, one.usage.context_used < two.usage.context_used)",
    )
    for number in range(4):
        notebook.run(number)
    said = notebook.output_text(3)
    assert "second" in said
    assert "True" in said


def test_the_native_models_errors_have_their_words(native):
    notebook = native(
        "%load_ext ipyllm\nbig = 'x' * 1500",
        f"{ASK}{{big}}",
        "%%llm -m browser -p output_languages=de\nHallo",
        "%%llm -m browser -p output_languages=xx-not-a-tag-1234567890\nHallo",
        f"{ASK}still here",
    )
    for number in range(5):
        notebook.run(number)
    too_long = notebook.output_text(1)
    assert re.search(
        r"ContextTooLong: The prompt has 1,5\d\d tokens, 5\d\d more than the 1,000", too_long
    )
    assert "language" in notebook.output_text(2)
    assert "language" in notebook.output_text(3).lower()
    assert "still here" in notebook.output_text(4)


@both_kernels
def test_the_native_model_is_stopped_by_an_interrupt(native, kernel):
    notebook = native("%load_ext ipyllm", f"{ASK}one", f"{ASK}two", kernel=kernel)
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "waiting")
    notebook.interrupt()
    notebook.wait_done(1)
    assert "interrupted" in notebook.output_text(1)
    notebook.run(2)
    assert "two" in notebook.output_text(2)


def test_a_native_session_that_was_destroyed_is_said(native):
    notebook = native("%load_ext ipyllm", f"{ASK}one", f"{ASK}two")
    notebook.page.evaluate("""() => {
      const real = LanguageModel.prototype.promptStreaming;
      LanguageModel.prototype.promptStreaming = function (...given) {
        LanguageModel.prototype.promptStreaming = real;
        this.destroy();
        return real.apply(this, given);
      };
    }""")
    notebook.run(0)
    notebook.run(1)
    assert "session was ended" in notebook.output_text(1)
    notebook.run(2)
    assert "two" in notebook.output_text(2)


def test_the_native_context_overflows_and_it_goes_on(native):
    notebook = native(
        "%load_ext ipyllm\nimport ipyllm\nfill = 'x' * 300",
        "one = ipyllm.ask(fill, model='browser')",
        "two = ipyllm.ask(fill, model='browser', messages=one.messages)",
        "said = [event.text for event in two.raw_events if getattr(event, 'kind', '') == 'overflow']\n"
        "print(two.usage.context_used <= 1000, said)",
    )
    for number in range(4):
        notebook.run(number)
    assert notebook.output_text(3).strip().startswith("True ['the oldest turns were dropped")
