"""
What the first characters of a JSON number say about all the numbers it can still become.

`200` may become `200e-1`, and JSON Schema calls `1.5e1` an integer: only the sign, the
significant digits and a negative exponent's digits are certain before the number's end.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ("NumberPrefix", "Span", "decimal", "significant")

_FARTHEST = 10**6  # of an exponent; far beyond any float, and cheap
_INFINITY = Decimal("Infinity")
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Span:
    """All numbers from `low` to `high`; `open` says that zero, where it is an end, is not among them."""

    low: Decimal
    high: Decimal
    open: bool

    def reaches(self, bound: Decimal) -> bool:
        """Whether one is as great as `bound`."""
        return self.high >= bound and not (self.open and self.high == bound == 0)

    def passes(self, bound: Decimal) -> bool:
        """Whether one is greater than `bound`."""
        return self.high > bound

    def holds(self, value: Decimal) -> bool:
        return self.low <= value <= self.high and not (self.open and value == 0)

    def turned(self) -> Span:
        """The same with the other sign."""
        return Span(self.high.copy_negate(), self.low.copy_negate(), self.open)


class NumberPrefix:
    """
    A number while it is written, character by character.

    * `negative`: it began with a minus sign.
    * `digits`: significant ones so far, without leading zeros, trailing ones among them.
    * `exact`: its mantissa is complete, what follows is the exponent.
    """

    __slots__ = ("_exponent", "_shrinks", "_started", "digits", "exact", "fraction", "negative")

    def __init__(self) -> None:
        self.negative = False
        self.digits: list[str] = []
        self.exact = False
        self.fraction = -1  # digits behind the point; -1: no point yet
        self._exponent = 0
        self._shrinks = False
        self._started = False  # a sign or a digit of the exponent is there

    def feed(self, char: str) -> None:
        match char:
            case "-" if self.exact:
                self._started = self._shrinks = True
            case "-":
                self.negative = True
            case "+":
                self._started = True
            case ".":
                self.fraction = 0
            case "e" | "E":
                self.exact = True
            case _ if self.exact:
                self._started = True
                self._exponent = min(10 * self._exponent + int(char), _FARTHEST)
            case _:
                self._digit(char)

    @property
    def value(self) -> Decimal:
        """The number, if it ended here; exactly, not as a float."""
        exponent = -self._exponent if self._shrinks else self._exponent
        digits = tuple(map(int, self.digits)) or (0,)
        return Decimal((int(self.negative), digits, exponent - max(self.fraction, 0)))

    def span(self, *, whole: bool = False) -> Span:
        """Where all the numbers lie that it can become; or all the integers."""
        if not self.exact or (self.digits and not self._started):
            span = Span(_ZERO, _INFINITY, bool(self.digits))
        elif not self.digits:
            span = Span(_ZERO, _ZERO, open=False)
        elif self._shrinks:
            span = Span(_ZERO, self.value.copy_abs(), open=True)
        else:
            span = Span(self.value.copy_abs(), _INFINITY, open=False)
        if whole and self.digits:
            # 151 may become 15.1 and 1510, but no integer below 151.
            least = Decimal("".join(self.digits).rstrip("0"))
            span = Span(max(span.low, least), span.high, open=True)
        return span.turned() if self.negative else span

    @property
    def may_be_whole(self) -> bool:
        """Whether it can become an integer: an exponent yet to come makes one of any digits."""
        return not self._shrinks or self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether it is an integer, if it ends here; in JSON Schema `1.0` and `15e-1e1` are alike."""
        zeros = len(self.digits) - len("".join(self.digits).rstrip("0"))
        exponent = -self._exponent if self._shrinks else self._exponent
        return not self.digits or zeros + exponent >= max(self.fraction, 0)

    def may_be(self, value: Decimal, sign: bool, wanted: str) -> bool:  # noqa: FBT001
        """Whether it can become `value`, whose `significant` parts are `sign` and `wanted`."""
        if not wanted:
            return not self.digits
        if sign != self.negative:
            return False
        count = len(self.digits)
        if self.digits and self.digits[-1] != (wanted[count - 1] if count <= len(wanted) else "0"):
            return False
        return not self.exact or (count >= len(wanted) and self.span().holds(value))

    def _digit(self, char: str) -> None:
        if self.digits or char != "0":
            self.digits.append(char)
        if self.fraction >= 0:
            self.fraction += 1


def decimal(value: float) -> Decimal:
    """A number of a schema as it is written there: `0.1` is a tenth."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def significant(value: Decimal) -> tuple[bool, str]:
    """Whether it is negative, and its digits without zeros at either end; "" for zero."""
    sign, digits, _ = value.as_tuple()
    return bool(sign), "".join(map(str, digits)).strip("0")
