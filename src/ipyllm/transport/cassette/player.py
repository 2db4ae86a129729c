"""Answers from a cassette: no network, no key, and the times as they were if one wants."""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import TYPE_CHECKING, Any

from ipyllm.errors import UsageError
from ipyllm.transport.cassette.form import difference, read
from ipyllm.transport.cassette.identity import FIELDS, asked, nearest
from ipyllm.transport.cassette.play import checked, play

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ipyllm.providers import Target
    from ipyllm.transport.cassette.form import Recording
    from ipyllm.transport.cassette.tape import Send
    from ipyllm.transport.http import Marks
    from ipyllm.transport.limits import Limits

__all__ = ("Player",)

_RECORD = "Record it again with ipyllm.testing.record."


class Player:
    """
    A `Tape` that replays the file at `path`; each recording once, those of equal requests in order.

    * `speed`: 1 as recorded, 2 twice as fast; None or 0: at once.

    Raises:
        UsageError: the file is no cassette, or the speed no speed.
    """

    live = stocked = False

    def __init__(
        self,
        path: Path,
        *,
        speed: float | None = None,
        again: str = _RECORD,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._speed = checked(speed)
        self._path = path
        self._again = again
        self._sleep = sleep
        self._left = read(path, again)
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
        await play(recording, deliver, marks, speed=self._speed, sleep=self._sleep)

    def _find(self, target: Target, payload: dict[str, Any]) -> Recording:
        wanted = asked(target, payload)
        with self._lock:
            for recording in self._left:
                if not difference(wanted, _asked(recording)):
                    self._left.remove(recording)
                    return recording
            raise self._missing(wanted)

    def _missing(self, wanted: dict[str, Any]) -> UsageError:
        what = f"{self._path} has no recording of this request to {wanted['model']}"
        if not self._left:
            return UsageError(f"{what}: all it has were replayed.", hint=self._again)
        header = nearest(wanted, (recording.header for recording in self._left))
        near = next(recording for recording in self._left if recording.header is header)
        differs = difference(wanted, _asked(near)).replace("request.", "", 1)
        return UsageError(f"{what}: {differs} of line {near.line}.", hint=self._again)


def _asked(recording: Recording) -> dict[str, Any]:
    return {name: recording.header[name] for name in FIELDS}
