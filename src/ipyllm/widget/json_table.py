"""
A list of flat objects as a table; the live one (js/widget/src/structure/table-view.ts) looks the same.

Of what is not flat in a later row the cell has its JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ipyllm.sinks.inline import QUIET, UI_FONT, line
from ipyllm.structured.edits import Path
from ipyllm.widget.json_text import (
    beginning,
    compact,
    counted,
    is_list,
    is_object,
    shown,
    size_line,
)
from ipyllm.widget.json_tree import failure

__all__ = ("rows_of", "table")

_MAX_ROWS = 300  # of a tree, and of a table
_MAX_COLUMNS = 50
_MAX_CELL = 300  # characters of one cell

_BOX = f"max-height:480px;overflow:auto;{UI_FONT};font-size:13px;line-height:20px"
_GRID = "margin:0;border:0;border-collapse:collapse;font-size:13px;table-layout:auto"
_CELL = "max-width:32em;padding:3px 12px;border:0;vertical-align:baseline;white-space:pre-wrap"
_RULE = line("bottom", 1)
_OUTLINE = "outline:1px solid #d32f2f;outline-offset:-1px"


def rows_of(value: Any) -> tuple[list[Any], Path] | None:
    """A list whose first item is a flat object, and its path: the root, or a root's only member."""
    path: Path = ()
    if is_object(value) and len(value) == 1:
        name, value = next(iter(value.items()))
        path = (name,)
    if not is_list(value) or not value or not is_object(value[0]):
        return None
    return (value, path) if all(map(_is_flat, value[0].values())) else None


def table(rows: list[Any], path: Path, failed: tuple[Path, str] | None) -> tuple[str, bool]:
    """HTML of such a list at `path`, and whether something of it was left out."""
    taken: list[dict[str, Any]] = [_row(item) for item in rows[:_MAX_ROWS]]
    columns = list(dict.fromkeys(name for row in taken for name in row))
    names = columns[:_MAX_COLUMNS]
    numeric = {name for name in names if any(_is_number(row.get(name)) for row in taken)}
    grid = _Grid(names, numeric, failed)
    lines = [grid.row(row, (*path, at)) for at, row in enumerate(taken)]
    size = counted(len(rows), "row")
    if len(rows) > len(taken):
        size = f"the first {len(taken):,} of {size}"
    body = f"<thead>{grid.head()}</thead><tbody>{''.join(lines)}</tbody>"
    why = failure(f"{_spelled(failed[0])}{failed[1]}") if failed else ""
    is_cut = grid.is_cut or len(rows) > len(taken) or len(columns) > len(names)
    html = f'{size_line(size)}<div style="{_BOX}"><table style="{_GRID}">{body}</table></div>{why}'
    return html, is_cut


@dataclass(slots=True)
class _Grid:
    names: list[str]
    numeric: set[str]
    failed: tuple[Path, str] | None
    is_cut: bool = False

    def head(self) -> str:
        cells = (
            f'<th style="{_CELL};{self._side(name)};font-weight:600">{shown(name)}</th>'
            for name in self.names
        )
        return f'<tr style="background-color:transparent;{_RULE}">{"".join(cells)}</tr>'

    def row(self, row: dict[str, Any], path: Path) -> str:
        cells = "".join(self._cell(row, name, path) for name in self.names)
        red = f";{_OUTLINE}" if self.failed and self.failed[0] == path else ""
        return f'<tr style="background-color:transparent;{_RULE}{red}">{cells}</tr>'

    def _cell(self, row: dict[str, Any], name: str, path: Path) -> str:
        style = f"{_CELL};{self._side(name)}"
        if name not in row:
            return f'<td style="{style}"></td>'
        value = row[name]
        text, is_cut = beginning(value if isinstance(value, str) else compact(value), _MAX_CELL)
        self.is_cut = self.is_cut or is_cut
        if not isinstance(value, str) and not _is_number(value):
            style += f";{QUIET}"
        if self.failed and self.failed[0][: len(path) + 1] == (*path, name):
            style += f";{_OUTLINE}"
        return f'<td style="{style}">{text}</td>'

    def _side(self, name: str) -> str:
        return f"text-align:{'right' if name in self.numeric else 'left'}"


def _row(item: Any) -> dict[str, Any]:
    """What is no object stands in a column without a name."""
    return item if is_object(item) else {"": item}


def _is_flat(value: Any) -> bool:
    return not is_object(value) and not is_list(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spelled(path: Path) -> str:
    names = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return f"{names.removeprefix('.')}: " if names else ""
