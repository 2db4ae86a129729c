"""A JSON Schema's rules: each a row of parts that must all hold, `$ref` and `allOf` resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote

from ipyllm.structured.part import NOTHING, Node, Part
from ipyllm.structured.parts import list_at, read_parts

__all__ = ("Rule", "Rules", "resolve")

Rule = tuple[Part, ...]


class Rules:
    """The rules of all schemas in one document, each read when first needed, so refs may recur."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._known: dict[int, tuple[Any, Rule]] = {}

    def of(self, node: Any) -> Rule:
        if isinstance(node, bool):
            return () if node else (NOTHING,)
        known = self._known.get(id(node))
        if known is None:
            rule = tuple(self._parts(node, set()))
            # The node is kept with its rule: an id is only good as long as its object lives.
            known = self._known[id(node)] = (node, rule)
        return known[1]

    def _parts(self, node: Any, seen: set[int]) -> Iterator[Part]:
        if isinstance(node, bool) or not isinstance(node, Mapping):
            yield from () if node is not False else (NOTHING,)
            return
        if id(cast("object", node)) in seen:
            return  # A schema that refers to itself, and to nothing else, asks for nothing.
        node = cast("Node", node)
        seen.add(id(node))
        yield from read_parts(node)
        if isinstance(node.get("$ref"), str):
            yield from self._parts(resolve(self._document, node["$ref"]), seen)
        for each in list_at(node, "allOf"):
            yield from self._parts(each, seen)


def resolve(document: Any, ref: str) -> Any:
    """
    What a reference within a document points at.

    Raises:
        LookupError: nothing, or it points elsewhere.
    """
    if ref != "#" and not ref.startswith("#/"):
        raise LookupError(ref)
    found = document
    for step in ref[2:].split("/") if ref != "#" else ():
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        at_index = isinstance(found, list) and name.isdecimal()
        found = cast("Any", found)[int(name) if at_index else name]
    return found
