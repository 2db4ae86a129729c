"""
Tool calls as cards of the static output, folded.

The transcript has them as text, `name(arguments)` and a newline. That newline ends a call
because JSON, which arguments are, has no `)` outside its strings and no newline in them.
"""

from __future__ import annotations

from html import escape

from ipyllm.widget.inline import CODE_FONT, QUIET, SHADE, themed
from ipyllm.widget.strip import BOX

__all__ = ("calls", "cards")

_SHORT = 120  # characters of the arguments beside the name
_CARD = f"margin:6px 0;{BOX};border-radius:3px"
_HEAD = (
    f"padding:4px 10px;overflow:hidden;{SHADE};{CODE_FONT};font-size:12px;line-height:20px;"
    "text-overflow:ellipsis;white-space:nowrap;cursor:pointer"
)
_ARGUMENTS = (
    f"padding:6px 10px;{CODE_FONT};{themed('font-size', '13px', 'code-font-size')};"
    "line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere"
)


def calls(text: str) -> list[tuple[str, str]]:
    """(name, arguments) of each call; the last may not be whole."""
    pieces = text.split(")\n")
    named = (piece.partition("(") for piece in pieces if piece)
    return [(name, arguments) for name, _, arguments in named]


def cards(text: str) -> str:
    """HTML of the calls of one stretch."""
    return "".join(_card(name, arguments) for name, arguments in calls(text))


def _card(name: str, arguments: str) -> str:
    short = (
        arguments if len(arguments) <= _SHORT else arguments[:_SHORT] + "\N{HORIZONTAL ELLIPSIS}"
    )
    head = (
        f'<summary style="{_HEAD}"><b style="margin:0 6px 0 2px;font-weight:600">{escape(name)}</b> '
        f'<span style="{QUIET}">{escape(short)}</span></summary>'
    )
    return f'<details style="{_CARD}">{head}<div style="{_ARGUMENTS}">{escape(arguments)}</div></details>'
