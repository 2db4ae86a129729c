"""
Markdown on a terminal: written as it comes, and each block once more, rendered, when it is whole.

Only lines that are certain to be on the screen still are taken back, so that nothing stands twice in
what has scrolled away: a block higher than the screen, one of letters whose width terminals do not
agree on, and one during which the window changed its size all stay as they were written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from shutil import get_terminal_size
from typing import TextIO

__all__ = ("Rewriting", "renderer_for")

Size = tuple[int, int]  # columns, lines
Render = Callable[[str, int], str]

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])\s")
# Joined, or made wide: one terminal draws one letter of two columns, another two or three.
_UNSURE = re.compile("[\u200b-\u200f\u20e3\ufe0e\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
_TAB = 8


def renderer_for(out: TextIO) -> Render | None:
    """rich's, where it is installed and `out` is a terminal that can take lines back."""
    term = os.environ.get("TERM", "dumb")
    if not out.isatty() or term in ("", "dumb", "unknown") or os.environ.get("NO_COLOR"):
        return None
    return _rendered if find_spec("rich") else None


def _window() -> Size:
    columns, lines = get_terminal_size()
    return columns, lines


class Rewriting:
    """
    `feed` writes at once; `end` when the answer says something else for a while, or is over.

    The cursor has to be at the beginning of a line before the first `feed`, and after each `end`.

    * `render`: Markdown and columns -> text for the terminal.
    * `size`: columns and lines of the window, asked anew for each block.
    """

    def __init__(
        self,
        out: TextIO,
        render: Render,
        size: Callable[[], Size] = _window,
    ) -> None:
        self._out = out
        self._render = render
        self._size = size
        self._begin()

    def feed(self, text: str) -> None:
        """More of it, cut anywhere."""
        for line in re.findall(r"[^\n]*\n|[^\n]+", text):
            self._take(line)

    def end(self, *, rewrite: bool = True) -> None:
        """No more of this; `rewrite` False leaves the last block as it is: it may not be whole."""
        if rewrite:
            self._rewrite()
        self._out.write(self._held)
        self._begin()

    def _begin(self) -> None:
        self._block: list[str] = []
        self._line = ""  # the last of it, without an end yet
        self._held = ""  # spaces at the beginning of a line, until it is known whose line it is
        self._fence = ""
        self._over = False  # what follows is another block, but for more of a list
        self._list = False
        self._at: Size | None = None

    def _take(self, text: str) -> None:
        if not self._line:
            text = self._held + text
            self._held = ""
            if not text.strip() and not text.endswith("\n"):
                self._held = text
                return
            if self._over and text.strip() and not (self._list and _goes_on(text)):
                self._rewrite()
                self._begin()
        self._at = self._at or self._size()
        self._block.append(text)
        self._line += text
        self._out.write(text)
        if text.endswith("\n"):
            self._ended(self._line)
            self._line = ""

    def _ended(self, line: str) -> None:
        """A line of the block is whole."""
        fence = _FENCE.match(line)
        if self._fence:
            # "... at least as long as the opening code fence", and nothing after it
            closes = fence and fence[1].startswith(self._fence) and not line[fence.end() :].strip()
            if closes:
                self._fence, self._over = "", True
        elif fence:
            self._fence = fence[1]
        elif not line.strip():
            self._over = bool("".join(self._block).strip())
        else:
            self._list = self._list or bool(_ITEM.match(line))
            self._over = False

    def _rewrite(self) -> None:
        text = "".join(self._block)
        source = text.strip("\n")
        if not source.strip() or self._at is None or self._at != self._size():
            return
        columns, lines = self._at
        below = rows(text, columns)
        if below is None or below >= lines:
            return
        rendered = self._render(source, columns).strip("\n")
        before = "\n" * (len(text) - len(text.lstrip("\n")))
        after = "\n" * (len(text) - len(text.rstrip("\n")))
        up = f"\x1b[{below}A" if below else ""
        self._out.write(f"\r{up}\x1b[J{before}{rendered}{after}")


def rows(text: str, columns: int) -> int | None:
    """How many lines below its first one the cursor is after this text; None where nobody knows."""
    from rich.cells import get_character_cell_size

    row = 0
    for line in text.split("\n"):
        if _UNSURE.search(line) and 2 * len(line) > columns:
            return None
        row, column = row + 1, 0
        if "\t" not in line and line.isascii():
            # A line that fills the last column wraps with the next letter only.
            row += max(0, len(line) - 1) // columns
            continue
        for letter in line:
            if letter == "\t":
                column = min((column // _TAB + 1) * _TAB, columns - 1)
                continue
            width = get_character_cell_size(letter)
            if column + width > columns:
                row, column = row + 1, 0
            column += width
    return row - 1


def _goes_on(line: str) -> bool:
    """Whether it may belong to the list above it: by its first letter, the rest may not have come."""
    return line[0] in " \t-*+0123456789"


def _rendered(source: str, columns: int) -> str:
    from rich.console import Console
    from rich.markdown import Markdown

    # Addresses are shown and not hidden behind words: a model wrote them.
    shown = Markdown(source, code_theme="ansi_dark", hyperlinks=False)
    console = Console(width=columns, force_terminal=True, force_jupyter=False)
    with console.capture() as captured:
        console.print(shown)
    return "\n".join(map(str.rstrip, captured.get().split("\n")))
