"""
A typed answer as HTML that stays: a table of a list of flat objects, else a tree that folds.

The live views (js/widget/src/structure) look the same. The text may not be whole, nor JSON: what
was read is shown, and the rest as it is. Of what is long the beginning is shown; all of the text is
then in a folded block below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipyllm.sinks.inline import CODE_FONT, SHADE
from ipyllm.structured.edits import Path
from ipyllm.widget.json_table import rows_of, table
from ipyllm.widget.json_text import SMALL, counted, is_list, is_object, read, shown, size_line
from ipyllm.widget.json_tree import tree

__all__ = ("value_html",)

_MAX_UNREAD = 2000  # characters of what is no JSON
_RAW = (
    f"max-height:24em;margin:4px 0 0;padding:8px 10px;overflow:auto;{SHADE};{CODE_FONT};"
    "font-size:12px;line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere"
)
_UNREAD = (
    f"margin-top:4px;padding-left:10px;{CODE_FONT};font-size:13px;white-space:pre-wrap;"
    "overflow-wrap:anywhere;border-left:2px solid #f57c00;"
    "border-left:2px solid var(--jp-warn-color1,#f57c00)"
)


def value_html(
    text: str,
    *,
    times: Mapping[Path, float] | None = None,
    failed: tuple[Path, str] | None = None,
) -> str:
    """
    HTML of a typed answer.

    * `text`: its JSON, which may end anywhere.
    * `times`: when each value was whole, in seconds since the request.
    * `failed`: the place that could not become valid, and why.
    """
    value, rest, is_open = read(text)
    rows = rows_of(value)
    if rows is not None:
        body, is_cut = table(*rows, failed)
    else:
        body, is_cut = tree(value, times=times, failed=failed, is_open=is_open)
        body = size_line(_size(value)) + body
    unread = f'<div style="{_UNREAD}">{shown(rest[:_MAX_UNREAD])}</div>' if rest.strip() else ""
    is_cut = is_cut or len(rest) > _MAX_UNREAD
    return f'<div style="margin:0 0 1em">{body}{unread}{_raw(text) if is_cut else ""}</div>'


def _size(value: Any) -> str:
    if is_list(value):
        return counted(len(value), "item")
    return counted(len(value), "field") if is_object(value) else ""


def _raw(text: str) -> str:
    summary = f'<summary style="width:fit-content;cursor:pointer;{SMALL}">JSON, whole</summary>'
    return f'<details style="margin:4px 0 0">{summary}<div style="{_RAW}">{shown(text)}</div></details>'
