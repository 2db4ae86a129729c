"""Which name means which endpoint."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from ipyllm.errors import AuthError, UsageError
from ipyllm.keys import Key
from ipyllm.providers import PROVIDERS, Provider, Target, providers, resolve, shown_url
from ipyllm.providers import registry as module
from ipyllm.providers.ollama_host import ollama_url


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    """No key and no address of the machine the tests run on gets in."""
    for provider in PROVIDERS:
        headers = (name for _, name in provider.header_env)
        addresses = module._VARIABLE.findall(provider.base_url)
        for name in filter(None, (*provider.key_env, provider.base_env, *addresses, *headers)):
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
        ("zzz/x", "Known: anthropic, azure"),
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


@pytest.mark.parametrize(
    "host, url",
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("example.com", "http://example.com:11434"),
        ("example.com:1234", "http://example.com:1234"),
        (":1234", "http://127.0.0.1:1234"),
        ("http://example.com", "http://example.com:80"),
        ("https://example.com", "https://example.com:443"),
        ("https://example.com:9/ollama/", "https://example.com:9/ollama"),
        ("example.com/base", "http://example.com:11434/base"),
        (' "example.com" ', "http://example.com:11434"),
        ("ollama.com", "https://ollama.com:443"),
        ("[::1]", "http://[::1]:11434"),
        ("[::]:9", "http://[::1]:9"),
        ("::1", "http://[::1]:11434"),
        ("example.com:70000", "http://example.com:11434"),
        ("HTTP://example.com", "http://example.com:80"),
    ],
)
def test_ollamas_host_is_read_as_ollama_does(host, url):
    """No scheme, no port, a server's bind address, quotes: all were seen."""
    assert ollama_url(host) == url


def test_ollama_is_found_by_its_own_variable(monkeypatch):
    """And asked beside its OpenAI-compatible part, whichever of the two was named."""
    monkeypatch.setenv("OLLAMA_HOST", "gpu:9")
    assert resolve("ollama/m").base_url == "http://gpu:9"
    assert resolve("ollama/m", base_url="http://gpu:9/v1").base_url == "http://gpu:9"


@pytest.mark.parametrize(
    "base, path, url",
    [
        ("http://h/v1", "/chat/completions", "http://h/v1/chat/completions"),
        ("http://h/v1", "/v1/messages", "http://h/v1/messages"),
        ("http://h", "/v1/messages", "http://h/v1/messages"),
        ("http://h/v1/chat/completions", "/chat/completions", "http://h/v1/chat/completions"),
        ("http://h/api", "/api/chat", "http://h/api/chat"),
        ("http://h", "/models/m:stream?alt=sse", "http://h/models/m:stream?alt=sse"),
        (
            "http://h/v1?api-version=1",
            "/chat/completions",
            "http://h/v1/chat/completions?api-version=1",
        ),
        ("http://h/v1/messages?beta=true", "/v1/messages", "http://h/v1/messages?beta=true"),
        ("http://h/m:s?alt=sse", "/m:s?alt=sse", "http://h/m:s?alt=sse"),
    ],
)
def test_what_address_and_path_share_is_there_once(base, path, url):
    """People paste base URLs with and without the version, and whole addresses."""
    assert Target("p", "m", "openai_chat", base).url(path) == url


def test_each_service_gets_its_key_where_it_looks(monkeypatch):
    """`Bearer` for most; a header of their own for Anthropic, Gemini and Azure."""
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "AZURE_OPENAI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "k-1")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com/")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    sent = {name: resolve(f"{name}/m").all_headers for name in ("anthropic", "gemini", "azure")}
    assert sent["anthropic"] == {"x-api-key": "k-1", "anthropic-version": "2023-06-01"}
    assert sent["gemini"] == {"x-goog-api-key": "k-1"}
    assert sent["azure"] == {"api-key": "k-1"}
    openai = resolve("openai/m").all_headers
    assert openai == {"OpenAI-Organization": "org-1", "authorization": "Bearer k-1"}
    assert resolve("azure/d").base_url == "https://mine.openai.azure.com/openai/v1"


def test_a_token_of_anthropics_is_a_bearer(monkeypatch):
    """ANTHROPIC_AUTH_TOKEN goes where tokens go, not where keys do."""
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "t-1")
    assert resolve("anthropic/m").all_headers["authorization"] == "Bearer t-1"


def test_an_address_may_need_a_variable(monkeypatch):
    """It is named where it is missing."""
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "t-1")
    with pytest.raises(UsageError, match="needs the variable CLOUDFLARE_ACCOUNT_ID"):
        resolve("cloudflare/m")
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "42")
    assert "/accounts/42/" in resolve("cloudflare/m").base_url
