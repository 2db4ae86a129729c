"""
Coroutines run together on a loop and a thread of their own.

Not on the kernel's loop, which stands still while a cell runs, nor on the network's, which must not.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ipyllm.run.thread import in_thread
from ipyllm.tools.plain import joined

__all__ = ("AWAITED", "Awaiting", "Ended")

_PATIENCE = 2.0  # seconds a cancelled coroutine may still take


@dataclass(frozen=True, slots=True)
class Ended:
    """What one came to, and when (`time.perf_counter`)."""

    value: Any
    error: BaseException | None
    at: float


class Awaiting:
    """Begins at once. `wait()` in the thread that interrupts reach, then `cancel()`, `ended()`."""

    __slots__ = ("_cancelled", "_done", "_ended", "_loop", "_tasks", "_things")

    def __init__(self, things: Sequence[Any]) -> None:
        self._things = things
        self._ended: list[Ended | None] = [None] * len(things)
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done = threading.Event()
        self._cancelled = False
        in_thread(self._run, "ipyllm-tools")

    def wait(self) -> None:
        # In slices: on Windows no signal wakes a lock.
        while not self._done.wait(0.2):
            pass

    def cancel(self) -> None:
        """End those that still run; one that does not let itself be ended is left alone."""
        if self._done.is_set():
            return
        self._cancelled = True
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._cancel)
            except RuntimeError:  # closed in between
                return
        self._done.wait(_PATIENCE)

    def ended(self) -> list[Ended | None]:
        """What each came to; None: it did not end."""
        return list(self._ended)

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _run(self) -> None:
        try:
            asyncio.run(self._all())
        finally:
            self._done.set()

    async def _all(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = [
            asyncio.ensure_future(self._one(index, each)) for index, each in enumerate(self._things)
        ]
        if self._cancelled:  # before there was a loop to tell
            self._cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for thing, ended in zip(self._things, self._ended, strict=True):
            if ended is None and inspect.iscoroutine(thing):
                thing.close()  # cancelled before it began: Python would warn

    async def _one(self, index: int, thing: Any) -> None:
        # KeyboardInterrupt and SystemExit too: they would end the loop and all the others.
        try:
            value, error = await _awaited(thing), None
        except BaseException as exc:  # noqa: BLE001
            value, error = None, exc
        self._ended[index] = Ended(value, error, time.perf_counter())


async def _awaited(thing: Any) -> Any:
    if not inspect.isasyncgen(thing):
        return await thing
    items = [each async for each in thing]
    return joined(items)


AWAITED = _awaited.__code__  # where the user's frames begin in a traceback
