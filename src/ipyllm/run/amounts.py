"""Amounts as people write them: `500tok`, `2k tokens`, `1.5min`, `$0.02`."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Literal, cast

from ipyllm.errors import UsageError

__all__ = ("Kind", "amounts", "tokens_of", "usd_of")

Kind = Literal["tokens", "seconds", "usd"]

_UNITS: dict[str, tuple[Kind, float]] = {
    **dict.fromkeys(("t", "tok", "toks", "token", "tokens"), ("tokens", 1.0)),
    "ms": ("seconds", 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("seconds", 1.0)),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), ("seconds", 60.0)),
    **dict.fromkeys(("h", "hour", "hours"), ("seconds", 3600.0)),
    **dict.fromkeys(("usd", "$", "dollar", "dollars"), ("usd", 1.0)),
}
_MOST = 1e12
_THOUSANDS = {"k": 1e3, "m": 1e6}
_PIECE = re.compile(
    r"(?P<before>\$)?\s*(?P<number>[0-9][0-9_]*(?:,[0-9]{3})*(?:\.[0-9]+)?|\.[0-9]+)"
    r"\s*(?P<unit>[km]\s+tok[a-z]*|[^\W\d_]+|\$)?",
    re.IGNORECASE,
)
_FORMS = "Write 500tok, 10s, 2min, 0.02usd or $0.02."


def amounts(words: str) -> list[tuple[Kind, float]]:
    """
    All amounts in a text, in tokens, seconds or US dollars.

    Raises:
        UsageError: something is none, or there is none.
    """
    out: list[tuple[Kind, float]] = []
    at = 0
    while at < len(words):
        if words[at].isspace() or words[at] in ",;+":
            at += 1
            continue
        found = _PIECE.match(words, at)
        if found is None:
            raise _no_amount(words[at:].split(maxsplit=1)[0])
        out.append(_amount(found))
        at = found.end()
    if not out:
        raise UsageError("An empty budget says nothing.", hint=_FORMS)
    return out


def tokens_of(count: int) -> str:
    """`12,500`."""
    return f"{count:,}"


def usd_of(value: float) -> str:
    """Two digits from a dollar on; below that, enough to tell small sums apart: `0.0123`."""
    return f"{value:.2f}" if value >= 1 or value == 0 else f"{value:.3g}"


def _amount(found: re.Match[str]) -> tuple[Kind, float]:
    said, unit = found[0].strip(), "".join((found["unit"] or "").lower().split())
    number = float(found["number"].replace("_", "").replace(",", ""))
    if found["before"]:
        if unit not in ("", "usd"):
            raise _no_amount(said)
        unit = "usd"
    known = _UNITS.get(unit)
    if known is None and unit[:1] in _THOUSANDS and _UNITS.get(unit[1:], ("", 0.0))[0] == "tokens":
        known = cast("tuple[Kind, float]", ("tokens", _THOUSANDS[unit[0]]))
    if known is None:
        raise _no_amount(said, found["number"], unit)
    if not 0 < number < _MOST:
        raise UsageError(f"A budget of {said[:40]} is no limit.", hint=_FORMS)
    return known[0], number * known[1]


def _no_amount(said: str, number: str = "", unit: str = "") -> UsageError:
    near = get_close_matches(unit, _UNITS, n=1) if unit else []
    if near:
        hint = f"Did you mean {number}{near[0]}?"
    elif number and not unit:
        hint = f"Of what? Write {number}tok, {number}s or {number}usd."
    else:
        hint = _FORMS
    return UsageError(f"{said!r} is no budget.", hint=hint)
