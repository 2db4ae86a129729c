"""How long an endpoint may take, and the clock that ends a request which takes longer."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

from ipyllm.errors import Timeout, UsageError

__all__ = ("Limits", "Watchdog")


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Seconds; None: no limit.

    * `connect`: name lookup, TCP and TLS.
    * `first_byte`: of the body; a long prompt takes long, so no limit unless asked for.
    * `idle`: silence once the response has begun; comments and pings count as life.
    * `total`: the whole request.
    """

    connect: float | None = 5.0
    first_byte: float | None = None
    idle: float | None = 120.0
    total: float | None = None

    @classmethod
    def of(cls, timeout: float | Limits | None) -> Limits:
        """
        Seconds for all of it, or limits as they are.

        Raises:
            UsageError: one of them leaves no time.
        """
        limits = timeout if isinstance(timeout, Limits) else cls(total=timeout)
        for name, seconds in limits.named().items():
            if seconds is not None and not seconds > 0:
                raise UsageError(
                    f"A limit of {seconds!r} s ({name}) leaves no time.",
                    hint="Give seconds, more than 0.",
                )
        return limits

    def named(self) -> dict[str, float | None]:
        """Each limit by its name."""
        return asdict(self)


class Watchdog:
    """Cancels the task it is made in when a limit runs out; `expired` says which."""

    def __init__(self, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._limits = limits
        self._last = 0.0  # loop time of the last sign of life; 0: the response has not begun
        self._timers: list[asyncio.TimerHandle] = []
        self._body = False  # the first byte came
        self.expired: Timeout | None = None
        if limits.total is not None:
            message = f"No whole answer within {limits.total:g} s."
            self._timers.append(self._loop.call_later(limits.total, self._expire, message))
        if limits.first_byte is not None:
            self._timers.append(self._loop.call_later(limits.first_byte, self._no_byte))

    def body(self) -> None:
        """Bytes of the body came."""
        self._body = True
        self.touch()

    def touch(self) -> None:
        """A sign of life; the first one starts the idle clock."""
        idle = self._limits.idle
        if not self._last and idle is not None:
            self._timers.append(self._loop.call_later(idle, self._check, idle))
        self._last = self._loop.time()

    def stop(self) -> None:
        """The request is over."""
        for timer in self._timers:
            timer.cancel()

    def _no_byte(self) -> None:
        if not self._body:
            self._expire(f"No first byte within {self._limits.first_byte:g} s.")

    def _check(self, idle: float) -> None:
        # One timer an idle period, not one a token.
        left = self._last + idle - self._loop.time()
        if left <= 0:
            self._expire(f"The stream was silent for {idle:g} s.")
        else:
            self._timers[-1] = self._loop.call_later(left, self._check, idle)

    def _expire(self, message: str) -> None:
        self.expired = Timeout(message, hint="Raise the limit with --timeout, or try again.")
        if self._task is not None:
            self._task.cancel()
