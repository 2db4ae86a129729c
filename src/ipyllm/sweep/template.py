"""
Prompts with `{name}` in them, filled from the grid's variables.

Only a plain name in braces is one of those; JSON and code stay as they are. What is put in is not
looked at again, and `{{name}}` gives `{name}`.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ipyllm.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("filled", "names_in")

_NAME = re.compile(r"\{(\{)?([^\W\d]\w*)\}(?(1)\})")


def names_in(template: str) -> list[str]:
    """The names that stand in single braces, each once."""
    return list(dict.fromkeys(found[2] for found in _NAME.finditer(template) if not found[1]))


def filled(template: str, values: Mapping[str, Any]) -> str:
    """
    The template with its variables in place.

    Raises:
        UsageError: it names something that is no variable.
    """

    def replaced(found: re.Match[str]) -> str:
        name = found[2]
        if found[1]:
            return "{" + name + "}"
        if name not in values:
            raise _unknown(name, values)
        return str(values[name])

    return _NAME.sub(replaced, template)


def _unknown(name: str, known: Iterable[str]) -> UsageError:
    near = get_close_matches(name, list(known), n=1)
    if near:
        hint = f"Did you mean {{{near[0]}}}?"
    else:
        hint = (
            f"Known: {', '.join(known) or 'none'}. For the braces themselves write {{{{{name}}}}}."
        )
    return UsageError(f"The prompt names {{{name}}}, which is none of the variables.", hint=hint)
