"""
The track of a race: a line for each answer, all on one clock.

A table with the times in it and pictures without text, as the Timing panel: where sanitisers take
the pictures away, the times stay. The live track (js/widget/src/race) draws the same.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ipyllm.sinks.inline import QUIET, UI_FONT, themed
from ipyllm.sinks.numbers import latency
from ipyllm.sinks.standings import ordinal, reached

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipyllm.run.race import Lane

__all__ = ("track_html",)

_INK = themed("color", "inherit", "ui-font-color1")
_TABLE = (
    "width:100%;margin:0;border:0;border-collapse:collapse;table-layout:auto;"
    f"{UI_FONT};font-size:12px;line-height:20px;font-variant-numeric:tabular-nums"
)
_CELL = "padding:0 14px 0 0;border:0;white-space:nowrap"
_NAME = f"{_CELL};text-align:left;max-width:16em;overflow:hidden;text-overflow:ellipsis;{_INK}"
_TIME = f"{_CELL};text-align:right;{_INK}"
_HEAD = f"{_CELL};height:24px;text-align:right;font-weight:400;{QUIET}"
_PICTURE = "width:100%;padding:0 14px 0 0;border:0"
_PLACE = "display:inline-block;min-width:2.4em;text-align:left;padding-left:6px"
_FIRST = "font-weight:600;color:#388e3c;color:var(--jp-success-color1,#388e3c)"
_ROW = 'style="background-color:transparent"'
_FILL = "fill:var(--jp-brand-color1,#1976d2)"
_FAILED = "fill:var(--jp-error-color1,#d32f2f)"


def track_html(lanes: Sequence[Lane]) -> str:
    """HTML of a race that is over."""
    span = max((lane.end or 0.0 for lane in lanes), default=0.0) or 1.0
    first, last = reached(lanes)
    rows = "".join(
        _row(lane, span, *both)
        for lane, both in zip(lanes, zip(first, last, strict=True), strict=True)
    )
    head = (
        f'<tr {_ROW}><th style="{_HEAD};text-align:left">one clock, {latency(span)}</th>'
        f'<th style="{_PICTURE}"></th><th style="{_HEAD}">first token</th>'
        f'<th style="{_HEAD}">end</th></tr>'
    )
    return f'<table style="{_TABLE}">{head}{rows}</table>'


def _row(lane: Lane, span: float, first: int | None, last: int | None) -> str:
    return (
        f'<tr {_ROW}><td style="{_NAME}">{escape(lane.title)}</td>'
        f'<td style="{_PICTURE}">{_bar(lane, span)}</td>'
        f'<td style="{_TIME}">{_time(lane.first, first)}</td>'
        f'<td style="{_TIME}">{_time(lane.end, last, "" if lane.finished else lane.state)}</td></tr>'
    )


def _time(seconds: float | None, place: int | None, instead: str = "") -> str:
    if seconds is None:
        return f'\N{EN DASH}<span style="{_PLACE}"></span>'
    said = ordinal(place) if place is not None else escape(instead)
    look = _FIRST if place == 1 else QUIET
    return f'{latency(seconds)}<span style="{_PLACE};{look}">{said}</span>'


def _bar(lane: Lane, span: float) -> str:
    """Waiting pale, streaming full; the first token is where they meet."""
    end = lane.end or span
    meet = end if lane.first is None else lane.first
    fill = _FAILED if lane.state == "error" else _FILL
    return (
        '<svg width="100%" height="20" style="display:block" aria-hidden="true">'
        f"{_part(0.0, meet, span, fill, 0.25)}{_part(meet, end, span, fill, 1.0)}</svg>"
    )


def _part(begin: float, end: float, span: float, fill: str, opacity: float) -> str:
    if end <= begin:
        return ""
    return (
        f'<rect x="{100 * begin / span:.2f}%" y="6" width="{max(100 * (end - begin) / span, 0.3):.2f}%"'
        f' height="8" rx="1" style="{fill}" opacity="{opacity:g}"/>'
    )
