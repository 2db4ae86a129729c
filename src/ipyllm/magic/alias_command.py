"""`%llm alias`: names of the user's own for models."""

from __future__ import annotations

from ipyllm.errors import UsageError
from ipyllm.magic.text_table import text_table
from ipyllm.providers.aliases import aliases, forget, give

__all__ = ("alias_command",)


def alias_command(words: str) -> str:
    """
    `alias` lists them, `alias NAME MODEL` gives one, `alias NAME off` takes it back.

    Raises:
        UsageError: the name or the words cannot be that.
    """
    match words.split():
        case []:
            known = aliases()
            return text_table([*known.items()]) if known else "no aliases"
        case [name, "off"]:
            forget(name)
            return f"{name} is forgotten"
        case [name, model]:
            return f"{name} is {give(name, model)}"
        case _:
            raise UsageError(
                f"%llm alias {words.strip()} is not understood.",
                hint="Write: %llm alias NAME PROVIDER/MODEL.",
            )
