"""`%llm models` and `%llm keys`: what can be named after `-m`, and what it still needs."""

from __future__ import annotations

import asyncio
from typing import Any

from ipyllm.dialects import dialect
from ipyllm.errors import IpyllmError, ProtocolError, UsageError
from ipyllm.keys import find_key
from ipyllm.local import weights
from ipyllm.magic.text_table import text_table
from ipyllm.providers import Provider, endpoint, providers, shown_url
from ipyllm.transport.http import get_json
from ipyllm.transport.loop import network_loop
from ipyllm.wire.fields import dicts, dig, text

__all__ = ("keys_text", "model_names", "models_of", "models_text")


def models_text() -> str:
    """A table as plain text; key variables by name, never their values."""
    rows = [("local", "embedded demo model", _local())]
    rows += [(f"{one.name}/MODEL", shown_url(one), _key(one)) for one in providers().values()]
    rows += [
        ("browser", "the model of this page's browser", "no key needed; %llm models browser"),
        ("python/NAME", "an iterator or function of this notebook", "no key needed"),
        ("ws/HOST:PORT/PATH", "a WebSocket that sends text or JSON", "no key needed"),
    ]
    return text_table(rows)


def keys_text() -> str:
    """Each variable that may hold a key, and whether it is set: never its value."""
    rows: list[tuple[str, str]] = []
    for one in providers().values():
        for variable in one.key_env:
            state = "set" if find_key((variable,)) else "not set"
            if (variable, state) not in rows:
                rows.append((variable, state))
    return text_table(sorted(rows))


def models_of(name: str) -> str:
    """
    The models a provider has now, one `provider/model` a line.

    Raises:
        IpyllmError: unknown provider, no key, no list to ask for, or it did not answer.
    """
    if name == "browser":
        return _in_pages()
    asked = asyncio.run_coroutine_threadsafe(model_names(name), network_loop())
    return "\n".join(f"{name}/{model}" for model in asked.result()) or f"{name} has no models yet."


async def model_names(name: str, limit: int | None = None) -> list[str]:
    """
    The models a provider has now, sorted; at most `limit`. For the network's loop.

    Raises:
        IpyllmError: as `models_of`; without the user's key nothing is sent.
    """
    target = await asyncio.to_thread(endpoint, name)  # it reads files, and may ask a keyring
    path = dialect(target.dialect).models
    if not path or target.base_url.startswith("ws"):
        raise UsageError(f"{name} has no list of models to ask for.")
    names = _names(await get_json(target, path))
    if names is None:
        raise ProtocolError(f"What {name} sent is no list of models.")
    if key := target.key:  # nothing that is shown may hold it, whoever says it
        names = [name for name in names if not key.is_in(name)]
    return sorted(names)[:limit]


def _in_pages() -> str:
    """One line for each page of this notebook: the state of its browser's model, and why."""
    from ipyllm.widget.page import pages_here

    rows = [("browser", page.state, page.agent, page.reason) for page in pages_here()]
    return text_table(rows)


def _names(listed: Any) -> list[str] | None:
    """OpenAI and Anthropic: `data[].id`; Ollama: `models[].name`; Gemini: `models/` before it."""
    for key in ("data", "models"):
        found = dig(listed, key) if isinstance(listed, dict) else listed
        if isinstance(found, list):
            named = (text(one.get("id")) or text(one.get("name")) for one in dicts(found))
            return [name.removeprefix("models/") for name in named if name]
    return None


def _local() -> str:
    try:
        weights.find()
    except IpyllmError as exc:
        return exc.hint or str(exc)
    return "ready"


def _key(provider: Provider) -> str:
    if not provider.key_env:
        return "no key needed"
    key = find_key(provider.key_env)
    if key is not None:
        return f"{key.name} is set"
    return f"{provider.key_env[0]} is not set" if provider.key_needed else "no key needed"
