"""
Regular expressions and formats: whether a text fits, and whether its beginning still can.

A beginning is judged for expressions that are a row of characters and classes, anchored at the
start (`^INV-[0-9]{6}$`); others, with groups or alternatives, only when the text is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache

__all__ = ("FORMATS", "Pattern", "Trail", "pattern")

_ATOM = re.compile(
    r"(?P<atom>\\[dDwWsS]|\\[^A-Za-z0-9]|\[\^?(?:\\.|[^\]\\])+\]|[^\\^$.|?*+()\[\]{}]|\.)"
    r"(?P<times>\{[0-9]+(?:,[0-9]*)?\}|[?*+])?"
)
_LONGEST = 1000  # steps an expression may have to be judged by its beginning


@dataclass(frozen=True, slots=True)
class _Step:
    fits: Callable[[str], object]
    skips: bool = False  # the step may be left out
    stays: bool = False  # and may be taken again


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression: `search` for whole texts, `steps` for their beginnings where it has them."""

    search: Callable[[str], object]
    steps: tuple[_Step, ...] | None
    ends: bool  # nothing may follow the last step


class Trail:
    """One text on its way through a pattern's steps."""

    __slots__ = ("_at", "_pattern")

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._at = self._reach({0})

    def feed(self, char: str) -> bool:
        """Whether a text that begins so can fit."""
        steps = self._pattern.steps or ()
        if not self._pattern.ends and len(steps) in self._at:
            return True
        ahead = {
            i if steps[i].stays else i + 1
            for i in self._at
            if i < len(steps) and steps[i].fits(char)
        }
        self._at = self._reach(ahead)
        return bool(self._at)

    def _reach(self, places: set[int]) -> set[int]:
        steps, out = self._pattern.steps or (), set(places)
        for place in places:
            ahead = place
            while ahead < len(steps) and steps[ahead].skips:
                ahead += 1
                out.add(ahead)
        return out


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern | None:
    """The expression; None for one that Python does not know, which is then not checked."""
    # "$" is the end in ECMA 262; in Python a line feed may follow it.
    ends = text.endswith("$") and not text.endswith("\\$")
    try:
        search = re.compile(text[:-1] + r"\Z" if ends else text).search
    except (re.error, OverflowError):
        return None
    return Pattern(search, _steps(text, ends), ends)


def _steps(text: str, ends: bool) -> tuple[_Step, ...] | None:  # noqa: FBT001
    if not text.startswith("^"):
        return None
    at, last, out = 1, len(text) - ends, list[_Step]()
    while at < last:
        found = _ATOM.match(text, at, last)
        if found is None:
            return None
        least, most = _times(found["times"])
        if max(least, most or 0) + len(out) > _LONGEST:
            return None
        fits = re.compile(found["atom"]).fullmatch
        out += [_Step(fits)] * least
        more = _Step(fits, skips=True, stays=most is None)
        out += [more] * (1 if most is None else most - least)
        at = found.end()
        if text[at : at + 1] in ("?", "+") and found["times"]:
            return None  # lazy or possessive
    return tuple(out)


def _times(said: str | None) -> tuple[int, int | None]:
    match said:
        case None:
            return 1, 1
        case "?":
            return 0, 1
        case "*":
            return 0, None
        case "+":
            return 1, None
        case _:
            least, comma, most = said[1:-1].partition(",")
            return int(least), (int(most) if most else None) if comma else int(least)


def _date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _time(text: str) -> bool:
    clock = text[: 8 if text[5:6] == ":" else 5]
    if clock[6:] == "60":
        clock = clock[:6] + "59"  # RFC 3339 has leap seconds
    try:
        time.fromisoformat(clock)
    except ValueError:
        return False
    return True


def _moment(text: str) -> bool:
    return _date(text[:10]) and _time(text[11:])


# A time without its zone passes, although RFC 3339 wants one: models leave it out, and what
# becomes of the text (`datetime.fromisoformat`, pydantic) takes it.
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
_SHAPES: dict[str, tuple[str, str, Callable[[str], bool]]] = {
    "date": (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", r"^[0-9]{4}-[01][0-9]-[0-3][0-9]$", _date),
    "time": (rf"^{_CLOCK}$", r"^[0-2][0-9]:[0-5][0-9]", _time),
    "date-time": (
        rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt ]{_CLOCK}$",
        r"^[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-5][0-9]",
        _moment,
    ),
    "uuid": (
        r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
        r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$",
        bool,
    ),
}


def _format(whole: str, beginning: str, exact: Callable[[str], bool]) -> Pattern:
    shape = re.compile(whole.removesuffix("$") + r"\Z")
    ends = beginning.endswith("$")
    return Pattern(
        lambda text: bool(shape.search(text)) and exact(text), _steps(beginning, ends), ends
    )


FORMATS = {name: _format(*shape) for name, shape in _SHAPES.items()}
"""Those of JSON Schema's formats that can be judged for certain; e-mail addresses cannot."""
