"""Two answers, or all answers of two models, compared word by word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from html import escape
from typing import TYPE_CHECKING, Any

from ipyllm.errors import UsageError
from ipyllm.sweep.look import CODE, QUIET, ROOT, themed
from ipyllm.sweep.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Diff", "diff")

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MANY = 4000  # words; more are compared by lines: matching takes their square
_SHOWN = 50  # pairs of rows
_OLD = f"text-decoration:line-through;{themed('color', '#d32f2f', 'error-color1')}"
_NEW = f"text-decoration:none;font-weight:600;{themed('color', '#388e3c', 'success-color1')}"
_TAGS = {"-": ("del", _OLD), "+": ("ins", _NEW)}
_MARKS = {"-": ("[-", "-]"), "+": ("{+", "+}"), " ": ("", "")}


@dataclass(frozen=True, slots=True)
class Diff:
    """
    `str(d)`: `[-only in a-]`, `{+only in b+}`. As a cell's value, the same in colours.

    * `pairs`: (row of a, row of b, pieces); a piece is (`" "`, `"-"` or `"+"`, text).
    * `same`: the share of words both have, from 0 to 1.
    """

    pairs: tuple[tuple[Row, Row, tuple[tuple[str, str], ...]], ...]

    @property
    def same(self) -> float:
        """Letters in both, twice, to all letters."""
        count = {"-": 0, "+": 0, " ": 0}
        for _, _, pieces in self.pairs:
            for mark, text in pieces:
                count[mark] += len(text)
        total = 2 * count[" "] + count["-"] + count["+"]
        return 2 * count[" "] / total if total else 1.0

    def __str__(self) -> str:
        return "\n\n".join(
            f"{_title(a, b)}\n" + "".join(_marked(pieces)) for a, b, pieces in self.pairs
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        shown = "".join(_pair(*pair) for pair in self.pairs[:_SHOWN])
        left = len(self.pairs) - _SHOWN
        rest = f'<div style="{QUIET}">{left} more pairs; str() has all.</div>' if left > 0 else ""
        head = f'<div style="{QUIET}">{100 * self.same:.0f} % the same</div>'
        return f'<div style="{ROOT}">{head}{shown}{rest}</div>'


def diff(rows: Sequence[Row], a: Row | int | str, b: Row | int | str) -> Diff:
    """
    Compare two rows, or two models in all rows that differ in nothing else.

    Raises:
        UsageError: there is no such row or model.
    """
    if isinstance(a, str) != isinstance(b, str):
        raise UsageError("A row cannot be compared with a model.", hint="Give two of one kind.")
    if isinstance(a, str) and isinstance(b, str):
        pairs = _matched(rows, a, b)
    else:
        pairs = [(_row(rows, a), _row(rows, b))]
    return Diff(tuple((one, other, _pieces(one.text, other.text)) for one, other in pairs))


def _row(rows: Sequence[Row], which: Row | int | str) -> Row:
    if isinstance(which, Row):
        return which
    if isinstance(which, int) and -len(rows) <= which < len(rows):
        return rows[which]
    raise UsageError(f"There is no row {which!r}.", hint=f"They go from 0 to {len(rows) - 1}.")


def _matched(rows: Sequence[Row], a: str, b: str) -> list[tuple[Row, Row]]:
    found = [{_but_model(row): row for row in rows if row.model == name} for name in (a, b)]
    known = list(dict.fromkeys(row.model for row in rows))
    for name, theirs in zip((a, b), found, strict=True):
        if not theirs:
            near = get_close_matches(name, known, n=1) or known
            raise UsageError(f"No row is {name!r}'s.", hint=f"Write {' or '.join(near)}.")
    one, other = found
    return [(row, other[key]) for key, row in one.items() if key in other]


def _but_model(row: Row) -> tuple[str, str, int]:
    return row.prompt, _json(row.params) + _json(row.variables), row.repeat


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), sort_keys=True, default=repr)


def _pieces(a: str, b: str) -> tuple[tuple[str, str], ...]:
    old, new = _WORD.findall(a), _WORD.findall(b)
    if max(len(old), len(new)) > _MANY:
        old, new = _LINE.findall(a), _LINE.findall(b)
    return tuple(_compared(old, new))


def _compared(old: list[str], new: list[str]) -> Iterator[tuple[str, str]]:
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield " ", "".join(old[i:j])
            continue
        if i < j:
            yield "-", "".join(old[i:j])
        if k < m:
            yield "+", "".join(new[k:m])


def _marked(pieces: Iterable[tuple[str, str]]) -> Iterator[str]:
    for mark, text in pieces:
        before, after = _MARKS[mark]
        yield f"{before}{text}{after}"


def _title(a: Row, b: Row) -> str:
    return f"row {a.index} ({a.model}) and row {b.index} ({b.model})"


def _pair(a: Row, b: Row, pieces: Iterable[tuple[str, str]]) -> str:
    title = f'<div style="{QUIET};margin-top:6px">{escape(_title(a, b))}</div>'
    return f'{title}<div style="{CODE}">{"".join(map(_coloured, pieces))}</div>'


def _coloured(piece: tuple[str, str]) -> str:
    mark, text = piece
    if mark not in _TAGS:
        return escape(text)
    tag, style = _TAGS[mark]
    return f'<{tag} style="{style}">{escape(text)}</{tag}>'
