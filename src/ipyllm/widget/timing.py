"""
Where the time of an answer went: its phases, the gaps between its tokens, the tokens themselves.

Tables first and pictures inside them, without any text in an SVG: where sanitisers take the
pictures and the styles away (GitHub, a notebook that is not trusted), the numbers stay. The
page shows the same HTML in its Timing panel.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from ipyllm.sinks.inline import CODE_FONT, QUIET, themed
from ipyllm.sinks.numbers import latency

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipyllm.run.metrics import Timing

__all__ = ("MAX_SHOWN", "STALL", "STALL_RATIO", "Token", "panel", "stall_limit")

MAX_SHOWN = 2000
"""Tokens that are coloured; of a longer answer the first."""
STALL = 0.25
"""Seconds; no shorter gap is a stall: it is not felt."""
STALL_RATIO = 5.0
"""A stall is longer than so many usual gaps."""

_TOGETHER = 0.001  # seconds; tokens nearer than that came in one read
_TICK = 0.005  # seconds; no token is slow because the others came faster than this
_EDGES = (_TOGETHER, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
_BINS = (
    "together",
    "1 to 5 ms",
    "5 to 10 ms",
    "10 to 20 ms",
    "20 to 50 ms",
    "50 to 100 ms",
    "100 to 250 ms",
    "250 to 500 ms",
    "500 ms to 1 s",
    "over 1 s",
)
_SLOW = ("", "#f57c0038", "#f57c0078", "#f57c00c0")
_UNSURE = ("", "#ab47bc30", "#ab47bc68", "#ab47bcb0")
_PROBABLE = (0.9, 0.5, 0.2)

_INK = themed("color", "inherit", "ui-font-color1")
_ROW = 'style="background-color:transparent"'
_NAME = f"padding:0 12px 0 0;border:0;text-align:left;white-space:nowrap;{QUIET}"
_VALUE = f"padding:0 12px 0 0;border:0;text-align:right;white-space:nowrap;{_INK}"
_PICTURE = "width:100%;padding:0;border:0"
_TABLE = (
    "width:100%;margin:0;border:0;border-collapse:collapse;"
    "font-size:12px;line-height:18px;table-layout:auto"
)
_TEXT = (
    f"max-height:15em;margin:4px 0 0;overflow:auto;{CODE_FONT};line-height:1.7;"
    "white-space:pre-wrap;overflow-wrap:anywhere;"
    f"{_INK}"
)
_FILL = "fill:var(--jp-brand-color1,#1976d2)"
_WARN_FILL = "fill:var(--jp-warn-color1,#f57c00)"


@dataclass(frozen=True, slots=True)
class Token:
    """
    One token as it was shown.

    * `gap`: seconds since the token before; None for the first.
    * `probability`: how sure the model was, 0 to 1; None where it did not say.
    """

    text: str
    gap: float | None = None
    probability: float | None = None


def panel(timing: Timing, tokens: Sequence[Token] = (), *, exact: bool = False) -> str:
    """
    HTML of the panel.

    * `tokens`: the first of them, `MAX_SHOWN` at most.
    * `exact`: every token says its time, not only those that are coloured: three times the size.
    """
    columns = [_column(_phases(timing), "1 1 320px")]
    if timing.gaps:
        columns.append(_column(_histogram(timing.gaps), "0 1 300px"))
    wrap = '<div style="display:flex;flex-wrap:wrap;align-items:flex-start;gap:10px 32px;margin:8px 0 0">'
    return f"{wrap}{''.join(columns)}</div>{_sentence(timing.gaps)}{_coloured(timing, tokens, exact=exact)}"


def _column(content: str, flex: str) -> str:
    return f'<div style="flex:{flex};min-width:0">{content}</div>'


# phases ---------------------------------------------------------------------------


def _phases(timing: Timing) -> str:
    phases = _spans(timing)
    start = min((begin for _, begin, _, _ in phases), default=0.0)
    whole = max((end for _, _, end, _ in phases), default=0.0) - start or 1.0
    first = None if timing.ttft is None else 100 * (timing.ttft - start) / whole
    rows = "".join(
        f'<tr {_ROW}><td style="{_NAME}">{name}</td>'
        f'<td style="{_VALUE}">{latency(end - begin)}</td>'
        f'<td style="{_PICTURE}">'
        f"{_span(100 * (begin - start) / whole, 100 * (end - begin) / whole, opacity, first)}</td></tr>"
        for name, begin, end, opacity in phases
    )
    return f'<table style="{_TABLE}">{rows}</table>'


def _spans(timing: Timing) -> list[tuple[str, float, float, float]]:
    """(name, from, to, opacity), seconds from the moment the request was sent."""
    at = 0.0
    before: list[tuple[str, float, float, float]] = []
    waited: float | None = getattr(timing, "waited", None)
    for name, took in (
        ("connect", timing.connect),
        ("model loaded", timing.load),
        ("failed attempts", waited),
    ):
        if took:
            before.insert(0, (name, at - took, at, 0.4))
            at -= took
    out, at = before, 0.0
    answer = (
        timing.ttfa is not None and timing.ttft is not None and timing.ttfa - timing.ttft > 0.05
    )
    marks = (
        ("headers", timing.headers, 0.5),
        ("first frame", timing.ttfr, 0.6),
        ("first token", timing.ttft, 0.6),
        ("reasoning", timing.ttfa if answer else None, 0.75),
    )
    for name, mark, opacity in marks:
        if mark is None:
            continue
        if mark - at >= _TOGETHER:
            out.append((name, at, mark, opacity))
        at = max(at, mark)
    if timing.total is not None and timing.total > at:
        out.append(("answer" if timing.ttfa is not None else "rest", at, timing.total, 1.0))
    return out


def _span(begin: float, width: float, opacity: float, first: float | None) -> str:
    line = ""
    if first is not None:
        line = f'<rect x="{first:.2f}%" width="1" height="18" fill="currentColor" opacity=".35"/>'
    return (
        f'<svg width="100%" height="18" style="display:block" aria-hidden="true">{line}'
        f'<rect x="{begin:.2f}%" y="5" width="{max(width, 0.4):.2f}%" height="8" rx="1"'
        f' style="{_FILL}" opacity="{opacity:g}"/></svg>'
    )


# gaps -----------------------------------------------------------------------------


def stall_limit(gaps: Sequence[float]) -> float:
    """Seconds; a longer gap is a stall."""
    return max(STALL, STALL_RATIO * _usual(gaps))


def _usual(gaps: Sequence[float]) -> float:
    """Median of the gaps between reads: tokens of one read have none between them."""
    apart = sorted(gap for gap in gaps if gap >= _TOGETHER)
    return apart[len(apart) // 2] if apart else 0.0


def _histogram(gaps: Sequence[float]) -> str:
    counts = [0] * len(_BINS)
    for gap in gaps:
        counts[bisect_right(_EDGES, gap)] += 1
    seen = [index for index, count in enumerate(counts) if count]
    stall, most = stall_limit(gaps), max(counts)
    rows = "".join(
        f'<tr {_ROW}><td style="{_NAME}">{_BINS[i]}</td><td style="{_VALUE}">{counts[i]:,}</td>'
        f'<td style="{_PICTURE}">{_bar(counts[i] / most, stall=i and _EDGES[i - 1] >= stall)}</td></tr>'
        for i in range(seen[0], seen[-1] + 1)
    )
    return f'<table style="{_TABLE}">{rows}</table>'


def _bar(share: float, *, stall: object) -> str:
    width = max(100 * share, 0.8) if share else 0
    return (
        '<svg width="100%" height="18" style="display:block" aria-hidden="true">'
        f'<rect y="5" width="{width:.1f}%" height="8" rx="1"'
        f' style="{_WARN_FILL if stall else _FILL}" opacity="{1 if stall else 0.55}"/></svg>'
    )


def _sentence(gaps: Sequence[float]) -> str:
    if not gaps:
        return ""
    ordered, limit = sorted(gaps), stall_limit(gaps)
    stalls = len(ordered) - bisect_right(ordered, limit)
    told = (
        f"Between tokens: median {latency(ordered[len(ordered) // 2])}, "
        f"95 % within {latency(ordered[len(ordered) * 95 // 100])}, longest {latency(ordered[-1])}; "
        f"{stalls or 'no'} stall{'' if stalls == 1 else 's'} (over {latency(limit)})."
    )
    return f'<div style="margin:8px 0 0">{told}</div>'


# tokens ---------------------------------------------------------------------------


def _coloured(timing: Timing, tokens: Sequence[Token], *, exact: bool) -> str:
    if len(tokens) < 2:
        return ""
    many = len(timing.gaps) + 1
    which = f"The {len(tokens):,} tokens"
    if len(tokens) < many:
        which = f"The first {len(tokens):,} of {many:,} tokens"
    usual, stall = max(_usual(timing.gaps), _TICK), stall_limit(timing.gaps)
    edges = (2 * usual, min(4 * usual, stall), stall)
    slow = [0 if token.gap is None else bisect_right(edges, token.gap) for token in tokens]
    said = ["first token" if token.gap is None else latency(token.gap) for token in tokens]
    names = [f"over {latency(edge)}" for edge in edges]
    out = _paint(
        f"{which} by the time since the one before",
        names,
        _SLOW,
        zip(tokens, slow, said, strict=True),
        exact=exact,
        shown=True,
    )
    if any(token.probability is not None for token in tokens):
        unsure = [_unsure(token.probability) for token in tokens]
        said = [
            "" if token.probability is None else f"{100 * token.probability:.1f} %"
            for token in tokens
        ]
        names = [f"under {100 * probable:.0f} %" for probable in _PROBABLE]
        out += _paint(
            f"{which} by their probability",
            names,
            _UNSURE,
            zip(tokens, unsure, said, strict=True),
            exact=exact,
            shown=False,
        )
    return out


def _unsure(probability: float | None) -> int:
    return 0 if probability is None else sum(probability < edge for edge in _PROBABLE)


def _paint(
    title: str,
    names: Sequence[str],
    colors: Sequence[str],
    tokens: Iterable[tuple[Token, int, str]],
    *,
    exact: bool,
    shown: bool,
) -> str:
    legend = " ".join(
        f'<span style="padding:0 5px;border-radius:2px;background-color:{color}">{name}</span>'
        for name, color in zip(names, colors[1:], strict=True)
    )
    spans = "".join(
        _token(token.text, colors[degree], said, exact=exact) for token, degree, said in tokens
    )
    # One of a group: opening the other closes it, without a script.
    return (
        f'<details name="ipyllm-tokens" style="margin:6px 0 0"{" open" if shown else ""}>'
        f'<summary style="cursor:pointer">{title}: {legend}</summary>'
        f'<div style="{_TEXT}">{spans}</div></details>'
    )


def _token(text: str, color: str, said: str, *, exact: bool) -> str:
    shown = escape(text, quote=False)
    if color:
        return f'<span style="background-color:{color}" title="{said}">{shown}</span>'
    return f'<span title="{said}">{shown}</span>' if exact and said else shown
