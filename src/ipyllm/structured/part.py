"""One schema object of JSON Schema, as the checker knows it: what it asks of each kind of value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ipyllm.structured.edits import Kind
from ipyllm.structured.patterns import Pattern

__all__ = ("NOTHING", "Alternatives", "Limits", "Node", "Part", "kind_of")

Node = Mapping[str, Any]
KINDS: frozenset[Kind] = frozenset(("object", "array", "string", "number", "true", "false", "null"))


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Schemas of which not all have to hold: `anyOf`, `oneOf`, `not`, or `if` with then and else."""

    keyword: str
    branches: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many there may be, for `minItems` and its like."""

    least: int = 0
    most: int | None = None


@dataclass(slots=True)
class Part:
    """
    What one schema object asks, by the kind of value.

    * `kinds`: those it lets through; `why` is the keyword that shuts the others out.
    * `whole`: a number has to be an integer.
    * `patterns`: keyword, what it says, and the expression.
    * `texts`, `numbers`: the only ones allowed, where `enum` or `const` (`listed`) says so.
    """

    kinds: frozenset[Kind] = KINDS
    why: str = "type"
    expected: str = ""
    whole: bool = False
    listed: str = "enum"
    texts: tuple[str, ...] | None = None
    numbers: tuple[tuple[Decimal, bool, str], ...] | None = None
    bounds: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    length: Limits = Limits()
    patterns: tuple[tuple[str, str, Pattern], ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    by_pattern: tuple[tuple[Pattern, Any], ...] = ()
    additional: Any = True
    names: Any = True
    required: tuple[str, ...] = ()
    dependent: Mapping[str, Any] = field(default_factory=dict[str, Any])
    size: Limits = Limits()
    prefix: tuple[Any, ...] = ()
    items: Any = True
    count: Limits = Limits()
    unique: bool = False
    contains: Any = None
    containing: Limits = Limits(1)
    choices: tuple[Alternatives, ...] = ()

    def watches(self, kind: Kind) -> bool:
        """Whether there is more to a value of this kind than its kind."""
        match kind:
            case "string":
                return self.texts is not None or self.length != Limits() or bool(self.patterns)
            case "number":
                return self.whole or self.numbers is not None or bool(self.bounds)
            case "object" | "array":
                return True
            case _:
                return False


NOTHING = Part(kinds=frozenset(), why="false", expected="nothing: the schema allows no value here")


def kind_of(value: Any) -> Kind:
    match value:
        case True:
            return "true"
        case False:
            return "false"
        case None:
            return "null"
        case str():
            return "string"
        case int() | float():
            return "number"
        case Mapping():
            return "object"
        case _:
            return "array"
