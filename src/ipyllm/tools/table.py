"""Data frames and series as Markdown tables: those of pandas and of polars, by what they can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

__all__ = ("COLUMNS", "ROWS", "table_of")

ROWS = 50
COLUMNS = 20
_CELL = 500  # characters


def table_of(value: Any) -> str | None:
    """A Markdown table of the first rows and columns, and how many more there are; None: no table."""
    kind = cast("Any", type(value))
    if hasattr(kind, "columns") and hasattr(kind, "iloc") and hasattr(kind, "itertuples"):
        return _pandas(value)
    if hasattr(kind, "columns") and hasattr(kind, "rows") and hasattr(kind, "height"):
        names = list(value.columns)
        rows = [row[:COLUMNS] for row in value.head(ROWS).rows()]
        return _table(names[:COLUMNS], rows, value.height, len(names))
    if hasattr(kind, "iloc") and hasattr(kind, "index") and hasattr(kind, "items"):
        names = [_name(value.index), _name(value) or "value"]
        return _table(names, list(value.iloc[:ROWS].items()), len(value), 2)
    if hasattr(kind, "to_list") and hasattr(kind, "to_frame") and hasattr(kind, "head"):
        rows = [(each,) for each in value.head(ROWS).to_list()]
        return _table([_name(value) or "value"], rows, len(value), 1)
    return None


def _pandas(frame: Any) -> str:
    names = [_name(frame.index), *list(frame.columns)[:COLUMNS]]
    rows = list(frame.iloc[:ROWS, :COLUMNS].itertuples(index=True, name=None))
    return _table(names, rows, len(frame), len(frame.columns))


def _name(value: Any) -> str:
    name = getattr(value, "name", None)
    return "" if name is None else str(name)


def _table(names: Sequence[Any], rows: Sequence[Iterable[Any]], height: int, width: int) -> str:
    lines = [_line(names), _line(["---"] * len(names)), *map(_line, rows)]
    more = [
        f"{count - limit} more {what}"
        for count, limit, what in ((height, ROWS, "rows"), (width, COLUMNS, "columns"))
        if count > limit
    ]
    return "\n".join(lines) + (f"\n\n… {', '.join(more)}" if more else "")


def _line(cells: Iterable[Any]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(value: Any) -> str:
    text = str(value)
    text = text if len(text) <= _CELL else f"{text[:_CELL]}…"
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").splitlines())
