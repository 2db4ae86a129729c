"""A question on standard input."""

from __future__ import annotations

import pytest

from ipyllm.run.pump import Run
from ipyllm.run.sink import NullSink
from ipyllm.sinks.asking import ask_on_stdin
from ipyllm.testing import ScriptedSource


def asked(monkeypatch, answer):
    """What is made of an answer, or of an exception in its place."""
    prompts: list[str] = []

    def read(prompt: str) -> str:
        prompts.append(prompt)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr("builtins.input", read)
    made = ask_on_stdin(Run(ScriptedSource(), NullSink()), "Run f()?")
    assert prompts == ["Run f()? [y/N] "]
    return made


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("y", True),
        (" YES ", True),
        ("", False),
        ("n", False),
        ("yeah", False),
        (EOFError(), None),
        (NotImplementedError("no stdin"), None),
    ],
)
def test_only_a_yes_is_one(monkeypatch, answer, expected):
    assert asked(monkeypatch, answer) is expected


def test_an_interrupt_in_the_prompt_is_no(monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _prompt: "y")
    run = Run(ScriptedSource(), NullSink())
    run.step = lambda _work: False
    assert ask_on_stdin(run, "Run f()?") is False
