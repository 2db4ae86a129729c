"""Asks the network as ever, and writes down what came and when."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from ipyllm import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ipyllm.providers import Target
    from ipyllm.transport.cassette.file import CassetteFile
    from ipyllm.transport.cassette.tape import Send
    from ipyllm.transport.http import Marks
    from ipyllm.transport.limits import Limits

__all__ = ("Recorder",)


class Recorder:
    """A `Tape` that records each answer into `file`; each attempt of a request is one recording."""

    live = True

    def __init__(self, file: CassetteFile) -> None:
        self._file = file

    def over(self, network: Send) -> Send:
        """As `Tape.over`."""
        return partial(self._send, network)

    async def _send(
        self,
        network: Send,
        target: Target,
        path: str,
        payload: dict[str, Any],
        deliver: Callable[[bytes], None],
        *,
        marks: Marks,
        limits: Limits,
    ) -> None:
        take = self._file.take(target, target.url(path), payload)
        told, begin = marks.on_headers, marks.clock()

        def ms(now: float | None = None) -> float:
            since = begin if marks.sent is None else marks.sent
            return round(max((marks.clock() if now is None else now) - since, 0.0) * 1e3, 2)

        def on_headers(headers: Mapping[str, str]) -> None:
            take.answered(headers, ms(marks.headers))
            if told is not None:
                told(headers)

        def both(chunk: bytes) -> None:
            now = ms()
            deliver(chunk)  # the disk never stands between a token and the eye
            take.chunk(now, chunk)

        marks.on_headers = on_headers
        error: BaseException | None = None
        try:
            await network(target, path, payload, both, marks=marks, limits=limits)
        except asyncio.CancelledError:
            error = errors.Stopped("by whoever asked")
            raise
        except BaseException as exc:
            error = exc
            raise
        finally:
            take.end(ms(), error)
