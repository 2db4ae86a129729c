"""One recording, as it came: its bytes, its times if one wants, its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from ipyllm.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ipyllm.transport.cassette.form import Recording
    from ipyllm.transport.http import Marks

__all__ = ("checked", "play")

_PATIENCE = 60.0  # seconds; a service that asks for more is not asked again (run.policy)


def checked(speed: float | None) -> float | None:
    """The speed itself. Raises: UsageError: it is none."""
    if speed is not None and not 0 <= speed < float("inf"):
        raise UsageError(f"speed={speed!r} is no speed.", hint="1 is as recorded, 0 at once.")
    return speed


async def play(
    recording: Recording,
    deliver: Callable[[bytes], None],
    marks: Marks,
    *,
    speed: float | None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """
    Deliver its bytes; `speed` 1 as recorded, 2 twice as fast, None or 0 at once.

    Raises:
        IpyllmError: what it ended in.
    """
    if callable(told := getattr(deliver, "replays", None)):  # who looks on wants the first times
        told(recording)
    marks.sent = sent = marks.clock()

    async def until(ms: Any) -> None:
        # At once is still a moment in which a cancel gets in.
        if not speed or not isinstance(ms, (int, float)):
            await sleep(0)
            return
        await sleep(max(sent + ms / 1e3 / speed - marks.clock(), 0.0))

    if marks.on_sent is not None:
        marks.on_sent()
    headers = recording.header.get("headers")
    if isinstance(headers, dict):
        await until(recording.header.get("ms"))
        marks.headers = marks.clock()
        if marks.on_headers is not None:
            marks.on_headers(cast("dict[str, str]", headers))
    for ms, chunk in recording.chunks:
        await until(ms)
        deliver(chunk)
    await until(recording.ended)
    if recording.error is not None:
        raise _hurried(recording.error, speed)


def _hurried(error: Exception, speed: float | None) -> Exception:
    if isinstance(error, ServiceError) and (error.retry_after or 0.0) <= _PATIENCE:
        # The next attempt is in the cassette too: nobody has to be waited for.
        if not speed:
            error.retry_after = 0.0
        elif error.retry_after is not None:
            error.retry_after /= speed
    return error
