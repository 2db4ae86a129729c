"""A terminal, as far as ours writes to one."""

from __future__ import annotations

import io
import re
import unicodedata

__all__ = ("Screen",)


class Screen(io.StringIO):
    """A terminal of few lines: what is on it, and what has scrolled away."""

    def __init__(self, columns: int = 40, lines: int = 12) -> None:
        super().__init__()
        self.columns, self.lines = columns, lines
        self.gone: list[str] = []
        self.shown = [""]
        self.row = self.column = 0
        self.written: list[str] = []

    def isatty(self) -> bool:
        return True

    def size(self) -> tuple[int, int]:
        return self.columns, self.lines

    def write(self, text: str) -> int:
        self.written.append(text)
        for found in re.finditer(r"\x1b\[([\d;]*)([A-Za-z])|(\r)|(\n)|(.)", text, re.DOTALL):
            count, command, home, end, letter = found.groups()
            if command == "A":
                self.row = max(0, self.row - int(count))
            elif command == "J":
                self.shown[self.row] = self.shown[self.row][: self.column]
                del self.shown[self.row + 1 :]
            elif home:
                self.column = 0
            elif end:
                self._down()
            elif letter:
                self._put(letter)
        return len(text)

    def text(self) -> str:
        """All that one can read, by scrolling back too."""
        return "\n".join(line.rstrip() for line in (*self.gone, *self.shown))

    def _put(self, letter: str) -> None:
        width = 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if self.column + width > self.columns:
            self._down()
        line = self.shown[self.row].ljust(self.column)
        self.shown[self.row] = line[: self.column] + letter + "\0" * (width - 1)
        self.column += width

    def _down(self) -> None:
        self.column = 0
        self.row += 1
        if self.row == len(self.shown):
            self.shown.append("")
        if len(self.shown) > self.lines:
            self.gone.append(self.shown.pop(0))
            self.row -= 1
