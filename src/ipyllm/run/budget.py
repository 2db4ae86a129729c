"""
How much an answer may take, what it has taken, and when that is enough.

Tokens are output tokens, reasoning and arguments of tools included: one for each delta, until the
service's own count takes its place. The delta that reaches a budget is the last that is waited for. What
came with it in the same read is kept (nothing received is lost) and counted apart, as `beyond`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipyllm.errors import UsageError
from ipyllm.run.amounts import amounts, tokens_of, usd_of
from ipyllm.run.purse import Purse, reached
from ipyllm.run.tally import Tally, is_token

if TYPE_CHECKING:
    from ipyllm.events import Event
    from ipyllm.run.prices import Price

__all__ = ("Budget", "Purse", "Spending", "Spent")


@dataclass(frozen=True, slots=True)
class Budget:
    """
    Limits; None for those there are not.

    * `tokens`: output tokens. `seconds`: from the first request on. `usd`: US dollars.
    """

    tokens: int | None = None
    seconds: float | None = None
    usd: float | None = None

    @classmethod
    def parse(cls, words: Iterable[str]) -> Budget:
        """
        Read `500tok`, `2k tokens`, `10s`, `2min`, `0.02usd`, `$0.02`, in any number; the smallest counts.

        Raises:
            UsageError: one of the words is none of these.
        """
        found = amounts(" ".join(words))
        least = {kind: min(value for one, value in found if one == kind) for kind, _ in found}
        tokens = least.get("tokens")
        if tokens is not None and round(tokens) < 1:
            raise UsageError("A budget of less than one token is no limit.", hint="Write 500tok.")
        return cls(
            None if tokens is None else round(tokens), least.get("seconds"), least.get("usd")
        )

    def __bool__(self) -> bool:
        """Whether there is any limit."""
        return not (self.tokens is None and self.seconds is None and self.usd is None)

    def __str__(self) -> str:
        """The limits for people: `500 tokens, 10 s, $0.02`."""
        said: list[str] = []
        if self.tokens is not None:
            said.append(f"{tokens_of(self.tokens)} tokens")
        if self.seconds is not None:
            said.append(f"{self.seconds:g} s")
        if self.usd is not None:
            said.append(f"${usd_of(self.usd)}")
        return ", ".join(said) or "no budget"


@dataclass(frozen=True, slots=True)
class Spent:
    """
    What was taken so far.

    * `tokens`: output tokens, those `beyond` included. `usd`: None where there is no price.
    * `estimated`: something of it is counted deltas or a guessed prompt, not the service's usage.
    * `share`: of the tightest limit, from 0 to 1; 0 without limits.
    * `beyond`: deltas that had arrived when the budget was reached by one before them.
    """

    tokens: int = 0
    seconds: float = 0.0
    usd: float | None = None
    estimated: bool = True
    share: float = 0.0
    beyond: int = 0


class Spending:
    """
    `observe` the events of one run; `over` says when to stop, `due` when to look again.

    * `input_tokens`: of the first request, as far as they can be guessed; usage takes their place.
    * `started`: when the run began, on the clock of `now`.
    * `purse`: what the run draws from beside its own budget.
    """

    __slots__ = (
        "_beyond",
        "_budget",
        "_price",
        "_purse",
        "_round",
        "_rounds",
        "_seen",
        "_started",
        "_why",
    )

    def __init__(
        self,
        budget: Budget,
        price: Price | None = None,
        input_tokens: int = 0,
        *,
        started: float,
        purse: Purse | None = None,
    ) -> None:
        self._budget = budget
        self._price = price
        self._purse = purse
        self._started = started
        self._rounds: list[Tally] = []  # those that are over
        self._round = Tally(input_tokens)
        self._beyond = 0
        self._why: str | None = None
        self._seen = (0, 0.0, 0.0)  # what the purse knows of: tokens, seconds, US dollars
        self._draw(started)

    def observe(self, event: Event, now: float) -> None:
        """One event, in order."""
        if self._round.add(event) or self._purse is not None:
            self._draw(now)

    def another(self, input_tokens: int | None = None) -> None:
        """
        The same run asks again, with the results of its tools or because the answer did not fit.

        None: its prompt is guessed to be the last one and the answer to it.
        """
        asked, answered, _ = self._round.billed
        self._rounds.append(self._round)
        self._round = Tally(asked + answered if input_tokens is None else input_tokens)

    def cut(self, events: Iterable[Event], now: float) -> tuple[list[Event], list[Event]]:
        """
        Observe the events of one read: those within the budget, and those after the delta that reached it.

        The second are part of the answer too: they are here. But no more is to be waited for.
        """
        within: list[Event] = []
        rest: list[Event] = []
        enough = self.over(now) is not None
        for event in events:
            (rest if enough else within).append(event)
            self.observe(event, now)
            self._beyond += enough and is_token(event)
            enough = enough or self.over(now) is not None
        return within, rest

    def spent(self, now: float) -> Spent:
        """What was taken, as of `now`."""
        tokens, seconds, usd = self._totals(now)
        rounds = [*self._rounds, self._round]
        return Spent(
            tokens=tokens,
            seconds=seconds,
            usd=None if self._price is None else usd,
            estimated=any(one.estimated for one in rounds),
            share=_share(self._budget, tokens, seconds, usd),
            beyond=self._beyond,
        )

    def says(self, now: float) -> str:
        """How much of the tightest limit is taken, for people: `380 of 500 tokens`."""
        tokens, seconds, usd = self._totals(now)
        budget = self._budget
        said: list[tuple[float, str]] = []
        if budget.tokens is not None:
            words = f"{tokens_of(tokens)} of {tokens_of(budget.tokens)} tokens"
            said.append((tokens / budget.tokens, words))
        if budget.seconds is not None:
            said.append((seconds / budget.seconds, f"{seconds:.1f} of {budget.seconds:g} s"))
        if budget.usd is not None and self._price is not None:
            words = f"${usd_of(usd)} of ${usd_of(budget.usd)}"
            said.append((usd / budget.usd if budget.usd else 1.0, words))
        return max(said)[1] if said else ""

    def over(self, now: float) -> str | None:
        """
        Why to stop: `500 of 500 tokens`; None as long as there is something left.

        Once over is over for good, in the words of that moment.
        """
        if self._why is None:
            self._why = reached(self._budget, *self._totals(now))
        if self._why is None and self._purse is not None:
            self._draw(now)
            self._why = self._purse.over()
        return self._why

    def due(self, now: float) -> float:
        """Seconds until the time is over, whatever comes; `inf` if it is not limited."""
        limit = self._budget.seconds
        left = math.inf if limit is None else self._started + limit - now
        if self._purse is not None:
            self._draw(now)
            left = min(left, self._purse.due())
        return max(left, 0.0)

    def _totals(self, now: float) -> tuple[int, float, float]:
        rounds = [*self._rounds, self._round]
        price = self._price
        usd = 0.0 if price is None else sum(price.cost(*one.billed) for one in rounds)
        return sum(one.tokens for one in rounds), max(now - self._started, 0.0), usd

    def _draw(self, now: float) -> None:
        """Tell the purse what is new; less than nothing, if a guess was too high."""
        if self._purse is None:
            return
        totals = self._totals(now)
        tokens, seconds, usd = (new - old for new, old in zip(totals, self._seen, strict=True))
        self._seen = totals
        self._purse.take(int(tokens), seconds, usd)


def _share(budget: Budget, tokens: int, seconds: float, usd: float) -> float:
    pairs = ((tokens, budget.tokens), (seconds, budget.seconds), (usd, budget.usd))
    shares = [taken / limit for taken, limit in pairs if limit is not None]
    return min(max(shares, default=0.0), 1.0)
