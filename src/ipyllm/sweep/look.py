"""
How the table and the pictures look: inline styles only, each value plain first, then the theme's.

Sanitisers drop `<style>` and every declaration with `var()`, and keep the plain one.
"""

from __future__ import annotations

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

_SECOND, _MINUTE, _HOUR = 0.9995, 99.95, 5999.5


def themed(prop: str, value: str, variable: str) -> str:
    """`prop:value;prop:var(--jp-..., value)`."""
    return f"{prop}:{value};{prop}:var(--jp-{variable},{value})"


QUIET = themed("color", "#757575", "ui-font-color2")
FAILED = themed("color", "#d32f2f", "error-color1")
LINE = "border-bottom:1px solid #9e9e9e;border-bottom:1px solid var(--jp-border-color2,rgba(128,128,128,.3))"
ROOT = (
    f"{themed('color', 'inherit', 'ui-font-color1')};font-size:13px;line-height:1.45;"
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-variant-numeric:tabular-nums"
)
CELL = "padding:3px 8px;text-align:left;vertical-align:top"
HEAD = f"{CELL};{QUIET};font-weight:600;white-space:nowrap"
CODE = (
    "margin:4px 0 0;padding:6px 8px;max-height:24em;overflow:auto;white-space:pre-wrap;"
    "overflow-wrap:anywhere;border-radius:3px;font-size:12px;"
    f"{themed('background-color', 'rgba(128,128,128,.12)', 'layout-color2')};"
    f"{themed('color', 'inherit', 'content-font-color1')};"
    "font-family:var(--jp-code-font-family,ui-monospace,Menlo,monospace)"
)
BAR = (
    "height:4px;border-radius:2px;overflow:hidden;display:flex;margin:4px 0 8px;"
    f"{themed('background-color', 'rgba(128,128,128,.2)', 'layout-color3')}"
)


def latency(seconds: float | None) -> str:
    """`312 ms`, `2.61 s`; "" for none."""
    if seconds is None:
        return ""
    return f"{round(1e3 * seconds)} ms" if seconds < _SECOND else f"{seconds:.2f} s"


def duration(seconds: float) -> str:
    """`1.8 s`, `2 min 05 s`, `3 h 20 min`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{round(seconds) // 60} min {round(seconds) % 60:02} s"
    return f"{round(seconds) // 3600} h {round(seconds) // 60 % 60:02} min"
