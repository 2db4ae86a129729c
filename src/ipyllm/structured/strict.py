"""
The form of a JSON Schema that OpenAI's strict mode takes, and what it costs.

https://platform.openai.com/docs/guides/structured-outputs#supported-schemas: every member
required, no others, no optional ones but nullable ones, and a part of the keywords.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ipyllm.errors import UsageError
from ipyllm.structured.nulls import nullable, or_null, takes_null, target, without_nulls
from ipyllm.structured.parts import list_at

__all__ = ("nullable", "strict", "without_nulls")

_KEPT = frozenset(
    (
        *("type", "title", "description", "enum", "pattern", "required", "$ref"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minItems", "maxItems"),
    )
)
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_SCALARS: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    The schema in strict mode's form: every member required, those that were not may be null.

    Keywords it does not take are dropped, so an answer has to be checked against the original.

    Raises:
        UsageError: what it cannot say: members with any name, values of any kind.
    """
    return _Strict(schema).document()


class _Strict:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema
        self._inlined: list[str] = []

    def document(self) -> dict[str, Any]:
        out = self._node(self._root)
        defs = cast("Mapping[str, Any]", self._root.get("$defs", {}))
        return (
            {**out, "$defs": {name: self._node(each) for name, each in defs.items()}}
            if defs
            else out
        )

    def _node(self, node: Any) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            raise _cannot("a value of any kind")
        node = self._merged(cast("Mapping[str, Any]", node))
        if "$ref" in node:
            return self._ref(node)
        out = {key: value for key, value in node.items() if key in _KEPT}
        if "const" in node:
            out["enum"] = [node["const"]]
        if node.get("format") in _FORMATS:
            out["format"] = node["format"]
        if "enum" in out and "type" not in out:
            out["type"] = _types(out["enum"])
        if options := [*list_at(node, "anyOf"), *list_at(node, "oneOf")]:
            out["anyOf"] = [self._node(each) for each in options]
        if "array" in _types_of(node):
            out |= self._items(node)
        if "object" in _types_of(node) or "properties" in node:
            out |= {"type": out.get("type", "object"), **self._members(node)}
        if not out.keys() & {"type", "anyOf"}:
            raise _cannot("a value of any kind")
        return out

    def _merged(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """Strict mode has no `allOf`: what its schemas say is said in one."""
        out = dict(node)
        for each in cast("list[dict[str, Any]]", out.pop("allOf", [])):
            if set(out) <= {"title", "description", "default"}:
                out = {**each, **out}
                continue
            inner = dict(self._merged(target(self._root, each)))
            for key in ("properties", "required"):
                if key in out and key in inner:
                    mine, more = out[key], inner.pop(key)
                    out[key] = (
                        {**mine, **more}
                        if isinstance(mine, dict)
                        else [*dict.fromkeys([*mine, *more])]
                    )
            out = {**inner, **out}
        return out

    def _ref(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """A `$ref` stands alone there; what stands beside it goes into a copy of its target."""
        beside = {key: value for key, value in node.items() if key not in ("$ref", "default")}
        ref = node["$ref"]
        if not beside or ref in self._inlined:
            return {"$ref": ref}
        self._inlined.append(ref)
        out = self._node({**target(self._root, {"$ref": ref}), **beside})
        self._inlined.pop()
        return out

    def _items(self, node: Mapping[str, Any]) -> dict[str, Any]:
        prefix = list_at(node, "prefixItems")
        if not prefix:
            return {"items": self._node(node.get("items"))}
        kinds: list[dict[str, Any]] = []
        for each in map(self._node, prefix):
            if each not in kinds:
                kinds.append(each)
        return {"items": kinds[0] if len(kinds) == 1 else {"anyOf": kinds}}

    def _members(self, node: Mapping[str, Any]) -> dict[str, Any]:
        if "properties" not in node and node.get("additionalProperties") is not False:
            raise _cannot("an object with members of any name")
        if isinstance(node.get("additionalProperties"), Mapping) or "patternProperties" in node:
            raise _cannot("an object with members of any name")
        members = cast("Mapping[str, Any]", node.get("properties", {}))
        needed = node.get("required", ())
        properties = {
            name: self._node(each) if name in needed else self._or_null(each)
            for name, each in members.items()
        }
        return {"properties": properties, "required": [*members], "additionalProperties": False}

    def _or_null(self, node: Any) -> dict[str, Any]:
        return self._node(node) if takes_null(self._root, node) else or_null(self._node(node))


def _types(values: list[Any]) -> str | list[str]:
    names = list(dict.fromkeys(_scalar(each) for each in values))
    return names[0] if len(names) == 1 else names


def _scalar(value: object) -> str:
    return _SCALARS.get(type(value), "null")


def _types_of(node: Mapping[str, Any]) -> list[Any]:
    said = node.get("type")
    return cast("list[Any]", said) if isinstance(said, list) else [said]


def _cannot(what: str) -> UsageError:
    return UsageError(
        f"OpenAI's strict mode has no form for {what}.", hint="Name all members and their types."
    )
