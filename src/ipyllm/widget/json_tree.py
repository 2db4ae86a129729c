"""Any JSON value as rows that fold; the live tree (js/widget/src/structure/tree-view.ts) looks the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ipyllm.sinks.inline import CODE_FONT, QUIET, UI_FONT, line, themed
from ipyllm.structured.edits import Path
from ipyllm.widget.json_text import (
    ERROR,
    SMALL,
    beginning,
    compact,
    counted,
    is_list,
    is_object,
    shown,
)

__all__ = ("failure", "tree")

_MAX_ROWS = 300  # of a tree, and of a table
_MAX_TEXT = 2000  # characters of one value
_MAX_DEPTH = 32  # what is deeper stands in one line
_MANY = 12  # in a list of more, times are seen only where one points

_NAME = f"flex:none;max-width:50%;{themed('color', '#0550ae', 'mirror-editor-property-color')}"
_STRING = themed("color", "#b3261e", "mirror-editor-string-color")
_NUMBER = themed("color", "#8250df", "mirror-editor-number-color")
_TREE = (
    f"{CODE_FONT};{themed('font-size', '13px', 'code-font-size')};line-height:21px;overflow-x:auto"
)
_LEAF = "display:flex;gap:8px;align-items:baseline;padding-left:16px"
_TEXT = "min-width:0;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate"
_WHEN = f"flex:none;margin-left:auto;padding:0 4px;{SMALL}"
_MEMBERS = f"margin-left:4px;padding-left:9px;{line('left', 1)}"
_RED = "border-left:2px solid #d32f2f;border-left:2px solid var(--jp-error-color1,#d32f2f)"
_FAILURE = f"padding-left:16px;{ERROR};{UI_FONT};font-size:12px;line-height:20px;{_RED}"
_NOTE = f"padding-left:16px;{SMALL};line-height:21px"


def tree(
    value: Any,
    *,
    times: Mapping[Path, float] | None = None,
    failed: tuple[Path, str] | None = None,
    is_open: Path | None = None,
) -> tuple[str, bool]:
    """HTML of any value, and whether something of it was left out; `is_open`: what is not whole."""
    rows = _Rows(times or {}, failed, is_open)
    members = _members(value)
    body = rows.leaf(value, None, ()) if members is None else rows.members(value, members, ())
    if failed and not rows.is_marked:
        body += failure(failed[1])
    return f'<div style="{_TREE}">{body}</div>', rows.is_cut


def _members(value: Any) -> list[tuple[str | int, Any]] | None:
    """Of an object or a list."""
    if is_object(value):
        return list(value.items())
    return list(enumerate(value)) if is_list(value) else None


@dataclass(slots=True)
class _Rows:
    """One rendering; the rows are counted over all of it."""

    times: Mapping[Path, float]
    failed: tuple[Path, str] | None
    is_open: Path | None
    count: int = 0
    is_cut: bool = False
    is_marked: bool = False

    def members(
        self, value: Any, members: list[tuple[str | int, Any]], path: Path, *, timed: bool = True
    ) -> str:
        """Each in its row, as many as there may be."""
        timed = timed and not (is_list(value) and len(members) > _MANY)
        out: list[str] = []
        for position, (key, each) in enumerate(members):
            if self.count >= _MAX_ROWS:
                self.is_cut = True
                left = f"\N{HORIZONTAL ELLIPSIS} {len(members) - position:,} more"
                out.append(f'<div style="{_NOTE}">{left}</div>')
                break
            self.count += 1
            out.append(self._member(key, each, (*path, key), timed=timed))
        return "".join(out)

    def leaf(self, value: Any, key: str | int | None, path: Path, *, timed: bool = True) -> str:
        named = "" if key is None else f'{_name(key)}<span style="{QUIET}">:</span></span> '
        red, why = self._mark(path)
        when = self._when(path) if timed else ""
        return f'<div style="{_LEAF}{red}">{named}{self._scalar(value, path)}{when}</div>{why}'

    def _member(self, key: str | int, value: Any, path: Path, *, timed: bool) -> str:
        members = _members(value)
        if members is None:
            return self.leaf(value, key, path, timed=timed)
        if not members or len(path) >= _MAX_DEPTH:
            return self._line(value, key, path, timed=timed)
        red, why = self._mark(path)
        size = counted(len(members), "item" if is_list(value) else "field")
        when = f'<span style="{SMALL};float:right;padding:0 4px">{self._time(path)}</span>'
        head = (
            f'<summary style="cursor:pointer">{_name(key)}</span> '
            f'<span style="{SMALL}">{size}</span> {when if timed else ""}</summary>'
        )
        # Of what is in a list's items only the items' own times are shown.
        inner = self.members(value, members, path, timed=timed and not isinstance(key, int))
        return (
            f'<details open style="margin:0{red}">{head}<div style="{_MEMBERS}">{inner}</div>'
            f"</details>{why}"
        )

    def _line(self, value: Any, key: str | int, path: Path, *, timed: bool) -> str:
        text, is_cut = beginning(compact(value), _MAX_TEXT)
        self.is_cut = self.is_cut or is_cut
        red, why = self._mark(path)
        when = self._when(path) if timed else ""
        shown = f'<span style="{_TEXT};{QUIET}">{text}</span>'
        return f'<div style="{_LEAF}{red}">{_name(key)}</span> {shown}{when}</div>{why}'

    def _scalar(self, value: Any, path: Path) -> str:
        if not isinstance(value, str):
            return f'<span style="{_TEXT};{_NUMBER}">{shown(json.dumps(value))}</span>'
        text, is_cut = beginning(value, _MAX_TEXT)
        self.is_cut = self.is_cut or is_cut
        end = "" if is_cut or path == self.is_open else "&quot;"
        return f'<span style="{_TEXT};{_STRING}">&quot;{text}{end}</span>'

    def _time(self, path: Path) -> str:
        at = self.times.get(path)
        return "" if at is None else f"{at:.2f} s"

    def _when(self, path: Path) -> str:
        at = self._time(path)
        return f' <span style="{_WHEN}">{at}</span>' if at else ""

    def _mark(self, path: Path) -> tuple[str, str]:
        if self.failed is None or self.failed[0] != path:
            return "", ""
        self.is_marked = True
        return f";{_RED}", failure(self.failed[1])


def _name(key: str | int) -> str:
    """It is for the caller to close."""
    return f'<span style="{QUIET if isinstance(key, int) else _NAME}">{shown(str(key))}'


def failure(message: str) -> str:
    """Why a place cannot become valid."""
    return f'<div style="{_FAILURE}">\N{MULTIPLICATION X} {shown(message)}</div>'
