"""What all calls of a grid together may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ipyllm.errors import UsageError
from ipyllm.run.allowance import about_tokens
from ipyllm.run.budget import Budget, Purse, Spending
from ipyllm.run.prices import Prices, missing
from ipyllm.run.purse import reached

if TYPE_CHECKING:
    from ipyllm.sweep.model import Model
    from ipyllm.sweep.question import Question

__all__ = ("Allowed",)


class Allowed:
    """
    A budget for the grid: tokens and dollars are those of all its calls, seconds are the clock's.

    Raises:
        UsageError: no budget, or one in dollars where a model has no price.
    """

    def __init__(
        self,
        words: Iterable[str],
        models: Iterable[Model],
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._budget = Budget.parse(words)
        self._clock = clock
        self._started = clock()
        self._purse = Purse(Budget(tokens=self._budget.tokens, usd=self._budget.usd))
        prices = Prices.load()
        self._prices = {model.spec: prices.find(model.spec) for model in models}
        if self._budget.usd is None:
            return
        for spec, price in self._prices.items():
            if price is None:
                raise UsageError(f"A budget in dollars needs a price: {missing(spec)}.")

    def over(self) -> bool:
        """Whether no more calls may begin."""
        seconds = self._clock() - self._started
        if reached(Budget(seconds=self._budget.seconds), 0, seconds, 0.0):
            return True
        return self._purse.over() is not None

    def share(self, question: Question) -> Callable[[float], Spending]:
        """What one call draws from."""
        limit = self._budget.seconds
        left = None if limit is None else max(self._started + limit - self._clock(), 0.001)
        guess = about_tokens(len(question.prompt) + len(question.system))
        price = self._prices[question.model.spec]
        return lambda started: Spending(
            Budget(seconds=left), price, guess, started=started, purse=self._purse
        )
