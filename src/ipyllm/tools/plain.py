"""
A Python value in the types JSON has, as far as it goes: nothing here is imported to recognize it.

Long containers are cut after `ITEMS` items, which is said in their place.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import itertools
import math
from collections.abc import ItemsView, Iterable, KeysView, Mapping, Sized, ValuesView
from decimal import Decimal
from pathlib import PurePath
from typing import Any, cast
from uuid import UUID

__all__ = ("ITEMS", "NoJson", "joined", "plain", "said")

ITEMS = 1000
_DEPTH = 30
_TEXTS = (dt.date, dt.time, dt.timedelta, Decimal, UUID, PurePath)


class NoJson(TypeError):
    """The value is an object that JSON has nothing for."""


def plain(value: Any, depth: int = 0) -> Any:
    """
    The value as `json.dumps` takes it; an object within it that JSON has not, as its repr.

    Raises:
        NoJson: the value itself is one.
    """
    if depth > _DEPTH:
        return "…"
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, enum.Enum):
        return plain(value.value, depth + 1)
    if isinstance(value, (str, int, float)):
        return _scalar(value)
    if isinstance(value, _TEXTS):
        return value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{memoryview(cast('Any', value)).nbytes} bytes"
    if isinstance(value, Mapping):
        return _members(cast("Mapping[Any, Any]", value), depth)
    if isinstance(value, (list, tuple, set, frozenset, range)) or _is_view(value):
        return _items(cast("Iterable[Any]", value), depth)
    return _object(value, depth)


def said(value: Any) -> str:
    """Its repr, or that there is none: a `__repr__` may raise."""
    try:
        return repr(value)
    except Exception as exc:  # noqa: BLE001 - the user's own code
        return f"<{type(value).__name__}: its repr raised {type(exc).__name__}>"


def joined(items: list[Any]) -> str | list[Any]:
    """What a generator gave: texts in one piece, other things as they are."""
    texts = bool(items) and all(isinstance(each, str) for each in items)
    return "".join(items) if texts else items


def _scalar(value: str | float) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else str(float(value))


def _is_view(value: Any) -> bool:
    return isinstance(value, (KeysView, ValuesView, ItemsView))


def _members(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    out = {_key(key): _inner(each, depth) for key, each in itertools.islice(value.items(), ITEMS)}
    if len(value) > ITEMS:
        out["…"] = f"{len(value) - ITEMS} more members"
    return out


def _key(key: Any) -> str:
    found = _inner(key, _DEPTH - 1)
    return found if isinstance(found, str) else said(key)


def _items(value: Iterable[Any], depth: int) -> list[Any]:
    out = [_inner(each, depth) for each in itertools.islice(value, ITEMS)]
    more = len(value) - ITEMS if isinstance(value, Sized) else 0
    return [*out, f"… {more} more items"] if more > 0 else out


def _inner(value: Any, depth: int) -> Any:
    try:
        return plain(value, depth + 1)
    except NoJson:
        return said(value)


def _object(value: Any, depth: int) -> Any:
    if isinstance(value, type):
        raise NoJson
    if dataclasses.is_dataclass(value):
        return {
            each.name: _inner(getattr(value, each.name, None), depth)
            for each in dataclasses.fields(value)
        }
    kind = cast("type[Any]", type(value))
    if hasattr(kind, "model_dump") and hasattr(kind, "model_fields"):
        return plain(value.model_dump(), depth + 1)
    if hasattr(kind, "tolist") and hasattr(kind, "dtype"):  # numpy's scalars and arrays, tensors
        return _array(value, depth)
    raise NoJson


def _array(value: Any, depth: int) -> Any:
    if not getattr(value, "shape", ()):
        return _inner(value.tolist(), depth)
    out = cast("list[Any]", plain(value[:ITEMS].tolist(), depth + 1))
    more = value.shape[0] - ITEMS
    return [*out, f"… {more} more items"] if more > 0 else out
