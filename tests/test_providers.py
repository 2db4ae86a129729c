"""Which name means which endpoint."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from ipyllm import providers as module
from ipyllm.errors import AuthError, UsageError
from ipyllm.keys import Key
from ipyllm.providers import PROVIDERS, Provider, Target, providers, resolve, shown_url


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    """No key and no address of the machine the tests run on gets in."""
    for provider in PROVIDERS:
        for name in filter(None, (*provider.key_env, provider.base_env)):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_model_is_found_at_its_provider(monkeypatch):
    """Name, address and key are looked up; the model's name is sent as it is."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert resolve("openai/gpt-5") == Target(
        "openai",
        "gpt-5",
        "openai_chat",
        "https://api.openai.com/v1",
        Key("OPENAI_API_KEY", "sk-1"),
        "openai/gpt-5",
    )


@pytest.mark.parametrize("spec", [" vllm/org/model:7b ", "vllm/org/model:7b"])
def test_a_models_name_may_hold_anything(spec):
    """Slashes and colons belong to the model's name."""
    target = resolve(spec)
    assert (target.model, target.label) == ("org/model:7b", "vllm/org/model:7b")


@pytest.mark.parametrize("name", ["llamacpp", "vllm", "ollama", "lmstudio"])
def test_a_local_server_needs_no_key(name):
    """Local servers are asked without a key where none is set."""
    target = resolve(f"{name}/m")
    assert target.key is None
    assert target.base_url.startswith("http://127.0.0.1:")


def test_a_local_servers_key_is_sent_where_it_is_set(monkeypatch):
    """A key for a local server is used, though it is not needed."""
    monkeypatch.setenv("VLLM_API_KEY", "k")
    assert resolve("vllm/m").key == Key("VLLM_API_KEY", "k")


def test_without_its_key_a_service_is_not_asked():
    """The variable's name and the way out are in the message."""
    with pytest.raises(AuthError) as caught:
        resolve("openai/gpt-5")
    assert str(caught.value) == "No key for openai: set OPENAI_API_KEY, or try %%llm -m local"


def test_the_address_can_be_set(monkeypatch):
    """The argument wins over the variable, the variable over the default; a slash at the end is none."""
    monkeypatch.setenv("VLLM_BASE_URL", "http://gpu:9/v1/")
    assert resolve("vllm/m").base_url == "http://gpu:9/v1"
    assert resolve("vllm/m", base_url="https://other/v1").base_url == "https://other/v1"


def test_an_address_without_scheme_is_refused():
    """It is said how to write it."""
    with pytest.raises(UsageError, match=r"'gpu:9/v1' is no base URL\. Write http"):
        resolve("vllm/m", base_url="gpu:9/v1")


def test_a_key_variable_can_be_named(monkeypatch):
    """`key_env` takes the place of the provider's own, and has to be set then."""
    monkeypatch.setenv("VLLM_API_KEY", "not this")
    with pytest.raises(AuthError, match="MY_KEY"):
        resolve("vllm/m", key_env="MY_KEY")
    monkeypatch.setenv("MY_KEY", "mine")
    assert resolve("vllm/m", key_env="MY_KEY").key == Key("MY_KEY", "mine")


@pytest.mark.parametrize(
    "spec, hint",
    [
        ("opanai/x", "Did you mean openai"),
        ("olama/x", "Did you mean ollama"),
        ("locl", "Did you mean local"),
        ("zzz/x", "Known: deepseek, groq"),
        ("", "Known: "),
    ],
    ids=repr,
)
def test_an_unknown_provider_is_met_with_the_nearest(spec, hint):
    """A slip of the pen is answered with what was probably meant."""
    with pytest.raises(UsageError) as caught:
        resolve(spec)
    assert hint in caught.value.hint


@pytest.mark.parametrize("spec", ["openai", "openai/"])
def test_a_provider_without_a_model_is_refused(spec):
    """There is no default model to guess."""
    with pytest.raises(UsageError, match="Write -m openai/MODEL"):
        resolve(spec)


def test_other_packages_add_providers(monkeypatch):
    """An entry point gives a provider or a function that makes one; no built-in is shadowed by accident."""
    entries = [
        EntryPoint("mine", "tests", "ipyllm.providers"),
        EntryPoint("yours", "tests", "ipyllm.providers"),
    ]
    mine = Provider("mine", "http://127.0.0.1:1/v1")
    loaded = {"mine": mine, "yours": lambda: Provider("yours", "http://127.0.0.1:2/v1")}
    monkeypatch.setattr(EntryPoint, "load", lambda self: loaded[self.name])
    monkeypatch.setattr(
        module, "entry_points", lambda group: entries if group == "ipyllm.providers" else []
    )
    assert resolve("mine/m").base_url == "http://127.0.0.1:1/v1"
    assert resolve("yours/m").base_url == "http://127.0.0.1:2/v1"
    assert {"mine", "yours", "openai"} <= set(providers())


def test_no_representation_shows_a_key(monkeypatch):
    """Where a target is printed, only the variable's name is."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "sk-secret" not in repr(resolve("openai/m"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/v1", "http://[::1/v1", "http:///v1"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(UsageError, match="is no base URL"):
        resolve("llamacpp/x", base_url=url)


def test_a_key_pasted_as_a_variables_name_is_not_repeated():
    with pytest.raises(UsageError) as caught:
        resolve("llamacpp/x", key_env="sk-pasted-by-mistake")
    assert "sk-pasted" not in str(caught.value)


def test_a_key_with_a_line_break_is_refused_by_its_variables_name(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one\nsk-two")
    with pytest.raises(AuthError, match="OPENAI_API_KEY holds characters"):
        resolve("openai/x")


def test_the_address_that_is_asked_is_the_one_that_is_shown(monkeypatch):
    monkeypatch.setenv("LLAMACPP_BASE_URL", "http://user:secret@gpu:9/v1")
    assert shown_url(providers()["llamacpp"]) == "http://gpu:9/v1"
