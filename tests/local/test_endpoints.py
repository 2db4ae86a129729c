"""Every API of a real llama.cpp server, asked as a user would: the same answer, counted and finished."""

from __future__ import annotations

import pytest

import ipyllm
from ipyllm import errors
from ipyllm.local import server, weights

pytestmark = pytest.mark.model

QUESTION = "The capital of France is"
PROVIDERS = {
    "chat": ("llamacpp", "/v1", {"max_tokens": 12}),
    "completions": ("openai-completions", "/v1", {"max_tokens": 12}),
    "native": ("llamacpp-native", "", {"n_predict": 12}),
    "messages": ("anthropic", "", {"max_tokens": 12}),
    "responses": ("openai-responses", "/v1", {"max_output_tokens": 12}),
}


@pytest.fixture(scope="module")
def running():
    yield server.ensure(weights.find())
    server.stop()


@pytest.fixture
def ask(running, monkeypatch):
    monkeypatch.setenv("EMBEDDED_KEY", running.api_key)

    def asked(api: str, prompt: str = QUESTION, **params):
        provider, path, limit = PROVIDERS[api]
        origin = running.base_url.removesuffix("/v1")
        return ipyllm.ask(
            prompt,
            model=f"{provider}/demo",
            params={"temperature": 0, **limit, **params},
            base_url=origin + path,
            key_env="EMBEDDED_KEY",
        )

    return asked


@pytest.mark.parametrize("api", PROVIDERS)
def test_every_endpoint_streams_an_answer(ask, api):
    """Text, token by token; the end, proven; tokens, counted by the server."""
    reply = ask(api)
    assert reply
    assert reply.finish_reason in ("length", "stop")
    assert 1 < reply.usage.output_tokens <= 12
    assert reply.usage.input_tokens > 0
    assert not reply.timing.estimated
    assert reply.timing.ttfr <= reply.timing.ttft <= reply.timing.total
    assert len(reply.timing.gaps) > 1


@pytest.mark.parametrize("apis", [("chat", "messages", "responses"), ("completions", "native")])
def test_one_question_has_one_answer(ask, apis):
    """The same model, the same template, no chance: whatever API carries it."""
    assert len({str(ask(api)) for api in apis}) == 1


@pytest.mark.parametrize("api", PROVIDERS)
def test_a_prompt_that_is_too_long_is_said_to_be(ask, api):
    """4,096 tokens are all the demo model has."""
    with pytest.raises(errors.ContextTooLong, match=r"Shorten|context"):
        ask(api, "word " * 6000)


@pytest.mark.parametrize("api", PROVIDERS)
def test_a_wrong_key_is_told_apart(ask, api, running, monkeypatch):
    """It is the key's fault, and the key is not in the message."""
    monkeypatch.setenv("EMBEDDED_KEY", "sk-wrong-and-secret")
    provider, path, _ = PROVIDERS[api]
    with pytest.raises(errors.AuthError) as caught:
        ipyllm.ask(
            "x",
            model=f"{provider}/demo",
            base_url=running.base_url.removesuffix("/v1") + path,
            key_env="EMBEDDED_KEY",
        )
    assert "sk-wrong" not in str(caught.value)


@pytest.mark.parametrize("api, params", [("chat", {"logprobs": True}), ("native", {"n_probs": 1})])
def test_probabilities_are_kept(ask, api, params):
    """One for each token, as logarithms."""
    reply = ask(api, **params)
    assert "".join(token for token, _ in reply.logprobs) == str(reply)
    assert all(logprob <= 0 for _, logprob in reply.logprobs)
