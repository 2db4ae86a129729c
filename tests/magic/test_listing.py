"""`%llm models`: what can be named, and what it still needs."""

from __future__ import annotations

import pytest
from mock_server import whole

from ipyllm.errors import AuthError, ModelUnavailable, ProtocolError, UsageError
from ipyllm.local import weights
from ipyllm.magic.listing import keys_text, models_of, models_text
from ipyllm.providers import PROVIDERS
from ipyllm.providers.registry import _VARIABLE


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    for provider in PROVIDERS:
        for name in (
            *provider.key_env,
            *_VARIABLE.findall(provider.base_url),
            provider.base_env or "_",
        ):
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


def test_keys_are_named_with_their_state(monkeypatch):
    """Each variable once, set or not."""
    monkeypatch.setenv("GROQ_API_KEY", "sk-secret")
    lines = [line.split(maxsplit=1) for line in keys_text().splitlines()]
    assert ["GROQ_API_KEY", "set"] in lines
    assert ["OLLAMA_API_KEY", "not set"] in lines
    assert len(lines) == len({name for name, _ in lines})
    assert "sk-secret" not in keys_text()


LISTS = {
    "OpenAI": ("vllm", "/v1/models", {"data": [{"id": "b"}, {"id": "a"}]}, "vllm/a\nvllm/b"),
    "Ollama": ("ollama", "/api/tags", {"models": [{"name": "x:1b"}]}, "ollama/x:1b"),
    "Gemini": ("gemini", "/models", {"models": [{"name": "models/g"}]}, "gemini/g"),
    "nothing pulled": ("ollama", "/api/tags", {"models": []}, "ollama has no models yet."),
}


@pytest.mark.parametrize("name, path, listed, shown", LISTS.values(), ids=LISTS)
def test_a_provider_is_asked_for_its_models(monkeypatch, mock, name, path, listed, shown):
    """As one would name them after -m."""
    monkeypatch.setenv("GEMINI_API_KEY", "sk-secret")
    origin = mock.base_url.removesuffix("/v1")
    base = mock.base_url if name == "vllm" else origin
    variable = {"vllm": "VLLM_BASE_URL", "ollama": "OLLAMA_HOST", "gemini": "GEMINI_BASE_URL"}
    monkeypatch.setenv(variable[name], base)
    mock.respond(whole(listed))
    assert models_of(name) == shown
    assert (mock.exchange().method, mock.exchange().path) == ("GET", path)


def test_what_is_no_list_is_said_so(monkeypatch, mock):
    """Some other server listens there."""
    monkeypatch.setenv("OLLAMA_HOST", mock.base_url.removesuffix("/v1"))
    mock.respond(whole({"hello": 1}))
    with pytest.raises(ProtocolError, match="no list of models"):
        models_of("ollama")


def test_a_list_needs_the_same_as_an_answer():
    """A provider that exists, and its key."""
    with pytest.raises(UsageError, match="Unknown provider"):
        models_of("opanai")
    with pytest.raises(AuthError, match="OPENAI_API_KEY"):
        models_of("openai")
