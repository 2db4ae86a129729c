"""`%llm models`: what can be named after `-m`, and what it still needs."""

from __future__ import annotations

from ipyllm.errors import IpyllmError
from ipyllm.keys import find_key
from ipyllm.local import weights
from ipyllm.providers import Provider, providers, shown_url

__all__ = ("models_text",)


def models_text() -> str:
    """A table as plain text; key variables by name, never their values."""
    rows = [("local", "embedded demo model", _local())]
    rows += [(f"{one.name}/MODEL", shown_url(one), _key(one)) for one in providers().values()]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return "\n".join(
        f"{name:<{widths[0]}}  {where:<{widths[1]}}  {state}" for name, where, state in rows
    )


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
