"""A grid as HTML and as text: how far it is, and its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from statistics import median
from typing import TYPE_CHECKING, Any

from ipyllm.sweep.look import (
    BAR,
    CELL,
    CODE,
    FAILED,
    HEAD,
    LINE,
    QUIET,
    ROOT,
    duration,
    latency,
    themed,
)

if TYPE_CHECKING:
    from ipyllm.sweep.row import Row, State

__all__ = ("SHOWN", "Standing", "table", "words")

SHOWN = 200  # rows
_LETTERS = 2000  # of a finished answer in the table
_LIVE, _LIVE_ROWS = 300, 100  # the same, and rows, while the table is sent again and again
_PREVIEW = 90
_ORDER: tuple[State, ...] = ("done", "failed", "stopped", "running", "waiting")
_FIRST: tuple[State, ...] = ("running", "failed", "stopped", "done", "waiting")
_COLORS: dict[State, str] = {
    "done": themed("background-color", "#388e3c", "success-color1"),
    "failed": themed("background-color", "#d32f2f", "error-color1"),
    "stopped": themed("background-color", "#f57c00", "warn-color1"),
    "running": themed("background-color", "#1976d2", "brand-color1"),
}
_MORE = "\N{HORIZONTAL ELLIPSIS}"
_DOT = " \N{MIDDLE DOT} "
_NO_WRAP = "white-space:nowrap"
_COLUMNS = ("#", "prompt", "model", "answer", "first token", "tok/s", "tokens")
_TIMED = {"first token", "tok/s"}


@dataclass(frozen=True, slots=True)
class Standing:
    """
    How far a grid is.

    * `states`: how many rows of each. `kept`: how many of them come from the file.
    * `lost`: calls that an earlier process was killed in; they are asked again.
    * `elapsed`, `eta`: seconds; `eta` None if it is over, or nothing has come yet.
    * `note`: what else people should know.
    """

    name: str
    states: Mapping[State, int] = field(default_factory=dict["State", int])
    kept: int = 0
    lost: int = 0
    elapsed: float = 0.0
    eta: float | None = None
    note: str = ""


def table(rows: Sequence[Row], standing: Standing, *, live: bool, timed: bool = True) -> str:
    """The whole; at most `SHOWN` rows of it. Without `timed`, nothing that differs from run to run."""
    shown = _chosen(rows, _LIVE_ROWS if live else SHOWN)
    columns = [name for name in _COLUMNS if timed or name not in _TIMED]
    head = "".join(f'<th style="{HEAD}">{name}</th>' for name in columns)
    letters = _LIVE if live else _LETTERS
    body = "".join(_line(row, letters, timed=timed) for row in shown)
    rest = _rest(rows, shown)
    script = _KEEP_OPEN.replace("NAME", json.dumps(standing.name)) if live else ""
    return (
        f'<div data-grid="{escape(standing.name)}" style="{ROOT}">'
        f"<div>{escape(_headline(rows, standing, timed=timed))}</div>{_bar(standing, len(rows))}"
        f"{_models(rows, standing, timed=timed)}"
        f'<table style="border-collapse:collapse;width:100%"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
        f'<div style="{QUIET};padding:4px 8px">{escape(rest)}</div></div>{script}'
    )


def words(rows: Sequence[Row], standing: Standing, *, timed: bool = True) -> str:
    """The same in a line, and one for each model once all is over."""
    lines = [_headline(rows, standing, timed=timed)]
    if not (standing.states.get("waiting") or standing.states.get("running")) and timed:
        lines += (f"{name}: {said}" for name, said in _by_model(rows).items())
    return "\n".join(lines)


# An update replaces the table; without this what is open would close four times a second.
_KEEP_OPEN = (
    "<script>(()=>{const n=NAME,g=window.__ipyllm_grids??={},o=g[n]??=new Set();"
    'for(const d of document.querySelectorAll(`[data-grid="${n}"] details`)){'
    "d.open=o.has(d.dataset.row);"
    'd.addEventListener("toggle",()=>d.isConnected&&(d.open?o.add(d.dataset.row):o.delete(d.dataset.row)))'
    "}})()</script>"
)


def _headline(rows: Sequence[Row], standing: Standing, *, timed: bool) -> str:
    said = [f"{len(rows):,} row{'s' * (len(rows) != 1)}"]
    for state in _ORDER:
        count = standing.states.get(state, 0)
        if count:
            said.append(f"{count:,} {state}")
    if standing.kept and timed:
        said.append(f"{standing.kept:,} of them from the file")
    if standing.eta is not None:
        said.append(f"about {duration(standing.eta)} left")
    elif timed:
        said.append(duration(standing.elapsed))
    if timed and (tokens := _tokens(rows)):
        said.append(tokens)
    if standing.lost:
        said.append(f"{standing.lost:,} asked before by a process that was killed, and asked again")
    return _DOT.join([*said, *filter(None, [standing.note])])


def _tokens(rows: Sequence[Row]) -> str:
    """What this run has cost; what comes from the file was paid for before."""
    paid = [row for row in rows if row.is_over and not row.kept]
    given, taken = sum(row.input_tokens or 0 for row in paid), sum(row.tokens for row in paid)
    if not taken:
        return ""
    about = "~" if any(row.estimated and row.tokens for row in paid) else ""
    return f"{given:,} tokens in, {about}{taken:,} out" if given else f"{about}{taken:,} tokens out"


def _bar(standing: Standing, count: int) -> str:
    parts = "".join(
        f'<div style="width:{100 * standing.states.get(state, 0) / count:.2f}%;{color}"></div>'
        for state, color in _COLORS.items()
    )
    return f'<div style="{BAR}">{parts}</div>'


def _models(rows: Sequence[Row], standing: Standing, *, timed: bool) -> str:
    """Medians of each model, once all is over."""
    if standing.states.get("waiting") or standing.states.get("running") or not timed:
        return ""
    lines = "".join(
        f"<div>{escape(name)}: {escape(said)}</div>" for name, said in _by_model(rows).items()
    )
    return f'<div style="{QUIET};margin:0 0 6px">{lines}</div>'


def _by_model(rows: Sequence[Row]) -> dict[str, str]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.model, []).append(row)
    return {name: said for name, group in groups.items() if (said := _medians(group))}


def _medians(rows: Sequence[Row]) -> str:
    first = [row.ttft for row in rows if row.ttft is not None]
    rates = [row.decode_rate for row in rows if row.decode_rate is not None]
    said: list[str] = []
    if first:
        said.append(f"median first token {latency(median(first))}")
    if rates:
        said.append(f"{median(rates):,.0f} tok/s")
    if failed := sum(row.state == "failed" for row in rows):
        said.append(f"{failed} of {len(rows)} failed")
    return ", ".join(said)


def _chosen(rows: Sequence[Row], most: int) -> list[Row]:
    """What is to be seen now first, then in order."""
    if len(rows) <= most:
        return list(rows)
    ranked = sorted(rows, key=lambda row: (_FIRST.index(row.state), row.index))
    return sorted(ranked[:most], key=lambda row: row.index)


def _rest(rows: Sequence[Row], shown: Sequence[Row]) -> str:
    left = len(rows) - len(shown)
    return f"{left:,} more rows are not shown; `g.rows` and `g.df` have all." if left else ""


def _line(row: Row, letters: int, *, timed: bool) -> str:
    cells = [
        (str(row.index), f"{QUIET};text-align:right"),
        (_prompt(row), "max-width:22em"),
        (_model(row), _NO_WRAP),
        (_answer(row, letters), "width:45%;overflow-wrap:anywhere"),
    ]
    if timed:
        rate = "" if row.decode_rate is None else f"{row.decode_rate:,.0f}"
        cells += [(latency(row.ttft), _NO_WRAP), (rate, "")]
    about = "~" if row.estimated and row.tokens else ""
    cells.append((f"{about}{row.tokens:,}" if row.tokens else "", ""))
    shown = "".join(f"<td style={_quoted(CELL, style)}>{text}</td>" for text, style in cells)
    return f'<tr style="{LINE}">{shown}</tr>'


def _quoted(*styles: str) -> str:
    return f'"{";".join(filter(None, styles))}"'


def _prompt(row: Row) -> str:
    return f'<span title="{escape(_cut(row.prompt, 500))}">{escape(_cut(row.prompt, 60))}</span>'


def _model(row: Row) -> str:
    more = [f"{name}={_short(value)}" for name, value in row.params.items()]
    if row.repeat:
        more.append(f"repeat {row.repeat}")
    said = f'<div style="{QUIET}">{escape(", ".join(more))}</div>' if more else ""
    return escape(row.model) + said


def _answer(row: Row, letters: int) -> str:
    text = row.text
    if row.state == "waiting":
        return f'<span style="{QUIET}">waiting</span>'
    if row.state == "failed":
        said = f'<span style="{FAILED}">{escape(_cut(row.error, 300))}</span>'
    elif row.state == "running":
        said = escape(_end(text, _PREVIEW)) or f'<span style="{QUIET}">asked</span>'
    else:
        why = f"({row.finish_reason}) " if row.state == "stopped" else ""
        said = f'<span style="{QUIET}">{escape(why)}</span>' if why else ""
        said += escape(_cut(text, _PREVIEW))
    if not text:
        return said
    inside = _end(text, letters) if row.state == "running" else _cut(text, letters)
    return (
        f'<details data-row="{row.index}"><summary style="cursor:pointer">{said}</summary>'
        f'<pre style="{CODE}">{escape(inside)}</pre></details>'
    )


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + _MORE


def _end(text: str, letters: int) -> str:
    return text if len(text) <= letters else _MORE + text[1 - letters :]


def _short(value: Any) -> str:
    return _cut(str(value), 40)
