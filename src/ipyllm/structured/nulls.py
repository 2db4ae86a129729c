"""Members that may be missing, written as null: strict mode asks for that, models do it anyway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ipyllm.structured.checker import check
from ipyllm.structured.parts import list_at

__all__ = ("nullable", "or_null", "takes_null", "target", "without_nulls")

_SCALARS = ("string", "boolean", "integer", "number")


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, but members that may be missing may be null too: strict mode asks for that."""
    return cast("dict[str, Any]", _nullable(schema, schema))


def without_nulls(schema: Mapping[str, Any], value: Any) -> Any:
    """The value without the nulls of members that may be missing, but not null."""
    return _without(schema, schema, value)


def _nullable(root: Mapping[str, Any], node: Any) -> Any:
    if isinstance(node, list):
        return [_nullable(root, each) for each in cast("list[Any]", node)]
    if not isinstance(node, Mapping):
        return node
    members = cast("Mapping[str, Any]", node)
    out = {
        key: value if key in ("enum", "const", "default") else _nullable(root, value)
        for key, value in members.items()
    }
    properties, needed = members.get("properties"), members.get("required", ())
    if isinstance(properties, Mapping):
        out["properties"] = {
            name: _nullable(root, each)
            if name in needed or takes_null(root, each)
            else or_null(_nullable(root, each))
            for name, each in cast("Mapping[str, Any]", properties).items()
        }
    return out


def _without(root: Mapping[str, Any], node: Any, value: Any) -> Any:
    if not isinstance(node, Mapping) or not isinstance(value, (dict, list)):
        return value
    node = target(root, cast("Mapping[str, Any]", node))
    for each in [*list_at(node, "anyOf"), *list_at(node, "oneOf")]:
        tried = _without(root, each, value)
        if check({**_as_mapping(each), "$defs": root.get("$defs", {})}, tried) is None:
            return tried
    if isinstance(value, list):
        prefix, items = list_at(node, "prefixItems"), cast("list[Any]", value)
        schemas = [*prefix, *[node.get("items")] * (len(items) - len(prefix))]
        return [
            _without(root, schema, each) for schema, each in zip(schemas, items, strict=False)
        ] + items[len(schemas) :]
    return _members_without(root, node, cast("dict[str, Any]", value))


def _members_without(
    root: Mapping[str, Any], node: Mapping[str, Any], value: dict[str, Any]
) -> dict[str, Any]:
    properties = cast("Mapping[str, Any]", node.get("properties", {}))
    needed, other = node.get("required", ()), node.get("additionalProperties")
    return {
        name: _without(root, properties.get(name, other), each)
        for name, each in value.items()
        if each is not None
        or name in needed
        or name not in properties
        or takes_null(root, properties[name])
    }


def takes_null(root: Mapping[str, Any], node: Any) -> bool:
    return check({**_as_mapping(node), "$defs": root.get("$defs", {})}, None) is None


def _as_mapping(node: Any) -> Mapping[str, Any]:
    return (
        cast("Mapping[str, Any]", node)
        if isinstance(node, Mapping)
        else {}
        if node is not False
        else {"not": {}}
    )


def target(root: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    seen: set[str] = set()
    while isinstance(ref := node.get("$ref"), str) and ref not in seen:
        seen.add(ref)
        node = {
            **root["$defs"][ref.removeprefix("#/$defs/")],
            **{k: v for k, v in node.items() if k != "$ref"},
        }
    return node


def or_null(node: dict[str, Any]) -> dict[str, Any]:
    beside = {key: node[key] for key in ("description", "title") if key in node}
    inner = {key: value for key, value in node.items() if key not in beside}
    if inner.get("type") in _SCALARS and not inner.keys() & {"enum", "const"}:
        return {**inner, "type": [inner["type"], "null"], **beside}
    options = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
    return {"anyOf": [*options, {"type": "null"}], **beside}
