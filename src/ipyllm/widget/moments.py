"""
The answer at a few moments: a slider over time that needs no script.

Saved outputs lose their scripts, and `<input>` moves nothing without one. `<details>` of one name
do: opening a moment closes the one before. Where a sanitiser takes the name away, each still opens.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ipyllm.events import TextDelta
from ipyllm.sinks.inline import QUIET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipyllm.widget.wire_pieces import Piece

__all__ = ("moments",)

_STEPS = 10
_SHOWN = 1200  # characters of the text at one moment: its end
_TEXT = "margin:2px 0 6px;padding-left:10px;white-space:pre-wrap;overflow-wrap:anywhere"


def moments(found: Sequence[Piece]) -> str:
    """HTML of the text as far as it was there, at ten moments; "" where there are not two."""
    times = sorted({piece.ms for piece in found if _text(piece)})
    if len(times) < 2:
        return ""
    chosen = sorted({times[(len(times) - 1) * step // _STEPS] for step in range(_STEPS + 1)})
    steps = "".join(_moment(ms, found) for ms in chosen)
    title = '<summary style="cursor:pointer">the answer, moment by moment</summary>'
    return f'<details style="margin:4px 0 0">{title}{steps}</details>'


def _moment(ms: float, found: Sequence[Piece]) -> str:
    text = "".join(_text(piece) for piece in found if piece.ms <= ms)
    cut = "\N{HORIZONTAL ELLIPSIS}" if len(text) > _SHOWN else ""
    shown = (cut + text[-_SHOWN:]).encode("utf-8", "backslashreplace").decode()
    said = f"{ms:,.0f} ms, {len(text):,} characters"
    return (
        f'<details name="ipyllm-moment"><summary style="cursor:pointer;{QUIET}">{said}</summary>'
        f'<div style="{_TEXT}">{escape(shown)}</div></details>'
    )


def _text(piece: Piece) -> str:
    return "".join(event.text for event in piece.events if isinstance(event, TextDelta))
