"""One budget for many runs, and the words for a budget that is reached."""

from __future__ import annotations

import math
from threading import Lock
from typing import TYPE_CHECKING

from ipyllm.run.amounts import tokens_of, usd_of

if TYPE_CHECKING:
    from ipyllm.run.budget import Budget

__all__ = ("Purse", "reached")


def reached(budget: Budget, tokens: int, seconds: float, usd: float) -> str | None:
    """Which limit is reached: `500 of 500 tokens`; None as long as none is."""
    if budget.tokens is not None and tokens >= budget.tokens:
        return f"{tokens_of(tokens)} of {tokens_of(budget.tokens)} tokens"
    if budget.seconds is not None and seconds >= budget.seconds:
        return f"{seconds:.1f} of {budget.seconds:g} s"
    if budget.usd is not None and usd >= budget.usd:
        return f"${usd_of(usd)} of ${usd_of(budget.usd)}"
    return None


class Purse:
    """
    One budget for many runs, such as all of a notebook. From any thread.

    * `seconds` are those of its runs, added up.
    """

    __slots__ = ("_lock", "_seconds", "_tokens", "_usd", "budget")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._lock = Lock()
        self._tokens = 0
        self._seconds = 0.0
        self._usd = 0.0

    def take(self, tokens: int, seconds: float, usd: float) -> None:
        """A run has used that much more."""
        with self._lock:
            self._tokens += tokens
            self._seconds += seconds
            self._usd += usd

    def over(self) -> str | None:
        """Why no run may go on; None as long as there is something left."""
        why = reached(self.budget, *self._totals())
        return why and f"the notebook's budget: {why}"

    def due(self) -> float:
        """Seconds that are left; `inf` if they are not limited."""
        limit = self.budget.seconds
        return math.inf if limit is None else max(limit - self._totals()[1], 0.0)

    def left(self) -> str:
        """What is left, for people: `380 of 500 tokens, $0.012 of $0.02 left`."""
        tokens, seconds, usd = self._totals()
        said: list[str] = []
        if (limit := self.budget.tokens) is not None:
            said.append(f"{tokens_of(max(limit - tokens, 0))} of {tokens_of(limit)} tokens")
        if (most := self.budget.seconds) is not None:
            said.append(f"{max(most - seconds, 0.0):.1f} of {most:g} s")
        if (dear := self.budget.usd) is not None:
            said.append(f"${usd_of(max(dear - usd, 0.0))} of ${usd_of(dear)}")
        return f"{', '.join(said)} left" if said else "no budget"

    def _totals(self) -> tuple[int, float, float]:
        with self._lock:
            return self._tokens, self._seconds, self._usd
