"""`%llm models`: what can be named, and what it still needs."""

from __future__ import annotations

import pytest

from ipyllm.errors import ModelUnavailable
from ipyllm.local import weights
from ipyllm.magic.listing import models_text
from ipyllm.providers import PROVIDERS


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    for provider in PROVIDERS:
        for name in provider.key_env:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "find", lambda *_: tmp_path)


def line(name: str) -> str:
    return next(line for line in models_text().splitlines() if line.startswith(name))


def test_every_provider_has_its_line():
    """Name, address, and whether a key is needed."""
    for provider in PROVIDERS:
        assert provider.base_url in line(f"{provider.name}/MODEL")
    assert line("openai/").endswith("OPENAI_API_KEY is not set")
    assert line("ollama/").endswith("no key needed")
    assert line("local").endswith("ready")


def test_a_key_is_named_and_never_shown(monkeypatch):
    """That it is set is all there is to see."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert line("openai/").endswith("OPENAI_API_KEY is set")
    assert "sk-secret" not in models_text()


def test_the_embedded_model_says_what_it_needs(monkeypatch):
    """The command to run stands where "ready" will."""

    def missing(*_):
        raise ModelUnavailable("No weights.", hint="Run: ipyllm fetch-model")

    monkeypatch.setattr(weights, "find", missing)
    assert line("local").endswith("Run: ipyllm fetch-model")
