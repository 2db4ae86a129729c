"""Where one or several of something may be given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

__all__ = ("listed",)


def listed(given: Any) -> list[Any]:
    """What is in it, if it is several; else it alone. A text, a dict and a function are one."""
    one = isinstance(given, (str, bytes, Mapping)) or callable(given)
    return [given] if one or not isinstance(given, Iterable) else list(cast("Iterable[Any]", given))
