"""
A function as a tool: its name, what it is for, the schema of its arguments.

The definition has the shape of OpenAI's chat; the dialects say it in their API's words.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast, overload

from ipyllm.errors import UsageError
from ipyllm.structured.scalars import Build
from ipyllm.tools.docstring import read_docstring
from ipyllm.tools.signature import read_parameters

__all__ = ("Tool", "as_tool", "tool", "tools_of")

_F = TypeVar("_F", bound=Callable[..., Any])
_MARK = "__ipyllm_tool__"


@dataclass(frozen=True, slots=True)
class Tool:
    """
    What a model can call.

    * `name`: `[A-Za-z0-9_-]{1,64}`.
    * `parameters`: JSON Schema of an object.
    * `is_async`: its call gives something to await, or to iterate over asynchronously.
    * `builds`: parameter -> how its JSON value becomes the hinted type.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    function: Callable[..., Any]
    is_async: bool = False
    builds: Mapping[str, Build] = field(default_factory=dict[str, Build], repr=False)

    @property
    def definition(self) -> dict[str, Any]:
        """In the shape of OpenAI's chat."""
        said = {"description": self.description} if self.description else {}
        return {
            "type": "function",
            "function": {"name": self.name, **said, "parameters": self.parameters},
        }


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str = ""
    description: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])


@overload
def tool(function: _F, /) -> _F: ...
@overload
def tool(
    *,
    name: str = "",
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Callable[[_F], _F]: ...
def tool(
    function: Any = None,
    /,
    *,
    name: str = "",
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """
    Say what a model is told of a function; the function stays what it is.

    `parameters`: by name, a description or members of its schema that replace what was read.
    """
    wanted = _Wanted(name, description, parameters or {})

    def mark(function: _F) -> _F:
        try:
            setattr(function, _MARK, wanted)
        except (AttributeError, TypeError) as exc:
            raise UsageError(
                f"{function!r} cannot be marked as a tool.", hint="Wrap it in a function."
            ) from exc
        return function

    return mark if function is None else mark(function)


def as_tool(thing: Any, names: Mapping[str, Any] | None = None) -> Tool:
    """
    The tool that a function, method, partial or callable object is.

    * `names`: what hints written as text may mean, beside the names where the function is from.

    Raises:
        UsageError: a model cannot call it, or cannot be told how.
    """
    if isinstance(thing, Tool):
        return thing
    if not callable(thing):
        raise UsageError(f"{_short(thing)} is not callable.", hint="A tool is a function.")
    wanted = cast("_Wanted", getattr(thing, _MARK, None) or _Wanted())
    name = _valid(wanted.name or _name(thing))
    document = read_docstring(_doc(thing))
    read = read_parameters(thing, name, document.parameters, names or {})
    said = document.text if wanted.description is None else wanted.description
    schema = _overridden(read.schema, wanted.parameters, name)
    return Tool(name, said, schema, thing, _is_async(thing), read.builds)


def tools_of(things: Iterable[Any], names: Mapping[str, Any] | None = None) -> dict[str, Tool]:
    """
    Tools by their names.

    Raises:
        UsageError: as `as_tool` does, or two have one name.
    """
    out: dict[str, Tool] = {}
    for thing in things:
        made = as_tool(thing, names)
        if made.name in out:
            raise UsageError(
                f"Two tools are named {made.name!r}.", hint='Give one @tool(name="...").'
            )
        out[made.name] = made
    return out


def _name(thing: Any) -> str:
    inner = _inner(thing)
    name = str(getattr(inner, "__name__", "") or type(inner).__name__)
    if name == "<lambda>":
        raise UsageError("A lambda has no name to call it by.", hint="Write it as a def.")
    return name


def _valid(name: str) -> str:
    valid = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64]
    if not valid.strip("_-"):
        raise UsageError(
            f"The name {name!r} has no letter that APIs take.", hint='Give it @tool(name="...").'
        )
    return valid


def _doc(thing: Any) -> str | None:
    inner = _inner(thing)
    if inspect.isroutine(inner) or isinstance(inner, type):
        return inspect.getdoc(inner)
    return inspect.getdoc(type(inner).__call__) or inspect.getdoc(inner)


def _inner(thing: Any) -> Any:
    while isinstance(thing, functools.partial):
        thing = cast("functools.partial[Any]", thing).func
    return thing


def _is_async(thing: Any) -> bool:
    inner = _inner(thing)
    if not inspect.isroutine(inner) and not isinstance(inner, type):
        inner = type(inner).__call__
    return inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner)


def _overridden(schema: dict[str, Any], wanted: Mapping[str, Any], name: str) -> dict[str, Any]:
    properties = dict(schema["properties"])
    for each, said in wanted.items():
        if each not in properties:
            known = ", ".join(properties) or "none"
            raise UsageError(f"{name!r} has no parameter {each!r}.", hint=f"It has: {known}.")
        more = {"description": said} if isinstance(said, str) else dict(said)
        properties[each] = {**properties[each], **more}
    return {**schema, "properties": properties}


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
