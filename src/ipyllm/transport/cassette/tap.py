"""What was on the wire, kept in memory for whoever wants to look at it: only when asked, and not much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipyllm.transport.cassette.collected import Collected
from ipyllm.transport.cassette.form import as_bytes, parsed
from ipyllm.transport.cassette.recorder import Recorder

if TYPE_CHECKING:
    from ipyllm.transport.cassette.form import Recording
    from ipyllm.transport.cassette.tape import Send

__all__ = ("LIMIT", "MOST", "Tap")

LIMIT = 1_000_000
"""Characters kept of one response."""
MOST = 20
"""Responses that are kept: the first."""


class Tap:
    """
    A `Tape` that looks on.

    * `recordings`: the responses that ended, in that order. Of a replay: as they were recorded.
    * `left_out`: characters of each of them that were not kept.
    * `missed`: responses of which nothing was kept.
    """

    live, stocked = True, False

    def __init__(self) -> None:
        self.recordings: list[Recording] = []
        self.left_out: list[int] = []
        self.missed = 0

    def over(self, network: Send) -> Send:
        """As `Tape.over`."""
        return Recorder(Collected(self._add, limit=LIMIT)).over(network)

    def _add(self, lines: list[str], left_out: int) -> None:
        if len(self.recordings) >= MOST:
            self.missed += 1
            return
        self.recordings += parsed(as_bytes(lines), "the wire")
        self.left_out.append(left_out)
