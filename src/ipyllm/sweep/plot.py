"""Time to first token and speed of each model: every row a dot, with median and 10-90 % of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import TYPE_CHECKING

from ipyllm.sweep.look import QUIET, ROOT, latency, themed

if TYPE_CHECKING:
    from ipyllm.sweep.row import Row

__all__ = ("Plot", "plot")

_WIDTH, _LANE, _LEFT, _RIGHT = 640, 30, 200, 90  # pixels
_TOP, _BOTTOM = 22, 20
_DOTS = 400  # of one lane; more are thinned out evenly
_TEXT = f"{themed('fill', 'currentColor', 'ui-font-color1')};font-size:12px"
_SMALL = f"{themed('fill', '#757575', 'ui-font-color2')};font-size:11px"
_DOT = f"{themed('fill', '#1976d2', 'brand-color1')};fill-opacity:.35"
_BAND = f"{themed('stroke', '#9e9e9e', 'border-color1')};stroke-opacity:.6"
_MEDIAN = themed("stroke", "#1976d2", "brand-color1")
_RULE = f"{themed('stroke', '#9e9e9e', 'border-color2')};stroke-opacity:.4"


@dataclass(frozen=True, slots=True)
class Plot:
    """
    A picture; as a cell's value it shows itself.

    * `html`: it, as SVG in HTML. `text`: the same numbers in words.
    """

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True, slots=True)
class _Lane:
    name: str
    values: list[float]  # sorted

    def at(self, share: float) -> float:
        """The value below which that share of them is."""
        return self.values[round(share * (len(self.values) - 1))]


def plot(rows: Sequence[Row]) -> Plot:
    """The picture of these rows; those without a first token are not in it."""
    first = _lanes(rows, lambda row: row.ttft)
    rates = _lanes(rows, lambda row: row.decode_rate)
    charts = [
        _chart("first token", first, latency),
        _chart("tokens/s after it", rates, _rate),
    ]
    shown = "".join(charts) or f'<span style="{QUIET}">No row has a first token.</span>'
    said = [*_said("first token", first, latency), *_said("tokens/s", rates, _rate)]
    return Plot(
        f'<div style="{ROOT}">{shown}</div>', "\n".join(said) or "No row has a first token."
    )


def _lanes(rows: Sequence[Row], number: Callable[[Row], float | None]) -> list[_Lane]:
    found: dict[str, list[float]] = {}
    for row in rows:
        if (value := number(row)) is not None:
            found.setdefault(row.model, []).append(value)
    return [_Lane(name, sorted(values)) for name, values in found.items()]


def _said(title: str, lanes: Sequence[_Lane], shown: Callable[[float], str]) -> list[str]:
    return [
        f"{lane.name}: {title} {shown(median(lane.values))} (median of {len(lane.values)},"
        f" 10-90 %: {shown(lane.at(0.1))} to {shown(lane.at(0.9))})"
        for lane in lanes
    ]


def _chart(title: str, lanes: Sequence[_Lane], shown: Callable[[float], str]) -> str:
    if not lanes:
        return ""
    # From 0: a picture that begins elsewhere makes small differences look large.
    most = max(lane.values[-1] for lane in lanes) or 1.0
    height = _TOP + _LANE * len(lanes) + _BOTTOM
    drawn = "".join(_lane(lane, index, most, shown) for index, lane in enumerate(lanes))
    ruler = "".join(_tick(share, most, height, shown) for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" style="max-width:100%;display:block"'
        f' role="img" aria-label="{escape(title)} by model">'
        f'<text x="0" y="14" style="{_TEXT};font-weight:600">{escape(title)}</text>{ruler}{drawn}</svg>'
    )


def _tick(share: float, most: float, height: int, shown: Callable[[float], str]) -> str:
    x = _x(share * most, most)
    return (
        f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{height - _BOTTOM}" style="{_RULE}"/>'
        f'<text x="{x}" y="{height - 6}" text-anchor="middle" style="{_SMALL}">'
        f"{escape(shown(share * most))}</text>"
    )


def _lane(lane: _Lane, index: int, most: float, shown: Callable[[float], str]) -> str:
    y = _TOP + _LANE * index + _LANE // 2
    low, high, mid = (
        _x(value, most) for value in (lane.at(0.1), lane.at(0.9), median(lane.values))
    )
    step = max(len(lane.values) / _DOTS, 1.0)
    picked = [lane.values[int(i * step)] for i in range(min(len(lane.values), _DOTS))]
    dots = "".join(
        f'<circle cx="{_x(value, most)}" cy="{y + 3 * (i % 5 - 2)}" r="2.5" style="{_DOT}"/>'
        for i, value in enumerate(picked)
    )
    name = lane.name if len(lane.name) <= 30 else lane.name[:29] + "\N{HORIZONTAL ELLIPSIS}"
    said = f"{shown(median(lane.values))} ({len(lane.values)})"
    return (
        f"<g><title>{escape(lane.name)}</title>"
        f'<text x="0" y="{y + 4}" style="{_TEXT}">{escape(name)}</text>'
        f'<line x1="{low}" x2="{high}" y1="{y}" y2="{y}" stroke-width="10" style="{_BAND}"/>{dots}'
        f'<line x1="{mid}" x2="{mid}" y1="{y - 10}" y2="{y + 10}" stroke-width="2" style="{_MEDIAN}"/>'
        f'<text x="{_WIDTH}" y="{y + 4}" text-anchor="end" style="{_SMALL}">{escape(said)}</text></g>'
    )


def _x(value: float, most: float) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * value / most, 1)


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
