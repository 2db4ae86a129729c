"""
Whether a failed request is made again, and after how long.

Only before the first token: what was shown cannot be unsaid, and asking again would pay twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipyllm.events import StreamError

__all__ = ("Policy",)

_RETRYABLE = ("Overloaded", "RateLimited", "ServerError", "ConnectionLost")
_PATIENCE = 60.0  # seconds; who asks to wait longer than that has said no


@dataclass(frozen=True, slots=True)
class Policy:
    """
    Exponential pauses with jitter, unless the service says how long.

    * `retries`: requests after the first.
    * `first`, `longest`: seconds; each pause doubles, up to `longest`.
    * `chance`: numbers from 0 to 1; up to a quarter is taken off, so that many do not come back at once.
    """

    retries: int = 3
    first: float = 0.5
    longest: float = 8.0
    chance: Callable[[], float] = random.random

    def pause(self, error: StreamError, failed: int) -> float | None:
        """Seconds to wait after the `failed`th failure in a row (from 1); None: give up."""
        if failed > self.retries or not _is_worth_it(error):
            return None
        asked = error.retry_after
        if asked is not None:
            return asked if asked <= _PATIENCE else None
        pause = min(self.first * 2 ** (failed - 1), self.longest)
        return pause * (1 - self.chance() / 4)


def _is_worth_it(error: StreamError) -> bool:
    if error.retry is not None:  # the service's own word (`x-should-retry`), or the transport's
        return error.retry
    return error.kind in _RETRYABLE
