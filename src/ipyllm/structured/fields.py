"""The members of classes that are objects in JSON: dataclasses, TypedDicts, NamedTuples."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from typing import Annotated, Any, ForwardRef, TypeGuard, cast, get_args, get_origin

from ipyllm.errors import UsageError

__all__ = ("Member", "docstring", "evaluated", "is_class", "is_record", "members")

_QUALIFIERS = ("Required", "NotRequired", "ReadOnly", "Final")


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its type hint, whether it may be missing, its default where JSON can say it."""

    name: str
    hint: Any
    required: bool
    default: str | float | None = None
    description: str = ""


def is_record(hint: object) -> bool:
    """Whether it is a class whose members have names and types."""
    return is_class(hint) and (
        hasattr(hint, "__dataclass_fields__")
        or hasattr(hint, "__required_keys__")
        or (issubclass(hint, tuple) and hasattr(cast("object", hint), "_fields"))
    )


def is_class(hint: object) -> TypeGuard[type]:
    # In Python 3.10 `list[int]` says that it is a type.
    return isinstance(hint, type) and get_origin(hint) is None


def members(cls: type, names: Mapping[str, Any]) -> list[Member]:
    """
    What a class is made of; `names` are looked up where its own module does not know one.

    Raises:
        UsageError: a name nobody knows.
    """
    hints = _hints(cls, names)
    if hasattr(cls, "__dataclass_fields__"):
        fields = dataclasses.fields(cast("Any", cls))
        return [_of_field(each, hints[each.name]) for each in fields if each.init]
    if hasattr(cls, "__required_keys__"):
        required = cast("frozenset[str]", cls.__required_keys__)
        return [_of_key(name, hint, name in required) for name, hint in hints.items()]
    defaults: dict[str, Any] = getattr(cls, "_field_defaults", {})
    fields = cast("tuple[str, ...]", getattr(cls, "_fields", ()))
    return [
        Member(name, hints.get(name, Any), name not in defaults, _plain(defaults.get(name)))
        for name in fields
    ]


def evaluated(reference: str | ForwardRef, names: Mapping[str, Any]) -> Any:
    """
    What a hint written as text means.

    Raises:
        UsageError: a name nobody knows, or no expression.
    """

    def probe() -> None: ...

    probe.__annotations__ = {"hint": reference}
    said = reference if isinstance(reference, str) else reference.__forward_arg__
    try:
        return typing.get_type_hints(probe, dict(names), {}, include_extras=True)["hint"]
    except NameError as exc:
        raise _unknown(f"The type {said!r}", exc) from exc
    except (SyntaxError, TypeError) as exc:
        raise UsageError(f"{said!r} is no type.") from exc


def docstring(cls: type) -> str:
    """What a class says about itself, if its author wrote it."""
    said = cast("str | None", cls.__dict__.get("__doc__")) or ""
    # Dataclasses and NamedTuples without a docstring get their signature, old enums a phrase.
    made = said.startswith(f"{cls.__name__}(") or said == "An enumeration."
    return "" if made else inspect.cleandoc(said)


def _hints(cls: type, names: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls, localns={cls.__name__: cls}, include_extras=True)
    except NameError:
        pass
    except TypeError as exc:
        raise UsageError(f"The type hints of {cls.__name__} cannot be read: {exc}.") from exc
    # The module's own names first: the notebook may mean another class by the same name.
    module = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
    known = {**names, **module, cls.__name__: cls}
    try:
        return typing.get_type_hints(cls, localns=known, include_extras=True)
    except NameError as exc:
        raise _unknown(f"A type hint of {cls.__name__}", exc) from exc


def _unknown(what: str, exc: NameError) -> UsageError:
    name = str(getattr(exc, "name", "")) or str(exc)
    hint = "Define it in the notebook before the cell that needs it."
    return UsageError(f"{what} names {name!r}, which is not known here.", hint=hint)


def _of_field(field: dataclasses.Field[Any], hint: Any) -> Member:
    required = field.default is MISSING and field.default_factory is MISSING
    said = [field.metadata.get(key) for key in ("description", "doc", "help")]
    said.append(getattr(field, "doc", None))  # since Python 3.14
    text = next((each for each in said if isinstance(each, str)), "")
    return Member(field.name, _bare(hint)[0], required, _plain(field.default), text)


def _of_key(name: str, hint: Any, required: bool) -> Member:  # noqa: FBT001
    # With `from __future__ import annotations` __required_keys__ has not seen NotRequired.
    bare, said = _bare(hint)
    if "NotRequired" in said:
        required = False
    elif "Required" in said:
        required = True
    return Member(name, bare, required)


def _bare(hint: Any) -> tuple[Any, list[str]]:
    """The hint without what it says about its member, and the names of that."""
    said: list[str] = []
    while True:
        name = getattr(get_origin(hint), "_name", None) or getattr(get_origin(hint), "__name__", "")
        if name in _QUALIFIERS:
            said.append(str(name))
            hint = get_args(hint)[0]
        elif isinstance(hint, dataclasses.InitVar):
            hint = cast("Any", hint).type
        elif get_origin(hint) is Annotated and _bare(get_args(hint)[0])[1]:
            inner, more = _bare(get_args(hint)[0])
            said += more
            for each in hint.__metadata__:
                inner = Annotated[inner, each]
            return inner, said
        else:
            return hint, said


def _plain(value: object) -> str | float | None:
    return value if type(value) in (str, int, float, bool) else None  # type: ignore[return-value]
