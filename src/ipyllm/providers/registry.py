"""A name to its endpoint: the table here, and what other packages register."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any, cast
from urllib.parse import urlsplit

from ipyllm.dialects import dialect
from ipyllm.errors import AuthError, UsageError
from ipyllm.keys import Key, find_key
from ipyllm.providers.ollama_host import ollama_url
from ipyllm.providers.provider import Provider, Target
from ipyllm.providers.table import PROVIDERS

__all__ = (
    "continuable",
    "continuing_params",
    "endpoint",
    "providers",
    "resolve",
    "shown_url",
)

_VARIABLE = re.compile(r"\{(\w+)\}")

# They are given the messages as they are: the page marks the last one as `prefix`.
_RUN_HERE = ("local", "browser", "python")

_BUILT_IN = {provider.name: provider for provider in PROVIDERS}


def providers() -> dict[str, Provider]:
    """Those above, and those (or what makes them) other packages register as `ipyllm.providers`."""
    found = dict(_BUILT_IN)
    for entry in entry_points(group="ipyllm.providers"):
        loaded: Any = entry.load()
        found[entry.name] = cast("Provider", loaded() if callable(loaded) else loaded)
    return found


def continuing_params(name: str) -> dict[str, object] | None:
    """What tells that provider to go on with the assistant's last message; None if it cannot."""
    if name in _RUN_HERE:
        return {}
    provider = _BUILT_IN.get(name) or providers().get(name)
    if provider is None or provider.continues is None:
        return None
    return dict(provider.continues)


def continuable() -> str:
    """Names of those that can."""
    named = [one.name for one in providers().values() if one.continues is not None]
    return ", ".join([*_RUN_HERE, *named])


def resolve(spec: str, *, base_url: str = "", key_env: str = "", offline: bool = False) -> Target:
    """
    Find where `provider/model` is served; `offline` needs neither key nor address.

    Raises:
        UsageError: no such provider, or no model named.
        AuthError: the provider needs a key and none of its variables is set.
    """
    name, _, model = spec.strip().partition("/")
    provider = _named(name, spec)
    if not model:
        raise UsageError(f"No model named in {spec!r}.", hint=f"Write -m {name}/MODEL.")
    target = endpoint(provider, base_url=base_url, key_env=key_env, offline=offline)
    return replace(target, model=model, label=spec.strip())


def endpoint(
    provider: Provider | str, *, base_url: str = "", key_env: str = "", offline: bool = False
) -> Target:
    """
    The same without a model.

    Raises:
        UsageError: no such provider, or no address.
        AuthError: as `resolve`.
    """
    if isinstance(provider, str):
        provider = _named(provider, provider)
    if key_env and not key_env.isidentifier():
        # Not repeated: it may be a key that was pasted here.
        raise UsageError("--key-env takes the name of a variable.", hint="Not the key itself.")
    if key_env:
        provider = replace(provider, key_env=(key_env,), key_needed=True)
    if offline:  # a cassette answers: nothing is sent anywhere
        provider, base_url = replace(provider, key_needed=False), base_url or "http://offline"
    api = dialect(provider.dialect)
    key = _key(provider)
    auth = provider.auth or api.auth
    if key is not None and key.name.endswith("_AUTH_TOKEN"):
        auth = "authorization"  # Anthropic takes tokens of another kind there
    headers = [*api.headers]
    for header, variable in provider.header_env:
        if value := os.environ.get(variable, ""):
            headers.append((header, value))
    url = _address(provider, base_url)
    return Target(
        provider=provider.name,
        model="",
        dialect=provider.dialect,
        base_url=url,
        key=key,
        label=provider.name,
        auth=auth,
        headers=tuple(headers),
        params=provider.params,
    )


def _named(name: str, spec: str) -> Provider:
    # Entry points are asked only for a name of nobody here: the scan costs 10 ms.
    provider = _BUILT_IN.get(name) or providers().get(name)
    if provider is None:
        raise UsageError(
            f"Unknown provider {name!r} in {spec!r}.", hint=_nearest(name, providers())
        )
    return provider


def _key(provider: Provider) -> Key | None:
    key = find_key(provider.key_env)
    if key is None and provider.key_needed:
        variable = provider.key_env[0]
        raise AuthError(
            f"No key for {provider.name}: set {variable},", hint="or try %%llm -m local"
        )
    if key is not None and not (key.value.isascii() and key.value.isprintable()):
        raise AuthError(f"{key.name} holds characters that no key has.", hint="Set it again.")
    return key


def _address(provider: Provider, base_url: str) -> str:
    url = (base_url or _base_url(provider)).rstrip("/")
    if missing := _VARIABLE.search(url):
        raise UsageError(
            f"{provider.name} needs the variable {missing[1]} for its address.",
            hint="Set it, or give --base-url.",
        )
    if "://" not in url or not _is_address(url):
        raise UsageError(f"{url!r} is no base URL.", hint="Write http://HOST:PORT/v1, or https.")
    # Ollama's own API lies beside the OpenAI-compatible one.
    return url.removesuffix("/v1") if provider.dialect.startswith("ollama") else url


def shown_url(provider: Provider) -> str:
    """Where it is asked now, without the user and password an address may hold."""
    url = _base_url(provider)
    if "://" not in url:  # `{VARIABLE}/path`: not set
        return url
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _base_url(provider: Provider) -> str:
    given = os.environ.get(provider.base_env or " ", "")
    if given and provider.base_env == "OLLAMA_HOST":
        return ollama_url(given)
    if given:
        return given
    return _VARIABLE.sub(
        lambda found: os.environ.get(found[1], "").rstrip("/") or found[0], provider.base_url
    )


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
