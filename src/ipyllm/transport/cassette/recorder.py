"""Asks the network as ever, and writes down what came and when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ipyllm import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ipyllm.events import Event
    from ipyllm.providers import Target
    from ipyllm.transport.cassette.file import Paper, Take
    from ipyllm.transport.cassette.form import Recording
    from ipyllm.transport.cassette.tape import Send
    from ipyllm.transport.http import Marks
    from ipyllm.transport.limits import Limits

__all__ = ("Recorder",)


class Recorder:
    """A `Tape` that records each answer into `file`; each attempt of a request is one recording."""

    live, stocked = True, False

    def __init__(self, file: Paper) -> None:
        self._file = file

    def over(self, network: Send) -> Send:
        """As `Tape.over`."""
        return _Recorded(self._file, network)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A `Send` over another one."""

    file: Paper
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
        take = self.file.take(target, target.url(path), payload)
        told, begin = marks.on_headers, marks.clock()

        def ms(now: float | None = None) -> float:
            since = begin if marks.sent is None else marks.sent
            return round(max((marks.clock() if now is None else now) - since, 0.0) * 1e3, 2)

        both = _Both(deliver, take, ms)

        def on_headers(headers: Mapping[str, str]) -> None:
            take.answered(headers, both.at("ms", ms(marks.headers)))
            if told is not None:
                told(headers)

        marks.on_headers = on_headers
        error: BaseException | None = None
        try:
            await self.network(target, path, payload, both, marks=marks, limits=limits)
        except asyncio.CancelledError:
            error = errors.Stopped("by whoever asked")
            raise
        except BaseException as exc:
            error = exc
            raise
        finally:
            take.end(both.at("ended", ms()) if error is None else ms(), error)


class _Both:
    """Delivers, then writes down. Of what is itself a replay: the times it was recorded with."""

    __slots__ = ("_deliver", "_ms", "_recording", "_take", "_times")

    def __init__(
        self, deliver: Callable[[bytes], None], take: Take, ms: Callable[[], float]
    ) -> None:
        self._deliver = deliver
        self._take = take
        self._ms = ms
        self._recording: Recording | None = None
        self._times: Iterator[float] = iter(())

    def __call__(self, chunk: bytes | list[Event]) -> None:
        if isinstance(chunk, list):  # the run's own, which were on no wire
            cast("Callable[[list[Event]], None]", self._deliver)(chunk)
            return
        now = next(self._times, None)
        now = self._ms() if now is None else now
        self._deliver(chunk)  # the disk never stands between a token and the eye
        self._take.chunk(now, chunk)

    def replays(self, recording: Recording) -> None:
        """What comes now was recorded before."""
        self._recording = recording
        self._times = iter([ms for ms, _ in recording.chunks])
        self._take.copies(recording.header)
        if callable(told := getattr(self._deliver, "replays", None)):
            told(recording)

    def at(self, what: str, now: float) -> float:
        """Ms of its headers (`ms`) or its end (`ended`)."""
        if self._recording is None:
            return now
        was: Any = self._recording.ended if what == "ended" else self._recording.header.get(what)
        return was if isinstance(was, (int, float)) else now
