"""
A response cut where its frames end, with the events each piece made: for people who look at it.

A read may bring several frames, or half of one. Decoders do not mind where they are cut, so each
piece is decoded by itself, and what it gives is what it made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, cast

from ipyllm.dialects import dialect
from ipyllm.errors import IpyllmError
from ipyllm.events import StreamError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipyllm.events import Event

__all__ = ("Format", "Piece", "format_of", "pieces")

Format = Literal["server-sent events", "JSON lines", "WebSocket frames", "bytes"]
_ENDS: dict[str, re.Pattern[bytes]] = {
    "server-sent events": re.compile(rb"(?:\r\n|\n|\r)(?:\r\n|\n|\r)"),
    "JSON lines": re.compile(rb"\n"),
    "WebSocket frames": re.compile(rb"\n"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """
    Bytes of one read that end with a frame, or with the read.

    * `ms`: when the read came, since the request was sent.
    * `first`: the read begins here. `whole`: a frame ends here.
    * `events`: what these bytes made.
    """

    ms: float
    data: bytes
    first: bool
    whole: bool
    events: tuple[Event, ...]


def format_of(header: Mapping[str, Any]) -> Format:
    """How the bytes of a recording are framed, by its address and its content type."""
    headers: Any = header.get("headers")
    given = (
        cast("dict[str, Any]", headers).get("content-type", "") if isinstance(headers, dict) else ""
    )
    kind = str(given).partition(";")[0].strip().lower()
    if str(header.get("url", "")).startswith(("ws://", "wss://")):
        return "WebSocket frames"
    if kind == "text/event-stream":
        return "server-sent events"
    return "JSON lines" if "json" in kind else "bytes"


def pieces(api: str, framing: Format, chunks: Sequence[tuple[float, bytes]]) -> list[Piece]:
    """All of a response, in order; the events of its end are with the last one."""
    try:
        decoder = dialect(api).decoder()
    except IpyllmError:  # a dialect of another version
        decoder = None

    def events(data: bytes, *, last: bool) -> list[Event]:
        if decoder is None:
            return []
        try:
            return decoder.feed(data) + (decoder.close() if last else [])
        except IpyllmError as exc:
            return [StreamError(type(exc).__name__, str(exc))]

    cuts = [(ms, cut) for ms, chunk in chunks for cut in _cut(framing, chunk)]
    return [
        Piece(ms, data, first, whole, tuple(events(data, last=at == len(cuts))))
        for at, (ms, (data, first, whole)) in enumerate(cuts, 1)
    ]


def _cut(framing: Format, chunk: bytes) -> list[tuple[bytes, bool, bool]]:
    """(bytes, whether the read begins here, whether a frame ends here)."""
    pattern = _ENDS.get(framing)
    ends = [found.end() for found in pattern.finditer(chunk)] if pattern else []
    edges = [0, *ends, *([len(chunk)] if not ends or ends[-1] < len(chunk) else [])]
    return [
        (chunk[begin:end], begin == 0, end in ends) for begin, end in pairwise(edges) if end > begin
    ]
