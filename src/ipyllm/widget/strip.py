"""
The strip under a finished answer, as HTML with inline styles only.

It repeats the live strip (js/widget/src/theme.css): the swap from live to static must not
be seen. Sanitisers and static viewers drop `<style>`, so every value stands here again.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ipyllm.widget.inline import CODE_FONT, QUIET, SUCCESS, UI_FONT, WARN, line, themed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipyllm.run.batch import State
    from ipyllm.run.metrics import Timing

__all__ = ("duration", "latency", "strip")

_SMALL = f"{QUIET};{UI_FONT};font-size:12px;font-variant-numeric:tabular-nums"
_RULED = f"padding:5px 0 0;{line('top', 1)};"
_LINE = "display:flex;flex-wrap:wrap;align-items:center;gap:0 12px;line-height:24px;min-height:24px"
_DOT = "display:inline-block;width:7px;height:7px;margin-right:6px;border-radius:50%;vertical-align:1px"
_CODE = f"{CODE_FONT};font-size:12px;background:none;color:inherit;padding:0"
_TONES: dict[State, str] = {
    "done": SUCCESS,
    "error": themed("background", "#d32f2f", "error-color1"),
}
_QUIET_STATES = ("error", "interrupted", "stopped")
_BARS = 32  # of the sparkline
_STALL = 4.0  # times the median gap: a stall
_RATE_SPAN = 0.15  # seconds; a rate from less is noise: the tokens came in one packet
_SECOND, _TENTH_DIGIT, _MINUTE = 0.9995, 9.95, 99.95


def strip(label: str, state: State, timing: Timing | None, note: str, *, ruled: bool) -> str:
    """The status line; no numbers without `timing`. `ruled`: a line above it."""
    dot = f'<span style="{_DOT};{_TONES.get(state, WARN)}"></span>'
    items = [_item(dot + escape(label), "white-space:nowrap")]
    if note:
        color = themed("color", "#d32f2f", "error-color1") if state == "error" else ""
        items.append(_item(_prose(note), color))
    # An answer that went wrong has one thing to say; numbers beside it would hide it.
    if timing is not None and (state not in _QUIET_STATES or not note):
        items += [_item(reading, "white-space:nowrap") for reading in _readings(timing)]
        items += filter(None, (_sparkline(timing.gaps),))
    style = f"{_RULED if ruled else ''}{_SMALL}"
    if timing is None or timing.ttft is None:
        return f'<div style="{style};{_LINE}">{" ".join(items)}</div>'
    # The line itself opens the phases: below it, they would move the page as the answer ends.
    items.append(
        '<span style="margin-left:auto">Timing \N{BLACK DOWN-POINTING SMALL TRIANGLE}</span>'
    )
    summary = f'<summary style="{_LINE};list-style:none;cursor:pointer">{" ".join(items)}</summary>'
    return f'<details style="{style}">{summary}{_phases(timing)}</details>'


def _item(content: str, style: str) -> str:
    return f'<span style="{style}">{content}</span>' if style else f"<span>{content}</span>"


def _phases(timing: Timing) -> str:
    sent_to = (
        ("headers", timing.headers),
        ("first token", timing.ttft),
        ("answer", timing.ttfa),
        ("end", timing.total),
    )
    rows = [("model loaded", timing.load), ("connected", timing.connect), *sent_to]
    cells = "".join(
        f'<tr><td style="padding:0 12px 0 0;text-align:left">{name}</td>'
        f'<td style="padding:0;text-align:right">{latency(seconds)}</td></tr>'
        for name, seconds in rows
        if seconds is not None
    )
    return f'<table style="margin:4px 0">{cells}</table>'


def latency(seconds: float) -> str:
    """`312 ms`, `2.61 s`."""
    return f"{round(1e3 * seconds)} ms" if seconds < _SECOND else f"{seconds:.2f} s"


def duration(seconds: float) -> str:
    """`1.8 s`, `2 min 05 s`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    return f"{round(seconds) // 60} min {round(seconds) % 60:02} s"


def _readings(timing: Timing) -> list[str]:
    about = "~" if timing.estimated else ""
    out: list[str] = []
    if timing.load is not None:
        out.append(f"loaded in {_bold(duration(timing.load))}")
    if timing.ttft is not None:
        out.append(f"first token {_bold(latency(timing.ttft))}")
        if timing.ttfa is not None and timing.ttfa - timing.ttft > 0.05:
            out.append(f"answer {_bold(latency(timing.ttfa))}")
    if timing.decode_rate is not None and sum(timing.gaps) >= _RATE_SPAN:
        rate = timing.decode_rate
        shown = f"{rate:.1f}" if rate < _TENTH_DIGIT else f"{rate:,.0f}"
        out.append(f"{_bold(about + shown)} tok/s")
    if timing.tokens:
        out.append(f"{_bold(f'{about}{timing.tokens:,}')} tok")
    if timing.total is not None:
        out.append(duration(timing.total))
    return out


def _bold(text: str) -> str:
    return f'<b style="color:var(--jp-ui-font-color1,inherit);font-weight:600">{text}</b>'


def _prose(note: str) -> str:
    pieces = escape(note).split("`")
    if len(pieces) % 2 == 0:
        return escape(note)
    return "".join(
        piece if i % 2 == 0 else f'<code style="{_CODE}">{piece}</code>'
        for i, piece in enumerate(pieces)
    )


def _sparkline(gaps: Sequence[float]) -> str:
    """The longest gap of each stretch of the answer; stalls in the warning colour."""
    if len(gaps) < _BARS // 4:
        return ""
    bars = min(_BARS, len(gaps))
    longest = [max(gaps[len(gaps) * i // bars : len(gaps) * (i + 1) // bars]) for i in range(bars)]
    usual = sorted(longest)[bars // 2] or max(longest) or 1.0
    rects = [_bar(i, gap / usual) for i, gap in enumerate(longest)]
    named = 'role="img" aria-label="gaps between tokens"'
    size = f'width="{3 * bars}" height="16" style="align-self:flex-start"'
    return f"<svg {size} {named}>{''.join(rects)}</svg>"


def _bar(index: int, relative: float) -> str:
    height = round(min(2 + 4 * relative, 16.0), 1)
    stalled = relative > _STALL
    color, opacity = ("warn-color1,#f57c00", 1) if stalled else ("brand-color1,#1976d2", 0.55)
    return (
        f'<rect x="{3 * index}" y="{16 - height:g}" width="2" height="{height:g}" rx="1"'
        f' style="fill:var(--jp-{color})" opacity="{opacity}"/>'
    )
