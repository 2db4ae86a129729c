"""
A folder of recordings, a file for each request: what is there is replayed, what is not is asked for.

A file appears when its answer is over. Whole answers are kept, and requests the service will never
take; answers that were stopped too, for a replay of the same stop, but they are no answer to anybody
else: they are asked for again, and take no whole answer's place.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from ipyllm.errors import UsageError
from ipyllm.events import Event, Notice
from ipyllm.transport.cassette.collected import Collected
from ipyllm.transport.cassette.ending import ending
from ipyllm.transport.cassette.form import as_bytes, difference, end_line, parsed, read
from ipyllm.transport.cassette.identity import FIELDS, asked, digest, nearest, readable
from ipyllm.transport.cassette.play import checked, play
from ipyllm.transport.cassette.recorder import Recorder
from ipyllm.transport.cassette.replacing import replace_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ipyllm.providers import Target
    from ipyllm.transport.cassette.form import Recording
    from ipyllm.transport.cassette.tape import Send
    from ipyllm.transport.http import Marks
    from ipyllm.transport.limits import Limits

__all__ = ("Library", "Mode", "is_recorded")

Mode = Literal["auto", "record", "replay"]
_AGAIN = "Ask it once with IPYLLM_CASSETTES_MODE=auto and the network."


class Library:
    """
    A `Tape` over the recordings in `folder`.

    * `mode`: `auto` asks for what is missing, `record` for everything, `replay` for nothing.
    * `speed`: 1 as recorded, 2 twice as fast; None or 0: at once.
    * `strict`: only whole answers are kept, nothing damaged stands in the way, and each replay says
      that it is one (`Notice("cached", when)`).

    Raises:
        UsageError: the speed is no speed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        mode: Mode = "auto",
        speed: float | None = None,
        strict: bool = False,
    ) -> None:
        self.folder = folder
        self.mode: Mode = mode
        self.speed = checked(speed)
        self.strict = strict
        self.live = mode != "replay"
        self.stocked = mode == "auto"

    def over(self, network: Send) -> Send:
        """As `Tape.over`."""
        return _Through(self, network)

    def find(self, target: Target, payload: dict[str, Any]) -> Recording | None:
        """
        What answers this request here.

        Raises:
            UsageError: the file that should have it is no cassette.
        """
        if self.mode == "record":
            return None
        path = self._path(asked(target, payload))
        try:
            recording = self._read(path)
        except UsageError:
            if self.strict:
                return None
            raise
        if recording is not None and recording.stopped and self.mode == "auto":
            return None
        return recording

    def missing(self, target: Target, payload: dict[str, Any]) -> UsageError:
        """The error that says so, with the first field in which the nearest recording differs."""
        wanted = asked(target, payload)
        what = f"{self.folder} has no recording of this request to {wanted['model']}"
        headers = {id(header): (header, path) for header, path in self._headers()}
        near = nearest(wanted, (header for header, _ in headers.values()))
        if near is None:
            return UsageError(f"{what}, and no other.", hint=_AGAIN)
        differs = difference(wanted, {name: near[name] for name in FIELDS})
        file = headers[id(near)][1].name
        return UsageError(f"{what}: {differs.replace('request.', '', 1)} of {file}.", hint=_AGAIN)

    def keep(self, lines: list[str], left_out: int = 0) -> None:
        """Write down a recording that has ended, if it is one to keep."""
        del left_out
        (recording,) = parsed(as_bytes(lines), "the answer")
        how = ending(recording)
        if how == "failed" or (self.strict and how != "whole"):
            return
        header = dict(recording.header)
        path = self._path(header)
        if how == "stopped" and self._has_more(path):
            return
        if how == "whole":  # though the connection may have been cut after it
            lines = [*lines[:-1], json.dumps(end_line(recording.ended or 0.0, None))]
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700 if self.strict else 0o777)
            replace_with(path, as_bytes(lines))
        except OSError as exc:
            said = f"The answer could not be kept in {self.folder}: {exc.strerror}."
            # In a turn of its own: it costs the recording, not the answer.
            asyncio.get_running_loop().call_soon(warnings.warn, said)

    def _path(self, header: dict[str, Any]) -> Path:
        """Its file; the name before the last `-` is for people, and may be changed by them."""
        name = digest(header)
        path = self.folder / f"{readable(header)}-{name}.jsonl"
        return path if path.is_file() else next(self.folder.glob(f"*-{name}.jsonl"), path)

    def _read(self, path: Path) -> Recording | None:
        if not path.is_file():
            return None
        recordings = read(path, f"Delete it, and ask again. {_AGAIN}")
        return recordings[-1] if recordings else None

    def _has_more(self, path: Path) -> bool:
        with suppress(UsageError):
            recording = self._read(path)
            return recording is not None and not recording.stopped
        return False

    def _headers(self) -> Iterator[tuple[dict[str, Any], Path]]:
        for path in sorted(self.folder.glob("*.jsonl")):
            with suppress(OSError, ValueError), path.open("rb") as file:
                header: Any = json.loads(file.readline())
                if isinstance(header, dict) and all(name in header for name in FIELDS):
                    yield cast("dict[str, Any]", header), path


@dataclass(frozen=True, slots=True)
class _Through:
    """A `Send` that looks in the folder first."""

    library: Library
    network: Send

    async def __call__(
        self,
        target: Target,
        path: str,
        payload: dict[str, Any],
        deliver: Callable[[bytes], None],
        *,
        marks: Marks,
        limits: Limits,
    ) -> None:
        library = self.library
        recording = library.find(target, payload)
        if recording is not None:
            if library.strict:
                say = cast("Callable[[list[Event]], None]", deliver)
                say([Notice("cached", str(recording.header.get("recorded", "")))])
            await play(recording, deliver, marks, speed=library.speed)
        elif library.mode == "replay":
            raise library.missing(target, payload)
        else:
            send = Recorder(Collected(library.keep)).over(self.network)
            await send(target, path, payload, deliver, marks=marks, limits=limits)


def is_recorded(send: Send | None, target: Target, payload: dict[str, Any]) -> bool:
    """Whether `send` answers this request from a folder: then nothing has to be started for it."""
    while send is not None:
        if isinstance(send, _Through) and send.library.find(target, payload) is not None:
            return True
        send = getattr(send, "network", None)
    return False
