"""Names on the magic's line: functions for `-T`, types for `--schema`."""

from __future__ import annotations

import ast
import builtins
import difflib
import typing
from collections.abc import Mapping
from typing import Any

from ipyllm.errors import UsageError

__all__ = ("function_named", "type_named")

_TYPES: dict[str, Any] = {
    **{name: getattr(builtins, name) for name in ("bool", "dict", "float", "int", "list", "str")},
    **{name: getattr(builtins, name) for name in ("set", "tuple")},
    **{name: getattr(typing, name) for name in ("Any", "Literal", "Optional", "Union")},
}


def function_named(name: str, names: Mapping[str, Any]) -> Any:
    """
    The notebook's function of that name; `module.function` too.

    Raises:
        UsageError: there is none.
    """
    return _found(name, names, {}, "-T", "Define the function in a cell first.")


def type_named(expression: str, names: Mapping[str, Any]) -> Any:
    """
    The type of that name, or put together of such: `Person`, `list[Person]`, `int | None`.

    Nothing is called: an expression of any other kind is refused.

    Raises:
        UsageError: it is no type, or one of its names is not there.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise _no_type(expression) from None
    return _type(tree, expression, names)


def _type(node: ast.expr, expression: str, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name() | ast.Attribute():
            hint = "Define it in a cell first: a class, a TypedDict, a JSON Schema dict."
            return _found(ast.unparse(node), names, _TYPES, "--schema", hint)
        case ast.Constant(value):
            return value
        case ast.Tuple(elts):
            return tuple(_type(one, expression, names) for one in elts)
        case ast.Subscript(value, inner):
            return _type(value, expression, names)[_type(inner, expression, names)]
        case ast.BinOp(left, ast.BitOr(), right):
            sides = _type(left, expression, names), _type(right, expression, names)
            return typing.Union[sides]  # noqa: UP007 - made of values
        case _:
            raise _no_type(expression)


def _found(
    name: str, names: Mapping[str, Any], known: Mapping[str, Any], flag: str, hint: str
) -> Any:
    first, *rest = name.split(".")
    if first not in names and first not in known:
        near = difflib.get_close_matches(first, [*names, *known], n=1)
        raise UsageError(
            f"{flag} {name}: there is no {first!r} in the notebook.",
            hint=f"Did you mean {near[0]}?" if near else hint,
        )
    found = names[first] if first in names else known[first]
    for attribute in rest:
        if attribute.startswith("__") or not hasattr(found, attribute):
            raise UsageError(f"{flag} {name}: there is no {attribute!r} in it.", hint=hint)
        found = getattr(found, attribute)
    return found


def _no_type(expression: str) -> UsageError:
    return UsageError(
        f"--schema {expression!r} is no type.",
        hint="Name one, as Person, list[Person] or 'int | None'; quote what has spaces.",
    )
