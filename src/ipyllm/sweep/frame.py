"""Rows as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ipyllm.errors import UsageError

if TYPE_CHECKING:
    from ipyllm.sweep.row import Row

__all__ = ("COLUMNS", "frame", "records")

COLUMNS = (
    *("prompt", "variables", "model", "params", "repeat", "text", "ttft", "ttfa", "decode_rate"),
    *("total", "tokens", "finish_reason", "error", "input_tokens", "estimated", "value"),
)


def records(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """
    One dict for each row: `COLUMNS`, then `variables.NAME` and `params.NAME` of all there are.

    The latter because a column of dicts can be neither grouped nor sorted.
    """
    out: list[dict[str, Any]] = []
    names = [*_names(rows, "variables"), *_names(rows, "params")]
    for row in rows:
        record = {name: getattr(row, name) for name in COLUMNS}
        for column, name in names:
            record[f"{column}.{name}"] = getattr(row, column).get(name)
        out.append(record)
    return out


def frame(rows: Sequence[Row]) -> Any:
    """
    The DataFrame.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas as pd  # pyright: ignore[reportMissingImports, reportMissingModuleSource]
    except ImportError:
        raise UsageError(
            "`.df` needs pandas, which is not installed.",
            hint="pip install pandas, or use the grid's rows.",
        ) from None
    found: Any = pd
    return found.DataFrame.from_records(records(rows))


def _names(rows: Sequence[Row], column: str) -> list[tuple[str, str]]:
    names = dict.fromkeys(name for row in rows for name in getattr(row, column))
    return [(column, name) for name in names]
