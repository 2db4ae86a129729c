"""
The value a reference stands for: from the notebook, step by step.

Nothing is called, though a property runs. A name that begins with an underscore is read as a
variable only, never as an attribute; no step goes through a module, a function or a class. Only
the types of values are looked at on the way, never `value.__class__`.
"""

from __future__ import annotations

import difflib
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from ipyllm.magic.references import Attribute, Item, Path

__all__ = ("Names", "NotRead", "reason")

_NEVER = (
    ModuleType,
    type,
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    MethodDescriptorType,
    MethodWrapperType,
    WrapperDescriptorType,
)
_NEAR = 0.75  # of difflib's ratio: `pirce` and `price` have 0.8
_SHORTEST = 3  # characters; shorter names are all near each other
_CUT = 200  # characters of an error


class NotRead(Exception):
    """The root is there, and the rest cannot be had: why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Names:
    """
    What can be named in a prompt.

    * `names`: the notebook's variables.
    * `hidden`: those of them that IPython brought; as a mapping it has the values they came with.
    * `history`: In, Out and Err; they count with a number only, as `{Out[3]}`.
    """

    names: Mapping[str, Any]
    hidden: Container[str] = ()
    history: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def is_live(self, path: Path) -> bool:
        """Whether the root of the path is a variable of the notebook."""
        return self._is_variable(path.root) or self._is_history(path)

    def knows(self, name: str) -> bool:
        """Whether there is such a name at all, live or not."""
        return name in self.names or name in self.history

    def read(self, path: Path) -> Any:
        """
        The value of a path that is live.

        Raises:
            NotRead: a step of it cannot be taken.
        """
        names = self.names if self._is_variable(path.root) else self.history
        value = names[path.root]
        for step in path.steps:
            value = _taken(value, step)
            if _is_never(value):
                raise NotRead("it is a module, a function or a class, and nothing is called")
        return value

    def near(self, name: str) -> str:
        """The variable that may have been meant; "" if there is none."""
        if len(name) < _SHORTEST:
            return ""
        known = [each for each in self.names if self._is_variable(each) and each[:1] != "_"]
        return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=_NEAR)), "")

    def _is_variable(self, name: str) -> bool:
        # `_` is the last output in IPython, and a blank to fill in elsewhere.
        if name == "_" or name.startswith("__"):
            return False
        if name not in self.names or _is_never(self.names[name]):
            return False
        if name in self.hidden:  # unless the user has given it another value
            hidden = self.hidden
            return isinstance(hidden, Mapping) and hidden[name] is not self.names[name]
        return True

    def _is_history(self, path: Path) -> bool:
        first = path.steps[0] if path.steps else None
        numbered = isinstance(first, Item) and isinstance(first.key, int)
        return numbered and path.root in self.history


def _is_never(value: Any) -> bool:
    return issubclass(type(value), _NEVER)


def _taken(value: Any, step: Attribute | Item) -> Any:
    key = step.name if isinstance(step, Attribute) else step.key
    if isinstance(step, Attribute) and step.name.startswith("_"):
        raise NotRead("attributes that begin with an underscore are not read")
    if isinstance(key, str) and key.startswith("__") and key.endswith("__"):
        raise NotRead("Python's own names are not read")
    try:
        return getattr(value, step.name) if isinstance(step, Attribute) else value[step.key]
    except Exception as exc:  # the user's own code  # noqa: BLE001
        raise NotRead(reason(exc)) from None


def reason(exc: Exception) -> str:
    """An exception as the end of a sentence."""
    try:
        said = str(exc)
    except Exception:  # the user's own code  # noqa: BLE001
        said = ""
    said = f"{type(exc).__name__}: {' '.join(said.split())}" if said else type(exc).__name__
    return (said if len(said) <= _CUT else f"{said[:_CUT]}…").rstrip(".")
