"""
What stands in for the network while a cassette is in: the one hook through which requests go.

One for the whole process and not one for a context: a thread pool would not inherit that, and
would ask the network in the middle of a replay.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from ipyllm.transport.http import post

if TYPE_CHECKING:
    from ipyllm.providers import Target
    from ipyllm.transport.http import Marks
    from ipyllm.transport.limits import Limits

__all__ = ("Send", "Tape", "inserted", "sender")


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
    """

    live: bool

    def over(self, network: Send) -> Send:
        """What takes the place of `network`."""
        ...


_tapes: list[Tape] = []  # the last one that was put in counts


@contextmanager
def inserted(tape: Tape) -> Generator[None]:
    """Within it, what is asked goes through `tape`."""
    _tapes.append(tape)
    try:
        yield
    finally:
        _tapes.remove(tape)


def sender(network: Send = post) -> tuple[Send, bool]:
    """How requests go now instead of through `network`, and whether they need a key."""
    return (_tapes[-1].over(network), _tapes[-1].live) if _tapes else (network, True)
