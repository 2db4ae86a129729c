"""References within a JSON Schema, made alike: each points at `#/$defs/NAME`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from ipyllm.errors import UsageError
from ipyllm.structured.rules import resolve

__all__ = ("expanded", "free_name", "localize", "safe_name", "used")

# What stands at the root, and what OpenAPI names references in.
_APART = ("$defs", "definitions", "$schema", "$id", "discriminator")
_VALUES = ("enum", "const", "default", "examples", "example")
_BY_NAME = ("properties", "patternProperties", "dependentSchemas")


def localize(document: Mapping[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """
    The document without its definitions; those it refers to are added to `defs`.

    Raises:
        UsageError: a reference to another document, or to nothing.
    """
    return _Localizer(document, defs).copy(document)


def expanded(node: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of its own: a reference at its root replaced, with those definitions it needs."""
    out = dict(node)
    while "$ref" in out:
        target = defs[str(out.pop("$ref")).removeprefix("#/$defs/")]
        out = {**target, **out}
    needed: dict[str, None] = {}
    waiting = list(used(out))
    while waiting:
        if (name := waiting.pop()) not in needed:
            needed[name] = None
            waiting += used(defs[name])
    kept = {name: each for name, each in defs.items() if name in needed}
    return {**out, "$defs": kept} if kept else out


def used(node: Any) -> Iterator[str]:
    """The names of the definitions it refers to."""
    if isinstance(node, Mapping):
        for key, value in cast("Mapping[str, Any]", node).items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix("#/$defs/")
            elif key not in _VALUES:
                yield from used(value)
    elif isinstance(node, list):
        for each in cast("list[Any]", node):
            yield from used(each)


def free_name(wanted: str, defs: Mapping[str, Any]) -> str:
    """The name, or the first with a number behind it that no definition has."""
    name, count = safe_name(wanted), 1
    while name in defs:
        count += 1
        name = f"{safe_name(wanted)}_{count}"
    return name


def safe_name(wanted: str) -> str:
    """In the characters that every API takes: `list[str]` is `list_str`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", wanted).strip("_")[:64] or "answer"


class _Localizer:
    def __init__(self, document: Mapping[str, Any], defs: dict[str, Any]) -> None:
        self._document = document
        self._defs = defs
        self._names: dict[str, str] = {}

    def copy(self, node: Any) -> Any:
        if isinstance(node, Mapping):
            members = cast("Mapping[str, Any]", node)
            return {
                key: self._member(key, value) for key, value in members.items() if key not in _APART
            }
        if isinstance(node, (list, tuple)):
            return [self.copy(each) for each in cast("list[Any]", node)]
        return node

    def _member(self, key: str, value: Any) -> Any:
        if key == "$ref" and isinstance(value, str):
            return f"#/$defs/{self._name(value)}"
        if key in _VALUES:
            return list(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else value
        if key in _BY_NAME and isinstance(value, Mapping):
            members = cast("Mapping[str, Any]", value)
            return {name: self.copy(each) for name, each in members.items()}
        return self.copy(value)

    def _name(self, ref: str) -> str:
        if ref not in self._names:
            try:
                target = resolve(self._document, ref)
            except (LookupError, TypeError):
                hint = "A reference points into the same schema: #/$defs/NAME."
                raise UsageError(
                    f"The schema refers to {ref!r}, which is not in it.", hint=hint
                ) from None
            title = (
                cast("Mapping[str, Any]", target).get("title")
                if isinstance(target, Mapping)
                else None
            )
            name = free_name(
                str(title or "root") if ref == "#" else ref.rpartition("/")[2], self._defs
            )
            self._names[ref] = name
            self._defs[name] = {}
            self._defs[name] = self.copy(target)
        return self._names[ref]
