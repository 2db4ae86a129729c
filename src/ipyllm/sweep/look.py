"""
How the table and the pictures look: inline styles only, each value plain first, then the theme's.

Sanitisers drop `<style>` and every declaration with `var()`, and keep the plain one.
"""

from __future__ import annotations

from ipyllm.sinks import numbers
from ipyllm.sinks.inline import CODE_FONT, QUIET, UI_FONT, line, themed

__all__ = (
    "BAR",
    "CELL",
    "CODE",
    "FAILED",
    "HEAD",
    "LINE",
    "QUIET",
    "ROOT",
    "duration",
    "latency",
    "themed",
)

_HOUR = 5999.5

FAILED = themed("color", "#d32f2f", "error-color1")
LINE = line("bottom", 1)
ROOT = (
    f"{themed('color', 'inherit', 'ui-font-color1')};font-size:13px;line-height:1.45;"
    f"{UI_FONT};font-variant-numeric:tabular-nums"
)
CELL = "padding:3px 8px;text-align:left;vertical-align:top"
HEAD = f"{CELL};{QUIET};font-weight:600;white-space:nowrap"
CODE = (
    "margin:4px 0 0;padding:6px 8px;max-height:24em;overflow:auto;white-space:pre-wrap;"
    "overflow-wrap:anywhere;border-radius:3px;font-size:12px;"
    f"{themed('background-color', 'rgba(128,128,128,.12)', 'layout-color2')};"
    f"{themed('color', 'inherit', 'content-font-color1')};"
    f"{CODE_FONT}"
)
BAR = (
    "height:4px;border-radius:2px;overflow:hidden;display:flex;margin:4px 0 8px;"
    f"{themed('background-color', 'rgba(128,128,128,.2)', 'layout-color3')}"
)


def latency(seconds: float | None) -> str:
    """`312 ms`, `2.61 s`; "" for none."""
    return "" if seconds is None else numbers.latency(seconds)


def duration(seconds: float) -> str:
    """`1.8 s`, `2 min 05 s`, `3 h 20 min`."""
    if seconds < _HOUR:
        return numbers.duration(seconds)
    return f"{round(seconds) // 3600} h {round(seconds) // 60 % 60:02} min"
