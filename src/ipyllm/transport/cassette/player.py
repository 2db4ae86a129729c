"""Answers from a cassette: no network, no key, and the times as they were if one wants."""

from __future__ import annotations

import asyncio
import json
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from ipyllm.errors import ServiceError, UsageError
from ipyllm.transport.cassette.form import difference, read
from ipyllm.transport.cassette.redact import hidden, spellings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ipyllm.providers import Target
    from ipyllm.transport.cassette.form import Recording
    from ipyllm.transport.cassette.tape import Send
    from ipyllm.transport.http import Marks
    from ipyllm.transport.limits import Limits

__all__ = ("Player",)

_PATIENCE = 60.0  # seconds; a service that asks for more is not asked again (run.policy)
_RECORD = "Record it again with ipyllm.testing.record."


class Player:
    """
    A `Tape` that replays the file at `path`; each recording once, those of equal requests in order.

    * `speed`: 1 as recorded, 2 twice as fast; None or 0: at once.

    Raises:
        UsageError: the file is no cassette, or the speed no speed.
    """

    live = False

    def __init__(
        self,
        path: Path,
        *,
        speed: float | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        if speed is not None and not 0 <= speed < float("inf"):
            raise UsageError(f"speed={speed!r} is no speed.", hint="1 is as recorded, 0 at once.")
        self._path = path
        self._speed = speed
        self._sleep = sleep
        self._left = read(path)
        self._lock = Lock()  # several answers may stream at once

    def over(self, network: Send) -> Send:
        """As `Tape.over`: the network is never asked."""
        del network
        return self.send

    async def send(
        self,
        target: Target,
        path: str,
        payload: dict[str, Any],
        deliver: Callable[[bytes], None],
        *,
        marks: Marks,
        limits: Limits,
    ) -> None:
        """As `post`, from the cassette. Raises: UsageError, if it was not recorded."""
        del path, limits
        recording = self._find(target, payload)
        marks.sent = sent = marks.clock()
        if marks.on_sent is not None:
            marks.on_sent()
        headers = recording.header.get("headers")
        if isinstance(headers, dict):
            await self._wait(recording.header.get("ms"), sent, marks)
            marks.headers = marks.clock()
            if marks.on_headers is not None:
                marks.on_headers(cast("dict[str, str]", headers))
        for ms, chunk in recording.chunks:
            await self._wait(ms, sent, marks)
            deliver(chunk)
        await self._wait(recording.ended, sent, marks)
        if recording.error is not None:
            raise self._hurried(recording.error)

    async def _wait(self, ms: Any, sent: float, marks: Marks) -> None:
        """Until so long after `sent`. At once is still a moment in which a cancel gets in."""
        if not self._speed or not isinstance(ms, (int, float)):
            await self._sleep(0)
            return
        due = sent + ms / 1e3 / self._speed
        await self._sleep(max(due - marks.clock(), 0.0))

    def _hurried(self, error: Exception) -> Exception:
        if isinstance(error, ServiceError) and (error.retry_after or 0.0) <= _PATIENCE:
            # The next attempt is in the cassette too: nobody has to be waited for.
            if not self._speed:
                error.retry_after = 0.0
            elif error.retry_after is not None:
                error.retry_after /= self._speed
        return error

    def _find(self, target: Target, payload: dict[str, Any]) -> Recording:
        secrets = spellings([target.key.value] if target.key is not None else [])
        request: Any = json.loads(json.dumps(hidden(payload, secrets)))
        asked = {"api": target.dialect, "model": _model(target), "request": request}
        with self._lock:
            for recording in self._left:
                if not difference(asked, _asked(recording)):
                    self._left.remove(recording)
                    return recording
            raise self._missing(asked)

    def _missing(self, asked: dict[str, Any]) -> UsageError:
        what = f"{self._path} has no recording of this request to {asked['model']}"
        if not self._left:
            return UsageError(f"{what}: all it has were replayed.", hint=_RECORD)
        near = [one for one in self._left if one.model == asked["model"]] or self._left
        differs = difference(asked, _asked(near[0])).replace("request.", "", 1)
        return UsageError(f"{what}: {differs} of line {near[0].line}.", hint=_RECORD)


def _model(target: Target) -> str:
    return f"{target.provider}/{target.model}"


def _asked(recording: Recording) -> dict[str, Any]:
    return {name: recording.header[name] for name in ("api", "model", "request")}
