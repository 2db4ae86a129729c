"""Rows as lines of plain text, their columns in line."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ("text_table",)


def text_table(rows: Sequence[tuple[str, ...]]) -> str:
    """One line for each row; there is at least one."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
