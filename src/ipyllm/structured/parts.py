"""
What one schema object of JSON Schema (2020-12) asks of a value, its references apart.

What older drafts wrote differently (`items` as a list, `dependencies`) is read as what it means.
https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, cast

from ipyllm.structured.edits import Kind
from ipyllm.structured.number_prefix import decimal, significant
from ipyllm.structured.part import Alternatives, Limits, Node, Part, kind_of
from ipyllm.structured.patterns import FORMATS, Pattern, pattern

__all__ = ("list_at", "read_parts")

_TYPES: dict[str, tuple[Kind, ...]] = {
    "object": ("object",),
    "array": ("array",),
    "string": ("string",),
    "number": ("number",),
    "integer": ("number",),
    "boolean": ("true", "false"),
    "null": ("null",),
}


def read_parts(node: Node) -> Iterator[Part]:
    """What a schema asks by itself, its `$ref` and `allOf` apart."""
    part = Part(choices=tuple(_choices(node)))
    _read_type(part, node)
    _read_number(part, node)
    part.length = _limits(node, "Length")
    part.patterns = tuple(_patterns(node))
    _read_object(part, node)
    _read_array(part, node)
    yield part
    if isinstance(node.get("enum"), list):
        yield _listed(node["enum"], "enum")
    if "const" in node:
        yield _listed([node["const"]], "const")


def _read_type(part: Part, node: Node) -> None:
    said = node.get("type")
    names = [
        name
        for name in ([said] if isinstance(said, str) else list_at(node, "type"))
        if name in _TYPES
    ]
    if names:
        part.kinds = frozenset(kind for name in names for kind in _TYPES[name])
        part.whole = "integer" in names and "number" not in names
        part.expected = " or ".join(_article(name) for name in names)


def _read_number(part: Part, node: Node) -> None:
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
        bound = node.get(key)
        if isinstance(bound, (int, float)) and not isinstance(bound, bool) and isfinite(bound):
            part.bounds[key] = decimal(bound)
    if part.bounds.get("multipleOf", 1) <= 0:
        del part.bounds["multipleOf"]


def _read_object(part: Part, node: Node) -> None:
    part.properties = _mapping(node, "properties")
    found = [
        (pattern(text), schema) for text, schema in _mapping(node, "patternProperties").items()
    ]
    part.by_pattern = tuple((known, schema) for known, schema in found if known is not None)
    # An expression that cannot be read may let any name through.
    unread = len(part.by_pattern) < len(found)
    part.additional = True if unread else node.get("additionalProperties", True)
    part.names = node.get("propertyNames", True)
    part.required = tuple(name for name in list_at(node, "required") if isinstance(name, str))
    part.dependent = {**_mapping(node, "dependencies"), **_mapping(node, "dependentRequired")}
    part.size = _limits(node, "Properties")


def _read_array(part: Part, node: Node) -> None:
    if isinstance(node.get("items"), list):  # until draft 2019-09
        part.prefix, part.items = tuple(node["items"]), node.get("additionalItems", True)
    else:
        part.prefix, part.items = tuple(list_at(node, "prefixItems")), node.get("items", True)
    part.count = _limits(node, "Items")
    if part.items is False:
        most = part.count.most
        part.count = Limits(
            part.count.least, min(len(part.prefix), len(part.prefix) if most is None else most)
        )
    part.unique = node.get("uniqueItems") is True
    part.contains = node.get("contains")
    least = _count(node, "minContains")
    part.containing = Limits(1 if least is None else least, _count(node, "maxContains"))


def _listed(values: list[Any], keyword: str) -> Part:
    expected = ("" if len(values) == 1 else "one of ") + ", ".join(_shown(v) for v in values[:6])
    kinds: frozenset[Kind] = frozenset([kind_of(value) for value in values])
    part = Part(kinds=kinds, why=keyword, listed=keyword)
    part.expected = expected + ", ..." * (len(values) > 6)
    nested: list[Any] = [v for v in values if isinstance(v, (list, Mapping))]
    if nested:
        plain = [v for v in values if not isinstance(v, (list, Mapping))]
        branches = (*([{"enum": plain}] if plain else []), *map(_exactly, nested))
        part.choices = (Alternatives("anyOf", branches),)
        return part
    part.texts = tuple(v for v in values if isinstance(v, str))
    part.numbers = tuple(
        (decimal(v), *significant(decimal(v)))
        for v in values
        if isinstance(v, (int, float)) and not isinstance(v, bool)
    )
    return part


def _exactly(value: Any) -> Node:
    """A schema that only this value fits, so that a list in `enum` is checked item by item."""
    if isinstance(value, Mapping):
        members = cast("Node", value)
        properties = {name: _exactly(each) for name, each in members.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": [*members],
            "additionalProperties": False,
        }
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return {
            "type": "array",
            "prefixItems": [*map(_exactly, items)],
            "items": False,
            "minItems": len(items),
        }
    return {"const": value}


def _choices(node: Node) -> Iterator[Alternatives]:
    for keyword in ("anyOf", "oneOf"):
        if branches := list_at(node, keyword):
            yield Alternatives(keyword, tuple(branches))
    if "not" in node:
        yield Alternatives("not", (node["not"],))
    if "if" in node and ("then" in node or "else" in node):
        yield Alternatives("if", (node["if"], node.get("then", True), node.get("else", True)))
    for keyword in ("dependentSchemas", "dependencies"):
        for name, schema in _mapping(node, keyword).items():
            if not isinstance(schema, list):
                there = {"type": "object", "required": [name]}
                yield Alternatives("if", (there, schema, True))


def _patterns(node: Node) -> Iterator[tuple[str, str, Pattern]]:
    text, name = node.get("pattern"), node.get("format")
    if isinstance(text, str) and (known := pattern(text)) is not None:
        yield "pattern", text, known
    if isinstance(name, str) and name in FORMATS:
        yield "format", name, FORMATS[name]


def _limits(node: Node, of: str) -> Limits:
    return Limits(_count(node, f"min{of}") or 0, _count(node, f"max{of}"))


def _count(node: Node, key: str) -> int | None:
    said = node.get(key)
    if isinstance(said, bool) or not isinstance(said, (int, float)) or said != said // 1:
        return None
    return int(said)


def _mapping(node: Node, key: str) -> Node:
    found = node.get(key)
    return cast("Node", found) if isinstance(found, Mapping) else {}


def list_at(node: Node, key: str) -> list[Any]:
    found = node.get(key)
    return cast("list[Any]", found) if isinstance(found, list) else []


def _article(name: str) -> str:
    return name if name == "null" else f"an {name}" if name[0] in "aio" else f"a {name}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:40]
