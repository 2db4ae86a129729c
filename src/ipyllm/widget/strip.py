"""
The strip under a finished answer, as HTML with inline styles only.

It repeats the live strip (js/widget/src/theme.css): the swap from live to static must not
be seen. Sanitisers and static viewers drop `<style>`, so every value stands here again.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ipyllm.sinks.inline import CODE_FONT, QUIET, SUCCESS, UI_FONT, WARN, line, themed
from ipyllm.sinks.numbers import duration, latency
from ipyllm.widget.timing import STALL, STALL_RATIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipyllm.run.batch import State
    from ipyllm.run.metrics import Timing

__all__ = ("BOX", "strip")

BOX = "border:1px solid #9e9e9e;border:1px solid var(--jp-border-color2,rgba(128,128,128,.3))"
_SMALL = f"{QUIET};{UI_FONT};font-size:12px;font-variant-numeric:tabular-nums"
_RULED = f"padding:5px 0 0;{line('top', 1)};"
_LINE = "display:flex;flex-wrap:wrap;align-items:center;gap:0 12px;line-height:24px;min-height:24px"
_SUMMARY = "display:flex;align-items:flex-start;gap:0 6px;list-style-type:none;cursor:pointer"
_BUTTON = f"flex:none;margin:2px 0;padding:0 8px;{BOX};border-radius:3px;line-height:18px"
_DOT = "display:inline-block;width:7px;height:7px;margin-right:6px;border-radius:50%;vertical-align:1px"
_CODE = f"{CODE_FONT};font-size:12px;background-color:transparent;color:inherit;padding:0"
_TONES: dict[State, str] = {
    "done": SUCCESS,
    "error": themed("background-color", "#d32f2f", "error-color1"),
}
_QUIET_STATES = ("error", "interrupted", "stopped")
_BARS = 32  # of the sparkline
_RATE_SPAN = 0.15  # seconds; a rate from less is noise: the tokens came in one packet
_TENTH_DIGIT = 9.95


def strip(
    label: str,
    state: State,
    timing: Timing | None,
    note: str,
    *,
    ruled: bool,
    panel: str = "",
    context: str = "",
) -> str:
    """
    The status line; no numbers without `timing`.

    * `ruled`: a line above it.
    * `panel`: HTML that the line itself opens.
    * `context`: how full the model's is, "" where nobody says.
    """
    dot = f'<span style="{_DOT};{_TONES.get(state, WARN)}"></span>'
    items = [_item(dot + escape(label), "white-space:nowrap")]
    if note:
        color = themed("color", "#d32f2f", "error-color1") if state == "error" else ""
        items.append(_item(_prose(note), color))
    # An answer that went wrong has one thing to say; numbers beside it would hide it.
    if timing is not None and (state not in _QUIET_STATES or not note):
        items += [_item(reading, "white-space:nowrap") for reading in _readings(timing)]
        items += filter(
            None,
            (context and _item(escape(context), "white-space:nowrap"), _sparkline(timing.gaps)),
        )
    style = f"{_RULED if ruled else ''}{_SMALL}"
    if not panel:
        return f'<div style="{style};{_LINE}">{" ".join(items)}</div>'
    # A line of its own below the strip would move the page as the answer ends.
    opener = f'<span style="{_BUTTON}">Timing \N{BLACK DOWN-POINTING SMALL TRIANGLE}</span>'
    readings = f'<div style="{_LINE};flex:1 1 0;min-width:0">{" ".join(items)}</div>'
    summary = f'<summary style="{_SUMMARY}">{readings} {opener}</summary>'
    return f'<details style="{style}">{summary}{panel}</details>'


def _item(content: str, style: str) -> str:
    return f'<span style="{style}">{content}</span>' if style else f"<span>{content}</span>"


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
    stall = max(STALL, STALL_RATIO * usual)
    drawn = (
        "".join(_bar(i, gap / usual) for i, gap in enumerate(longest) if (gap > stall) is slow)
        for slow in (False, True)
    )
    colors = ("brand-color1,#1976d2", 0.55), ("warn-color1,#f57c00", 1)
    paths = [_path(path, *look) for path, look in zip(drawn, colors, strict=True) if path]
    named = 'role="img" aria-label="gaps between tokens"'
    size = f'width="{3 * bars}" height="16" style="align-self:flex-start"'
    return f"<svg {size} {named}>{''.join(paths)}</svg>"


def _bar(index: int, relative: float) -> str:
    return f"M{3 * index + 1} 16v-{round(min(2 + 4 * relative, 16.0), 1):g}"


def _path(strokes: str, color: str, opacity: float) -> str:
    # One for all bars: as a rect each they were 4 of 23 KB, which JupyterLab's table of contents sanitizes.
    style = f"fill:none;stroke:var(--jp-{color})"
    return f'<path d="{strokes}" style="{style}" stroke-width="2" stroke-opacity="{opacity}"/>'
