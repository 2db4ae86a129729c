"""
Type hints, each read as two things at once: a JSON Schema, and how its values become objects.

The schema is the contract. What is built has passed it, so building decides nothing again.
"""

from __future__ import annotations

import collections.abc
import enum
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    NewType,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from ipyllm.errors import UsageError
from ipyllm.structured.annotations import described, limited
from ipyllm.structured.checker import check, show
from ipyllm.structured.edits import Path
from ipyllm.structured.fields import Member, docstring, evaluated, is_class, is_record, members
from ipyllm.structured.invalid import Invalid
from ipyllm.structured.models import Reading, adapted, model
from ipyllm.structured.refs import expanded, free_name, localize
from ipyllm.structured.scalars import Typed, listed, plain

__all__ = ("Hints",)

_LISTS = (
    *(list, collections.abc.Sequence, collections.abc.MutableSequence),
    *(collections.abc.Iterable, collections.abc.Collection),
)
_SETS = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)
_DICTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


class Hints:
    """
    Reads hints that share their definitions.

    * `names`: what a forward reference may mean beside the names of its own module.
    * `defs`: JSON Schemas of the classes met, by the name used in `$ref`.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names
        self.defs: dict[str, Any] = {}
        self._known: dict[int, tuple[object, Typed]] = {}

    def read(self, hint: Any) -> Typed:
        """
        The schema of a hint, and the way back from it.

        Raises:
            UsageError: JSON has nothing for it.
        """
        if (known := plain(hint)) is not None:
            return known
        if isinstance(hint, (str, ForwardRef)):
            return self.read(evaluated(hint, self.names))
        if get_origin(hint) is Annotated:
            inner = self.read(get_args(hint)[0])
            return Typed(limited(inner.schema, hint.__metadata__), inner.build)
        if isinstance(hint, NewType):
            return self.read(hint.__supertype__)
        if id(hint) in self._known:
            return self._known[id(hint)][1]
        if type(hint).__name__ == "TypeAliasType":  # `type Name = ...`, since Python 3.12
            return self._named(hint, lambda: self.read(hint.__value__))
        if (found := model(hint)) is not None:
            return self._modelled(hint, found)
        if is_record(hint):
            return self._named(hint, lambda: self._record(hint))
        if is_class(hint) and issubclass(hint, enum.Enum):
            return self._enum(hint)
        return self._generic(hint)

    def _named(self, hint: Any, read: Callable[[], Typed]) -> Typed:
        """A definition of its own, known before it is read, so that it may contain itself."""
        name = free_name(hint.__name__, self.defs)
        self.defs[name] = {}
        made: list[Typed] = []

        def build(value: Any, path: Path) -> Any:
            return made[0].build(value, path)

        typed = Typed({"$ref": f"#/$defs/{name}"}, build)
        self._known[id(hint)] = (hint, typed)
        made.append(read())
        self.defs[name] = made[0].schema
        return typed

    def _modelled(self, hint: Any, reading: Reading) -> Typed:
        document, build = reading
        typed = Typed(localize(document, self.defs), build)
        if is_class(hint) and "properties" in typed.schema:
            return self._named(hint, lambda: typed)
        self._known[id(hint)] = (hint, typed)  # a definition already, or too small for one
        return typed

    def _record(self, cls: type) -> Typed:
        known = [(each, self.read(each.hint)) for each in members(cls, self.names)]
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {each.name: _property(each, typed) for each, typed in known},
            "required": [each.name for each, _ in known if each.required],
            "additionalProperties": False,
        }
        builds = {each.name: typed.build for each, typed in known}

        def build(value: Any, path: Path) -> Any:
            given = {name: builds[name](each, (*path, name)) for name, each in value.items()}
            try:
                return cls(**given)
            except (TypeError, ValueError) as exc:  # from a dataclass's __post_init__
                raise Invalid(path, "value", f"{show(path)}: {exc}") from exc

        return Typed(described(schema, docstring(cls)), build)

    def _enum(self, cls: type[enum.Enum]) -> Typed:
        typed = listed([(each.value, each) for each in cls], cls.__name__)
        return Typed(described(typed.schema, docstring(cls)), typed.build)

    def _generic(self, hint: Any) -> Typed:
        origin, args = get_origin(hint) or hint, get_args(hint)
        if origin is Literal:
            return listed([(getattr(a, "value", a), a) for a in args], str(hint))
        if origin in (Union, types.UnionType):
            return self._union([self.read(each) for each in args])
        if origin in _LISTS:
            return self._array(args[:1], list)
        if origin in _SETS:
            return self._set(hint, args[:1])
        if origin is tuple:
            return self._tuple(args, bare=hint is tuple or hint is typing.Tuple)  # noqa: UP006
        if origin in _DICTS:
            return self._dict(hint, args)
        return self._other(hint)

    def _array(self, item: Iterable[Any], make: Callable[[list[Any]], Any]) -> Typed:
        inner = self.read(next(iter(item), Any))

        def build(value: Any, path: Path) -> Any:
            return make([inner.build(each, (*path, i)) for i, each in enumerate(value)])

        return Typed({"type": "array", "items": inner.schema}, build)

    def _set(self, hint: Any, item: tuple[Any, ...]) -> Typed:
        if item and getattr(get_origin(item[0]) or item[0], "__hash__", None) is None:
            raise UsageError(
                f"{_said(hint)}: its items cannot be in a set.", hint="Ask for a list of them."
            )
        frozen = (get_origin(hint) or hint) is frozenset
        typed = self._array(item, frozenset if frozen else set)
        return Typed({**typed.schema, "uniqueItems": True}, typed.build)

    def _tuple(self, args: tuple[Any, ...], *, bare: bool) -> Typed:
        if bare or (len(args) == 2 and args[1] is Ellipsis):
            return self._array(args[:1], tuple)
        inner = [self.read(each) for each in args if each != ()]

        def build(value: Any, path: Path) -> Any:
            items = zip(inner, value, strict=True)
            return tuple(typed.build(each, (*path, i)) for i, (typed, each) in enumerate(items))

        counts = {"items": False, "minItems": len(inner), "maxItems": len(inner)}
        prefix = {"prefixItems": [typed.schema for typed in inner]} if inner else {}
        return Typed({"type": "array", **prefix, **counts}, build)

    def _dict(self, hint: Any, args: tuple[Any, ...]) -> Typed:
        key, value = (self.read(each) for each in args or (str, Any))
        names = expanded(key.schema, self.defs)
        if names.get("type") != "string":
            said = "has keys that are no text, as JSON's are"
            raise UsageError(f"{_said(hint)} {said}.", hint="Ask for dict[str, ...].")
        schema: dict[str, Any] = {"type": "object", "additionalProperties": value.schema}
        if len(names) > 1:
            schema["propertyNames"] = key.schema

        def build(given: Any, path: Path) -> Any:
            return {
                key.build(name, (*path, name)): value.build(each, (*path, name))
                for name, each in given.items()
            }

        return Typed(schema, build)

    def _union(self, options: list[Typed]) -> Typed:
        def build(value: Any, path: Path) -> Any:
            # 1 is an int before it is a float, and 1.0 a float before it is an int.
            unlike = "integer" if isinstance(value, float) else "number"
            for typed in sorted(options, key=lambda each: each.schema.get("type") == unlike):
                if check({**typed.schema, "$defs": self.defs}, value) is None:
                    return typed.build(value, path)
            raise Invalid(path, "anyOf", f"{show(path)}: fits nothing of what it may be")

        return Typed({"anyOf": [typed.schema for typed in options]}, build)

    def _other(self, hint: Any) -> Typed:
        if isinstance(hint, TypeVar):
            raise UsageError(f"{hint} is a type variable, so nobody knows what belongs there.")
        if is_record(get_origin(hint)):
            said = f"{_said(hint)} is a generic class, which is not read."
            raise UsageError(said, hint="Write a class with the types in place.")
        if (known := adapted(hint)) is not None:
            document, build = known
            return Typed(localize(document, self.defs), build)
        raise UsageError(f"JSON has nothing for {_said(hint)}.", hint=_WANTED)


_WANTED = (
    "Name a dataclass, a TypedDict, a NamedTuple, an Enum, a pydantic model, "
    "a type as list[str], or a JSON Schema."
)


def _property(member: Member, typed: Typed) -> dict[str, Any]:
    schema = described(typed.schema, member.description)
    return schema if member.default is None else {**schema, "default": member.default}


def _said(hint: Any) -> str:
    return hint.__name__ if is_class(hint) else str(hint).replace("typing.", "")
