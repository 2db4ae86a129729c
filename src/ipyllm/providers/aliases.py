"""Names of the user's own for models: `%llm alias fast groq/llama-3.1-8b-instant`, then `-m fast`."""

from __future__ import annotations

import re

from ipyllm.errors import UsageError
from ipyllm.providers.registry import providers

__all__ = ("aliases", "forget", "give", "meant")

_NAME = re.compile(r"[A-Za-z][\w.-]*")
_TAKEN = ("local", "python", "browser", "ws", "off")  # what `-m` knows beside the providers
_aliases: dict[str, str] = {}


def aliases() -> dict[str, str]:
    """Name -> model, in the order they were given."""
    return dict(_aliases)


def give(name: str, model: str) -> str:
    """
    Have `-m name` mean `model`; gives the model, which is never an alias itself.

    Raises:
        UsageError: the name cannot be one, or means something already.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be an alias.",
            hint="Use a letter, then letters, digits, _, - and dots.",
        )
    if name in _TAKEN or name in providers():
        raise UsageError(f"{name!r} is a provider's name.", hint="Choose another.")
    _aliases[name] = meant(model)
    return _aliases[name]


def forget(name: str) -> None:
    """
    Take it back.

    Raises:
        UsageError: there is none of that name.
    """
    if _aliases.pop(name, None) is None:
        known = ", ".join(_aliases) or "none"
        raise UsageError(f"There is no alias {name!r}.", hint=f"Known: {known}.")


def meant(spec: str) -> str:
    """The model that `-m spec` asks."""
    return _aliases.get(spec.strip(), spec)
