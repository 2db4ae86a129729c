"""
A model, or any other stream, in the reader's own page; over a channel that is handed in.

Nothing leaves the machine the page is on. `ipyllm.transport.page_talk` has what is said.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from ipyllm.transport.limits import Limits, Watchdog
from ipyllm.transport.page_talk import Chunks, Created, Done, Failed, Hello, Job, PageTalk, Said

__all__ = ("Channel", "pages", "talk")

_TICK = 0.05  # seconds between two looks at what is due
_PATIENCE = 10.0  # seconds for a page to answer at all
_WHILE = 0.4  # seconds in which other pages may answer, too
_ids = iter(range(1, 1 << 62))


class Channel(Protocol):
    """Both ways between this kernel and the pages that show one answer."""

    def send(self, content: dict[str, Any], /) -> None:
        """Say it to every page; from any thread."""
        ...

    def listen(self, hear: Callable[[Mapping[str, Any]], None], /) -> Callable[[], None]:
        """Have `hear` called with what pages say, in any thread, until the result is called."""
        ...


async def talk(
    channel: Channel,
    job: Job,
    tell: Callable[[Said, float], None],
    *,
    limits: Limits,
    clock: Callable[[], float],
) -> None:
    """
    Have a page do `job`; `tell` what it says and when that came, to the answer's end.

    A cancel, and any error, stops the page's work, too.

    Raises:
        IpyllmError: no page, no model, the model's own error, a page that is gone, too late.
    """
    ident = f"{next(_ids)}"
    patience = _PATIENCE if limits.connect is None else max(limits.connect, _PATIENCE)
    going = PageTalk(ident, job, patience=patience)
    watchdog = Watchdog(limits)
    heard = _Heard(channel, clock)
    try:
        while not going.over:
            for message in going.due(clock()):
                channel.send(message)
            for content, now in await heard.within(_TICK):
                _take(going.hear(content, now), now, tell, watchdog)
    except asyncio.CancelledError:
        if watchdog.expired:
            raise watchdog.expired from None
        raise
    finally:
        for message in going.close():
            channel.send(message)
        heard.stop()
        watchdog.stop()


def _take(
    said: list[Said], now: float, tell: Callable[[Said, float], None], watchdog: Watchdog
) -> None:
    for one in said:
        match one:
            case Failed(error):
                raise error
            case Created() | Done():
                watchdog.touch()
            case Chunks():
                watchdog.body()
            case _:
                pass
        tell(one, now)


async def pages(channel: Channel, *, clock: Callable[[], float], patience: float) -> list[Hello]:
    """
    The pages that are here, each with the state of its model.

    Raises:
        ModelUnavailable: there is none.
    """
    hellos: dict[str, Hello] = {}
    going = PageTalk("", Job(js=""), patience=patience)
    heard = _Heard(channel, clock)
    until = float("inf")
    try:
        while clock() < until:
            if not hellos:
                for message in going.due(clock()):
                    channel.send(message)
            for content, now in await heard.within(_TICK):
                heard_now = going.hear(content, now)
                hellos |= {one.client: one for one in heard_now if isinstance(one, Hello)}
            if hellos:
                until = min(until, clock() + _WHILE)
    finally:
        heard.stop()
    return list(hellos.values())


class _Heard:
    """What pages said and is not read yet, with the time it came."""

    def __init__(self, channel: Channel, clock: Callable[[], float]) -> None:
        self._came: deque[tuple[Mapping[str, Any], float]] = deque()
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self.stop = channel.listen(self._hear)

    def _hear(self, content: Mapping[str, Any]) -> None:
        self._came.append((content, self._clock()))
        with suppress(RuntimeError):  # the loop is closed: the process ends
            self._loop.call_soon_threadsafe(self._wake.set)

    async def within(self, seconds: float) -> list[tuple[Mapping[str, Any], float]]:
        """All that is there; waits for the first so long."""
        # Not `asyncio.wait_for`: Python 3.11 loses a cancel that comes just as the wait ends.
        timer = self._loop.call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
            self._wake.clear()
        return [self._came.popleft() for _ in range(len(self._came))]
