"""Which name means which endpoint: dialect, base URL, key variable."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import Any, cast
from urllib.parse import urlsplit

from ipyllm.errors import AuthError, UsageError
from ipyllm.keys import Key, find_key

__all__ = ("PROVIDERS", "Provider", "Target", "providers", "resolve", "shown_url")


@dataclass(frozen=True, slots=True)
class Provider:
    """
    An endpoint one can name in `-m name/model`.

    * `base_url`: up to and including the API's version; `base_env` overrides it.
    * `key_env`: variables that may hold the key, the usual one first; none for a local server.
    * `key_needed`: refuse to call without a key.
    """

    name: str
    base_url: str
    key_env: tuple[str, ...] = ()
    base_env: str = ""
    dialect: str = "openai_chat"
    key_needed: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """
    Where one request goes, all looked up.

    * `model`: the name as the service knows it.
    * `label`: what people see, `provider/model`.
    * `params`: sent with each request unless the user sets them.
    """

    provider: str
    model: str
    dialect: str
    base_url: str
    key: Key | None = None
    label: str = ""
    params: tuple[tuple[str, object], ...] = ()


def _hosted(name: str, base_url: str, key: str, base_env: str = "") -> Provider:
    return Provider(name, base_url, (key,), base_env, key_needed=True)


PROVIDERS: tuple[Provider, ...] = (
    _hosted("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    _hosted("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    _hosted("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    _hosted("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    _hosted("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY"),
    _hosted("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    Provider("llamacpp", "http://127.0.0.1:8080/v1", ("LLAMA_API_KEY",), "LLAMACPP_BASE_URL"),
    Provider("vllm", "http://127.0.0.1:8000/v1", ("VLLM_API_KEY",), "VLLM_BASE_URL"),
    Provider("ollama", "http://127.0.0.1:11434/v1", ("OLLAMA_API_KEY",), "OLLAMA_BASE_URL"),
    Provider("lmstudio", "http://127.0.0.1:1234/v1", (), "LMSTUDIO_BASE_URL"),
)


_BUILT_IN = {provider.name: provider for provider in PROVIDERS}


def providers() -> dict[str, Provider]:
    """Those above, and those (or what makes them) other packages register as `ipyllm.providers`."""
    found = dict(_BUILT_IN)
    for entry in entry_points(group="ipyllm.providers"):
        loaded: Any = entry.load()
        found[entry.name] = cast("Provider", loaded() if callable(loaded) else loaded)
    return found


def resolve(spec: str, *, base_url: str = "", key_env: str = "") -> Target:
    """
    Find where `provider/model` is served.

    Raises:
        UsageError: no such provider, or no model named.
        AuthError: the provider needs a key and none of its variables is set.
    """
    name, _, model = spec.strip().partition("/")
    # Entry points are asked only for a name of nobody here: the scan costs 10 ms.
    provider = _BUILT_IN.get(name) or providers().get(name)
    if provider is None:
        raise UsageError(
            f"Unknown provider {name!r} in {spec!r}.", hint=_nearest(name, providers())
        )
    if not model:
        raise UsageError(f"No model named in {spec!r}.", hint=f"Write -m {name}/MODEL.")
    if key_env and not key_env.isidentifier():
        # Not repeated: it may be a key that was pasted here.
        raise UsageError("--key-env takes the name of a variable.", hint="Not the key itself.")
    if key_env:
        provider = replace(provider, key_env=(key_env,), key_needed=True)
    key = find_key(provider.key_env)
    if key is None and provider.key_needed:
        variable = provider.key_env[0]
        raise AuthError(f"No key for {name}: set {variable},", hint="or try %%llm -m local")
    if key is not None and not (key.value.isascii() and key.value.isprintable()):
        raise AuthError(f"{key.name} holds characters that no key has.", hint="Set it again.")
    url = base_url or _base_url(provider)
    if "://" not in url or not _is_address(url):
        raise UsageError(f"{url!r} is no base URL.", hint="Write http://HOST:PORT/v1, or https.")
    return Target(name, model, provider.dialect, url.rstrip("/"), key, spec.strip())


def shown_url(provider: Provider) -> str:
    """Where it is asked now, without the user and password an address may hold."""
    scheme, _, rest = _base_url(provider).partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _base_url(provider: Provider) -> str:
    return os.environ.get(provider.base_env or " ", "") or provider.base_url


def _is_address(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname) and urlsplit(url).port != 0
    except ValueError:  # brackets, or a port over 65535
        return False


def _nearest(name: str, known: dict[str, Provider]) -> str:
    names = [*known, "local"]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Known: {', '.join(sorted(names))}."
