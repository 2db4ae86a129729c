"""
Tool calls as cards of the static output, folded.

The live cards (js/widget/src/structure/card.ts) look the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ipyllm.sinks.inline import CODE_FONT, QUIET, SHADE, UI_FONT, code_block, line, themed
from ipyllm.sinks.numbers import latency
from ipyllm.widget.json_text import ERROR, compact, read, seen, shown
from ipyllm.widget.json_tree import tree
from ipyllm.widget.markdown import BlockRenderer
from ipyllm.widget.strip import BOX

__all__ = ("CallState", "Card", "cards")

CallState = Literal[
    "arguments", "asking", "running", "done", "failed", "refused", "interrupted", "skipped"
]

_SHORT = 120  # characters of the arguments beside the name
_MAX_RESULT = 20_000  # characters of what a function gave
_MAX_ERROR = 20_000  # of a traceback; the end says what went wrong
_CARD = f"margin:6px 0;{BOX};border-radius:3px"
_ARGUMENTS = (
    f"padding:6px 10px;{CODE_FONT};{themed('font-size', '13px', 'code-font-size')};"
    "line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere"
)
_SUMMARY = (
    f"display:block;padding:4px 10px;{SHADE};{CODE_FONT};font-size:12px;line-height:20px;"
    "list-style-type:none;cursor:pointer"
)
_LINE = "display:flex;align-items:center;gap:8px"
_CUT = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
_GLYPH = "flex:none;width:12px;font-weight:600;text-align:center"
_NOTE = f"flex:none;{UI_FONT};font-variant-numeric:tabular-nums"
_TREE = "max-height:24em;padding:4px 10px 5px 14px;overflow:auto"
_RESULT = f"max-height:24em;padding:8px 10px 0;overflow:auto;{line('top', 1)};font-size:13px"
_TRACEBACK = f"padding:4px 10px;{line('top', 1)};{QUIET};font-size:12px"
_PRE = (
    f"max-height:24em;margin:4px 0;padding:0;overflow:auto;{CODE_FONT};font-size:12px;"
    "line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere"
)
_CODE = code_block("font-size:12px")

_GOOD = themed("color", "#388e3c", "success-color1")
_ACTIVE = themed("color", "#1976d2", "brand-color1")
_WARN = themed("color", "#f57c00", "warn-color1")
# Glyph, word, colour: as card.ts has them.
_STATES: dict[CallState, tuple[str, str, str]] = {
    "arguments": ("\N{HORIZONTAL ELLIPSIS}", "arguments not whole", QUIET),
    "asking": ("?", "not answered", _ACTIVE),
    "running": ("\N{HORIZONTAL ELLIPSIS}", "running", _ACTIVE),
    "done": ("\N{CHECK MARK}", "", _GOOD),
    "failed": ("\N{MULTIPLICATION X}", "failed", ERROR),
    "refused": ("\N{CIRCLED DIVISION SLASH}", "refused", _WARN),
    "interrupted": ("\N{BLACK SQUARE}", "interrupted", _WARN),
    "skipped": ("\N{EN DASH}", "skipped", QUIET),
}


@dataclass(frozen=True, slots=True)
class Card:
    """
    One call of a function, and what came of it.

    * `arguments`: JSON as the model wrote it; it may not be whole.
    * `result`: what the function gave, text or Markdown; None where it gave nothing.
    * `error`: a traceback; its last line is always seen.
    * `seconds`: how long the function ran.
    * `round`: of questions and answers; the first is 1.
    """

    name: str
    arguments: str = ""
    state: CallState = "done"
    result: str | None = None
    error: str | None = None
    seconds: float | None = None
    round: int = 1


def cards(calls: Sequence[Card]) -> str:
    """HTML of the calls of one stretch, with what came of them."""
    return "".join(map(_card, calls))


def _card(card: Card) -> str:
    value, rest, is_open = read(card.arguments)
    short = seen(rest) if value is None and rest else compact(value, as_call=True)
    body = [f'<div style="{_TREE}">{_arguments(card.arguments, value, rest, is_open)}</div>']
    if card.result is not None:
        body.append(f'<div style="{_RESULT}">{_result(card.result)}</div>')
    if card.error and "\n" in card.error.strip():
        body.append(_traceback(card.error.strip()))
    # Where nothing came there is nothing to name.
    preview = _short(short if card.arguments.strip() else "")
    head = _head(card, preview, is_whole=value is not None and is_open is None)
    return f'<details style="{_CARD}">{head}{"".join(body)}</details>'


def _head(card: Card, short: str, *, is_whole: bool) -> str:
    glyph, word, tone = _STATES[card.state]
    if card.state == "arguments" and is_whole:
        word = ""  # nobody here makes the call
    words = (
        f"round {card.round}" if card.round > 1 else "",
        word,
        "" if card.seconds is None else latency(card.seconds),
    )
    note = " \N{MIDDLE DOT} ".join(filter(None, words))
    opener = f'<span style="{QUIET}">\N{BLACK DOWN-POINTING SMALL TRIANGLE}</span>'
    pieces = (
        f'<span style="{_GLYPH};{tone}">{glyph}</span>',
        f'<b style="flex:none;max-width:60%;{_CUT};font-weight:600">{shown(seen(card.name))}</b>',
        f'<span style="flex:1;min-width:0;{_CUT};white-space:pre;{QUIET}">{shown(short)}</span>',
        f'<span style="{_NOTE};{tone}">{note}</span> {opener}',
    )
    row = f'<span style="{_LINE}">{" ".join(pieces)}</span>'
    return f'<summary style="{_SUMMARY}">{row}{_wrong(card.error or "")}</summary>'


def _wrong(error: str) -> str:
    last = seen(error.strip().rpartition("\n")[2])[: 2 * _SHORT]
    style = f"display:block;padding-left:20px;{_CUT};{ERROR}"
    return f'<span style="{style}">{shown(last)}</span>' if last else ""


def _arguments(text: str, value: object, rest: str, is_open: tuple[str | int, ...] | None) -> str:
    if not text.strip():
        return f'<span style="{QUIET};font-size:12px">no arguments</span>'
    rows, is_cut = tree(value, is_open=is_open) if value is not None else ("", False)
    left = text if is_cut else rest
    return rows + (f'<div style="{_ARGUMENTS}">{shown(left)}</div>' if left.strip() else "")


def _result(source: str) -> str:
    renderer = BlockRenderer()
    renderer.feed(source[:_MAX_RESULT])
    html = renderer.html().replace("<pre><code", _CODE)
    more = len(source) - _MAX_RESULT
    if more <= 0:
        return html
    return f'{html}<div style="{QUIET}">\N{HORIZONTAL ELLIPSIS} {more:,} more characters</div>'


def _traceback(text: str) -> str:
    cut = "" if len(text) <= _MAX_ERROR else "\N{HORIZONTAL ELLIPSIS}\n"
    summary = '<summary style="width:fit-content;cursor:pointer">Traceback</summary>'
    return (
        f'<details style="{_TRACEBACK}">{summary}'
        f'<div style="{_PRE}">{shown(cut + text[-_MAX_ERROR:])}</div></details>'
    )


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else text[:_SHORT] + "\N{HORIZONTAL ELLIPSIS}"
