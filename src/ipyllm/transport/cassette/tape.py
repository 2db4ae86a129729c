"""
What stands in for the network while a cassette is in: the one hook through which requests go.

From the network upwards: the folder IPYLLM_CASSETTES names; the cassette that is in for the whole
process; the one of this cell alone. That of the process is not one of a context: a thread pool
would not inherit it, and would ask the network in the middle of a replay. That of a cell is one:
what streams in the background meanwhile stays live.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from ipyllm.transport.http import post

if TYPE_CHECKING:
    from ipyllm.errors import IpyllmError
    from ipyllm.providers import Target
    from ipyllm.transport.http import Marks
    from ipyllm.transport.limits import Limits

__all__ = ("FOLDER", "Send", "Tape", "inserted", "refusing", "sender", "stocked", "within")

FOLDER = "IPYLLM_CASSETTES"
"""The variable that names a folder of recordings."""


class Send(Protocol):
    """What `transport.http.post` is: one request, its response's bytes, an error of ours."""

    async def __call__(
        self,
        target: Target,
        path: str,
        payload: dict[str, Any],
        deliver: Callable[[bytes], None],
        *,
        marks: Marks,
        limits: Limits,
    ) -> None: ...


class Tape(Protocol):
    """
    A cassette that is in.

    * `live`: whether the network is asked, so that keys and weights are needed.
    * `stocked`: whether it may have the answer all the same, and then needs neither.
    """

    live: bool
    stocked: bool

    def over(self, network: Send) -> Send:
        """What takes the place of `network`."""
        ...


_tapes: list[Tape] = []  # for the process; the last one that was put in counts
_own: ContextVar[tuple[Tape, ...]] = ContextVar("ipyllm_tapes", default=())
_instead: ContextVar[Send | None] = ContextVar("ipyllm_network", default=None)


@contextmanager
def inserted(tape: Tape) -> Generator[None]:
    """Within it, what is asked goes through `tape`, in every thread."""
    _tapes.append(tape)
    try:
        yield
    finally:
        _tapes.remove(tape)


@contextmanager
def within(tape: Tape) -> Generator[None]:
    """The same for this context alone: one cell, and the threads that run in a copy of it."""
    token = _own.set((*_own.get(), tape))
    try:
        yield
    finally:
        _own.reset(token)


def sender(network: Send = post) -> tuple[Send, bool]:
    """How requests go now instead of through `network`, and whether they need a key."""
    send, live = _instead.get() or network, True
    for tape in _all():
        send, live = tape.over(send), live and tape.live
    return send, live


def stocked() -> bool:
    """Whether an answer may be there though the network cannot be asked for it."""
    return any(tape.stocked for tape in _all())


@contextmanager
def refusing(error: IpyllmError) -> Generator[None]:
    """Within it, the network cannot be asked: what no cassette has fails with `error`."""

    async def refuse(*_: object, **__: object) -> None:
        raise error

    token = _instead.set(refuse)
    try:
        yield
    finally:
        _instead.reset(token)


def _all() -> list[Tape]:
    """Those that are in, the nearest to the network first."""
    folder: list[Tape] = []
    if os.environ.get(FOLDER):
        from ipyllm.transport.cassette.environment import library  # nobody else loads it

        folder = [library()]
    return [*folder, *_tapes[-1:], *_own.get()]
