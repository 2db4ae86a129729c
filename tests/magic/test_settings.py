"""`%config IPyLLM`, `c.IPyLLM`, and that there is one default model."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from ipyllm.local import weights
from ipyllm.magic.registering import register, unregister


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    for name in ("IPYLLM_MODEL", "OPENAI_API_KEY", "GROQ_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "find", lambda *_: tmp_path)


@pytest.fixture
def load(capsys):
    """Give a function that makes a shell with these settings in its file, and what cells print."""
    made: list[InteractiveShell] = []

    def load_(**settings: object):
        config = Config({"HistoryManager": {"enabled": False}, "IPyLLM": settings})
        shell = InteractiveShell(config=config)
        made.append(shell)
        register(shell)
        capsys.readouterr()

        def say(cell: str) -> str:
            result = shell.run_cell(cell, store_history=False)
            shown = "" if result.result is None else repr(result.result)
            printed = "".join(capsys.readouterr())
            return shown or printed.strip()

        return say

    yield load_
    for shell in made:
        unregister(shell)


def test_without_any_the_usual_model_answers(load, monkeypatch):
    """An empty setting is none."""
    say = load()
    assert (say("%llm model"), say("%config IPyLLM.model")) == ("local", "''")
    monkeypatch.setenv("IPYLLM_MODEL", "ollama/x")
    assert say("%llm model") == "ollama/x"


def test_the_files_model_is_the_default(load):
    """Also without its key: the extension loads, and %%llm says what is missing."""
    assert load(model="openai/gpt-x")("%llm model") == "openai/gpt-x"


def test_both_ways_set_the_same(load):
    """`%llm model` and `%config`, in any order; no other setting brings an old one back."""
    say = load(model="ollama/first")
    say("%config IPyLLM.model = 'ollama/second'")
    assert say("%llm model") == "ollama/second"
    say("%llm model llamacpp/third")
    assert say("%config IPyLLM.model") == "'llamacpp/third'"
    say("%config IPyLLM.list_models = False")
    assert say("%llm model") == "llamacpp/third"
    say("%config IPyLLM.model = ''")
    assert say("%llm model") == "local"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("'nowhere/x'", "Unknown provider 'nowhere'"),
        ("'groq/'", "No model named"),
        ("'openai/gpt-x'", "OPENAI_API_KEY"),
        ("5", "model"),
    ],
)
def test_a_model_that_cannot_answer_is_refused(load, caplog, value, said):
    """With the sentence %%llm would say, and nothing is changed."""
    say = load(model="ollama/x")
    assert said in say(f"%config IPyLLM.model = {value}") + caplog.text
    assert "Traceback" not in caplog.text
    assert say("%llm model") == "ollama/x"


def test_config_lists_what_there_is(load):
    """With a line on each."""
    say = load()
    assert "IPyLLM" in say("%config").split()
    shown = say("%config IPyLLM")
    assert "IPyLLM.model=<Unicode>" in shown
    assert "IPyLLM.list_models=<Bool>" in shown


def test_a_misspelt_setting_is_named(load, caplog, capsys):
    """By traitlets, with the right one."""
    say = load()
    assert "model" in say("%config IPyLLM.modle = 'local'") + caplog.text
    assert say("%llm model") == "local"
