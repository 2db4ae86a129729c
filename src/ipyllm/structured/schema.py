"""
From what a user names in `--schema` to a JSON Schema, and from the answer to an object.

https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from ipyllm.errors import UsageError
from ipyllm.structured.checker import check
from ipyllm.structured.edits import Path
from ipyllm.structured.hints import Hints
from ipyllm.structured.invalid import Invalid
from ipyllm.structured.nulls import nullable, without_nulls
from ipyllm.structured.refs import expanded, localize, safe_name
from ipyllm.structured.scalars import Build
from ipyllm.structured.strict import strict

__all__ = ("Invalid", "Shape", "nullable", "schema_of", "shape", "strict")

_KEYWORDS = frozenset(
    (
        *(
            "$defs",
            "$ref",
            "additionalProperties",
            "allOf",
            "anyOf",
            "const",
            "definitions",
            "enum",
        ),
        *("format", "if", "items", "maximum", "minimum", "not", "oneOf", "pattern"),
        *("patternProperties", "prefixItems", "properties", "required", "type"),
    )
)
_TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))


@dataclass(frozen=True, slots=True)
class Shape:
    """
    What an answer has to look like.

    * `name`: `[A-Za-z0-9_-]{1,64}`, for APIs that want one.
    * `schema`: JSON Schema (2020-12) of an object; references point at `#/$defs/NAME`.
    * `wrapped`: what is wanted is no object: it is the object's only member, `value`.
    * `convert`: the answer as parsed JSON -> what is wanted; raises `Invalid`. A member that may
      be missing may be null: that is how OpenAI's strict mode leaves it out.
    """

    name: str
    schema: dict[str, Any]
    wrapped: bool
    convert: Callable[[Any], Any]


def shape(wanted: object, names: Mapping[str, Any] | None = None) -> Shape:
    """
    The shape of a type, a class, or a JSON Schema as a dict.

    * `names`: what forward references may mean beside their module's names: the notebook's.

    Raises:
        UsageError: JSON has nothing for it.
    """
    if isinstance(wanted, Mapping):
        schema = _checked(cast("Mapping[str, Any]", wanted))
        return _shape(str(schema.get("title") or "answer"), schema, lambda value, _: value)
    hints = Hints(names or {})
    typed = hints.read(wanted)
    return _shape(_name(wanted), expanded(typed.schema, hints.defs), typed.build)


def schema_of(hint: object, names: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """
    The JSON Schema of one type hint, with the `$defs` it needs.

    Raises:
        UsageError: JSON has nothing for it.
    """
    hints = Hints(names or {})
    return expanded(hints.read(hint).schema, hints.defs)


def _shape(name: str, schema: dict[str, Any], build: Build) -> Shape:
    wrapped = schema.get("type") != "object"
    if wrapped:
        defs = schema.pop("$defs", None)
        schema = {
            "type": "object",
            "properties": {"value": schema},
            "required": ["value"],
            "additionalProperties": False,
            **({"$defs": defs} if defs else {}),
        }

    def convert(answer: Any) -> Any:
        value = without_nulls(schema, answer)
        if (wrong := check(schema, value)) is not None:
            raise Invalid(wrong.path, wrong.rule, wrong.message)
        path: Path = ("value",) if wrapped else ()
        return build(value["value"] if wrapped else value, path)

    return Shape(safe_name(name), schema, wrapped, convert)


def _checked(schema: Mapping[str, Any]) -> dict[str, Any]:
    said = schema.get("type", "object")
    names = cast("list[Any]", said) if isinstance(said, list) else [said]
    hint = 'It begins as {"type": "object", "properties": {...}}.'
    if not _KEYWORDS & schema.keys():
        raise UsageError(
            f"The dict with {', '.join(map(repr, schema)) or 'nothing'} is no JSON Schema.",
            hint=hint,
        )
    if strange := [name for name in names if name not in _TYPES]:
        raise UsageError(
            f"The schema's type is {strange[0]!r}, which JSON Schema does not have.", hint=hint
        )
    if not isinstance(schema.get("properties", {}), Mapping):
        raise UsageError("The schema's properties are no dict of schemas.", hint=hint)
    defs: dict[str, Any] = {}
    local = localize(schema, defs)
    if "properties" in local and "type" not in local:
        local = {"type": "object", **local}
    return expanded(local, defs)


def _name(wanted: Any) -> str:
    if wanted is None or wanted is NoneType:
        return "None"
    if get_origin(wanted) is Annotated:
        return _name(get_args(wanted)[0])
    if get_origin(wanted) is None:
        return str(getattr(wanted, "__name__", wanted))
    parts = [_name(each) for each in get_args(wanted) if each is not Ellipsis]
    if get_origin(wanted) in (Union, UnionType):
        return "_or_".join(parts)
    return "_".join([str(getattr(get_origin(wanted), "__name__", get_origin(wanted))), *parts])
