"""Type hints that are one JSON value each: numbers, texts, dates, enums."""

from __future__ import annotations

import datetime as dt
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path as FilePath
from pathlib import PurePath
from typing import Any
from uuid import UUID

from ipyllm.errors import UsageError
from ipyllm.structured.checker import show
from ipyllm.structured.edits import Path
from ipyllm.structured.fields import is_class
from ipyllm.structured.invalid import Invalid

__all__ = ("Build", "Typed", "listed", "plain")

Build = Callable[[Any, Path], Any]


@dataclass(frozen=True, slots=True)
class Typed:
    """A hint that was read; `build` takes a value that fits the schema, and where it is."""

    schema: dict[str, Any]
    build: Build


def plain(hint: Any) -> Typed | None:
    """A hint without parts; None: it has some."""
    if hint in (Any, object):
        return Typed({}, _same)
    if hint is None:
        hint = types.NoneType
    return _SCALARS.get(hint) if is_class(hint) else None


def listed(pairs: list[tuple[Any, Any]], said: str) -> Typed:
    """
    Some values and no others: as JSON has them, and as they are wanted.

    Raises:
        UsageError: JSON cannot say one.
    """
    for js, _ in pairs:
        if not isinstance(js, (*_NAMES,)):
            raise UsageError(f"{said} has the value {js!r}, which JSON cannot say.")

    def build(value: Any, _: Path) -> Any:
        alike = (
            py
            for js, py in pairs
            if js == value and isinstance(js, bool) == isinstance(value, bool)
        )
        return next(alike)

    kinds = list(dict.fromkeys(_name(js) for js, _ in pairs))
    values = [_bare(js) for js, _ in pairs]
    return Typed({"type": kinds[0] if len(kinds) == 1 else kinds, "enum": values}, build)


_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", types.NoneType: "null"}


def _name(value: Any) -> str:
    return next(name for kind, name in _NAMES.items() if isinstance(value, kind))


def _bare(value: Any) -> Any:
    """The value without a class of its own, as of an enum that is a str too."""
    if value is None or isinstance(value, bool):
        return value
    return next(kind(value) for kind in (str, int, float) if isinstance(value, kind))


def _same(value: Any, _: Path) -> Any:
    return value


def _text(kind: str, make: Callable[[str], Any], more: Mapping[str, Any] | None = None) -> Typed:
    def build(value: Any, path: Path) -> Any:
        try:
            return make(value)
        except (ValueError, ArithmeticError) as exc:
            raise Invalid(path, "format", f"{show(path)}: {value!r} is no {kind}") from exc

    return Typed({"type": "string", "format": kind, **(more or {})}, build)


def _int(value: Any, path: Path) -> int:
    try:
        return int(value)
    except (OverflowError, ValueError) as exc:  # 1e400 is an integer, and to Python infinite
        raise Invalid(path, "type", f"{show(path)}: a number too great for an int") from exc


def _float(value: Any, path: Path) -> float:
    try:
        return float(value)
    except OverflowError as exc:
        raise Invalid(path, "type", f"{show(path)}: a number too great for a float") from exc


def _moment(text: str) -> str:
    """As Python 3.10 reads it: no Z, and six digits of a second's fraction."""
    text = re.sub(r"[zZ]$", "+00:00", text.replace(",", "."))
    text = re.sub(r"(:[0-9.]+[+-][0-9]{2})([0-9]{2})$", r"\1:\2", text)
    return re.sub(r"\.([0-9]+)", lambda found: "." + found[1][:6].ljust(6, "0"), text)


_SCALARS: dict[Any, Typed] = {
    str: Typed({"type": "string"}, _same),
    bool: Typed({"type": "boolean"}, _same),
    int: Typed({"type": "integer"}, _int),
    float: Typed({"type": "number"}, _float),
    types.NoneType: Typed({"type": "null"}, _same),
    dt.datetime: _text("date-time", lambda text: dt.datetime.fromisoformat(_moment(text))),
    dt.date: _text("date", dt.date.fromisoformat),
    dt.time: _text("time", lambda text: dt.time.fromisoformat(_moment(text))),
    UUID: _text("uuid", UUID),
    Decimal: _text("decimal", Decimal, {"pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
    FilePath: _text("path", FilePath),
    PurePath: _text("path", PurePath),
}
