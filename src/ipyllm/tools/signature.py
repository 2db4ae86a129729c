"""
The parameters of a function as one JSON Schema, and the way back to its types.

A parameter without a hint takes any JSON value. What a `functools.partial` has bound is not shown.
"""

from __future__ import annotations

import builtins
import enum
import functools
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ipyllm.errors import UsageError
from ipyllm.structured.hints import Hints
from ipyllm.structured.scalars import Build

__all__ = ("Parameters", "read_parameters")

_HINT = "Wrap it in a function whose parameters have names."


@dataclass(frozen=True, slots=True)
class Parameters:
    """
    What a call takes.

    * `schema`: of an object with a member for each parameter.
    * `builds`: name -> how its JSON value becomes the hinted type; none for one without a hint.
    """

    schema: dict[str, Any]
    builds: dict[str, Build]


def read_parameters(
    function: Callable[..., Any], name: str, said: Mapping[str, str], names: Mapping[str, Any]
) -> Parameters:
    """
    The parameters of a function, as a model gives them.

    * `said`: descriptions of the parameters.
    * `names`: what hints written as text may mean, beside the names where the function is from.

    Raises:
        UsageError: a parameter cannot be given by name, or its hint has no schema.
    """
    hints = Hints({**vars(builtins), **names, **_names_of(function)})
    properties: dict[str, Any] = {}
    builds: dict[str, Build] = {}
    required: list[str] = []
    others = False
    for each in _shown(function, name):
        if each.kind is each.VAR_KEYWORD:
            others = True
            continue
        _by_name(each, name)
        properties[each.name] = _property(each, name, hints, builds, said.get(each.name, ""))
        if each.default is each.empty:
            required.append(each.name)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": others,
    }
    return Parameters({**schema, "$defs": hints.defs} if hints.defs else schema, builds)


def _shown(function: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as exc:
        raise UsageError(f"Python does not tell the parameters of {name!r}.", hint=_HINT) from exc
    bound = function.keywords if isinstance(function, functools.partial) else {}
    return [each for each in signature.parameters.values() if each.name not in bound]


def _by_name(parameter: inspect.Parameter, name: str) -> None:
    if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        raise UsageError(
            f"{name!r}: {star}{parameter.name} cannot be given by name, as a model does.",
            hint=_HINT,
        )


def _property(
    parameter: inspect.Parameter, name: str, hints: Hints, builds: dict[str, Build], said: str
) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    if parameter.annotation is not parameter.empty:
        try:
            typed = hints.read(parameter.annotation)
        except UsageError as exc:
            raise UsageError(
                f"{name!r}, parameter {parameter.name}: {exc.message}", hint=exc.hint
            ) from exc
        schema, builds[parameter.name] = dict(typed.schema), typed.build
    if said:
        schema["description"] = said
    return schema | _default(parameter.default)


def _default(value: Any) -> dict[str, Any]:
    if isinstance(value, enum.Enum):
        value = value.value
    if not isinstance(value, (str, int, float, list, dict)):
        return {}
    try:
        return {"default": json.loads(json.dumps(value, allow_nan=False))}
    except (TypeError, ValueError, RecursionError):
        return {}


def _names_of(function: Any) -> dict[str, Any]:
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function) and not isinstance(function, type):
        function = type(function).__call__
    inner = inspect.unwrap(getattr(function, "__func__", function))
    code, cells = getattr(inner, "__code__", None), getattr(inner, "__closure__", None)
    names = dict(getattr(inner, "__globals__", {}))
    for name, cell in zip(getattr(code, "co_freevars", ()), cells or (), strict=False):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return names
