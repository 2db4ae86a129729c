"""The rows that a grid's file has already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ipyllm.structured.schema import Invalid, shape

if TYPE_CHECKING:
    from ipyllm.sweep.drive import Call
    from ipyllm.sweep.journal import Journal
    from ipyllm.sweep.row import Result

__all__ = ("restore",)


def restore(
    calls: Sequence[Call], journal: Journal, names: Mapping[str, Any] | None = None
) -> None:
    """Settle the rows whose calls were finished before."""
    schema = calls[0].question.schema
    for call in calls:
        result = journal.done.get(call.key)
        if result is not None and schema is not None:
            result = _typed(result, schema, names)
        if result is not None:
            call.row.settle(result, kept=True)


def _typed(result: Result, schema: object, names: Mapping[str, Any] | None) -> Result | None:
    """The same with its object; None if it is none any more: the class has changed."""
    try:
        value = shape(schema, names).convert(json.loads(result.json))
    except (ValueError, Invalid):
        return None
    return replace(result, value=value)
