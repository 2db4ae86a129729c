"""
What `Annotated[...]` says beside the type: a description, and limits.

Whoever names the limits as `annotated-types` does is understood: that package, pydantic's
`Field`, msgspec's `Meta`. None of them is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

__all__ = ("described", "limited")

_BOUNDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
}
_SIZES = {"string": ("Length",), "array": ("Items",), "object": ("Properties",)}


def described(schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {**schema, "description": text} if text else schema


def limited(schema: dict[str, Any], said: Iterable[object]) -> dict[str, Any]:
    """The schema with what a hint's annotations add to it."""
    out = dict(schema)
    for note in _flat(said):
        if text := _description(note):
            out["description"] = text
        for name, keyword in _BOUNDS.items():
            bound = getattr(note, name, None)
            if isinstance(bound, (int, float)) and not isinstance(bound, bool):
                out[keyword] = bound
        for name, start in (("min_length", "min"), ("max_length", "max")):
            count = getattr(note, name, None)
            if isinstance(count, int) and (start == "max" or count):
                out |= {f"{start}{of}": count for of in _sizes(schema)}
        if isinstance(expression := getattr(note, "pattern", None), str):
            out["pattern"] = expression
    return out


def _sizes(schema: dict[str, Any]) -> tuple[str, ...]:
    """What a length counts: of a union, whatever turns up."""
    said = schema.get("type")
    return _SIZES.get(said, ()) if isinstance(said, str) else ("Length", "Items", "Properties")


def _flat(said: Iterable[object]) -> Iterator[object]:
    for note in said:
        yield note
        # A pydantic Field keeps its limits in a list.
        inner = getattr(note, "metadata", None)
        if isinstance(inner, (list, tuple)):
            yield from _flat(cast("list[object]", inner))


def _description(note: object) -> str:
    if isinstance(note, str):
        return note
    found = getattr(note, "description", None) or getattr(note, "documentation", None)
    return found if isinstance(found, str) else ""
