"""
Where the cursor is: on a `%%llm` line, in its prompt, behind `%llm`, or nowhere of ours.

Magics that run a cell may stand above it: `%%time`, then `%%llm`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

__all__ = ("CellLine", "Command", "Prompt", "place", "words_of")

_ABOVE = re.compile(r"%%(?:time|timeit|capture|prun)\b")
_CELL = re.compile(r"%%llm(?=\s|$)")
_COMMAND = re.compile(r"\s*(?:[\w., ]+=\s*)?%llm\s+")


@dataclass(frozen=True, slots=True)
class CellLine:
    """Flags: what stands between `%%llm` and the cursor."""

    before: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt: its line `before` and `after` the cursor; `flags` above it."""

    before: str
    after: str
    flags: str


@dataclass(frozen=True, slots=True)
class Command:
    """What stands between `%llm` and the cursor."""

    before: str


def place(cell: str, row: int, column: int) -> CellLine | Prompt | Command | None:
    """The place of a cursor, counted from 0; None: somebody else's."""
    lines = cell.split("\n")
    before = lines[row][:column]
    if (first := _opening(lines)) is None:
        command = _COMMAND.match(before)
        return Command(before[command.end() :]) if command else None
    if row > first:
        return Prompt(before, lines[row][column:], lines[first][len("%%llm") :])
    opening = _CELL.match(before)
    on_flags = row == first and opening is not None and len(before) > opening.end()
    return CellLine(before[opening.end() :]) if on_flags and opening else None


def words_of(text: str) -> tuple[list[str], str]:
    """The whole words of a line, and the last one as it is typed: it may be "", or an open quote."""
    start, quote, escaped = 0, "", False
    for at, letter in enumerate(text):
        if escaped:
            escaped = False
        elif letter == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter.isspace():
            start = at + 1
    return shlex.split(text[:start]), text[start:]


def _opening(lines: list[str]) -> int | None:
    """The row of the `%%llm` that makes this cell a prompt."""
    for row, line in enumerate(lines):
        if _CELL.match(line):
            return row
        if line.strip() and not _ABOVE.match(line):
            return None
    return None
