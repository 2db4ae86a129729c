"""
`{name}` in a prompt, where `name` is a variable of the notebook.

Everything else in braces stays as it is, so that JSON and code survive; what is put in is
not looked at again.
"""

from __future__ import annotations

import re
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

__all__ = ("interpolate",)

_REFERENCE = re.compile(r"\{(\{)?([^\W\d]\w*)\}(?(1)\})")
_NEVER = (ModuleType, FunctionType, type)


def interpolate(text: str, names: Mapping[str, Any], hidden: Container[str] = ()) -> str:
    """Replace `{name}` by the text of a live variable; `{{name}}` gives `{name}` then."""

    def replaced(found: re.Match[str]) -> str:
        name = found[2]
        value = names.get(name)
        if (
            name not in names
            or name.startswith("__")
            or name in hidden
            or isinstance(value, _NEVER)
        ):
            return found[0]
        return "{" + name + "}" if found[1] else str(value)

    return _REFERENCE.sub(replaced, text)
