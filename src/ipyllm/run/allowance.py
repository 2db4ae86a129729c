"""The budget of one answer, from its own words and the notebook's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ipyllm.errors import UsageError
from ipyllm.request import text_of
from ipyllm.run.budget import Budget, Purse, Spending
from ipyllm.run.prices import Prices, missing

if TYPE_CHECKING:
    from ipyllm.request import Message

__all__ = ("about_tokens", "allowance")

_LETTERS = 4


def about_tokens(letters: int) -> int:
    """How many tokens a text of so many characters has, about: four make one."""
    return letters // _LETTERS


def allowance(
    words: Sequence[str], model: str, messages: Sequence[Message], purse: Purse | None = None
) -> Callable[[float], Spending] | None:
    """
    What makes the `Spending` of a run that starts at that moment; None: nothing limits it.

    Raises:
        UsageError: no budget, a budget in dollars without a price, or nothing left of the notebook's.
    """
    budget = Budget.parse(words) if words else Budget()
    if not budget and purse is None:
        return None
    price = Prices.load().find(model)
    dollars = budget.usd is not None or (purse is not None and purse.budget.usd is not None)
    if dollars and price is None:
        raise UsageError(f"A budget in dollars needs a price: {missing(model)}.")
    if purse is not None and (why := purse.over()):
        raise UsageError(f"Nothing is left: {why}.", hint="%llm budget 2000tok sets a new one.")
    guess = about_tokens(sum(len(text_of(message)) for message in messages))
    return lambda started: Spending(budget, price, guess, started=started, purse=purse)
