"""Looks into JSON whose shape nobody promises: what is not of the asked type counts as not there."""

from __future__ import annotations

from typing import Any, cast

__all__ = ("count", "dicts", "dig", "text", "whole")


def dig(value: Any, *keys: str) -> Any:
    """The value under these keys, one inside the other; None where one is missing."""
    for key in keys:
        value = cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None
    return value


def text(value: Any) -> str:
    """A string, whole characters only; "" for anything else."""
    return whole(value) if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """A number of tokens; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; [] for anything else."""
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", item) for item in found if isinstance(item, dict)]


def whole(value: str) -> str:
    """Mend pairs of surrogates; U+FFFD for a half, which can be neither printed nor sent on."""
    if value.isascii():
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
