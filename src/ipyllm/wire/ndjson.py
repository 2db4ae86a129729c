"""
Newline-delimited JSON: one frame a line.

https://github.com/ndjson/ndjson-spec

A read may end anywhere, also inside a character: bytes are cut at LF only, and decoded as whole
lines. One object per read is not guaranteed, whatever a server's own client believes.
"""

from __future__ import annotations

from ipyllm.errors import ProtocolError
from ipyllm.wire.sse import MAX_LINE

__all__ = ("NdjsonDecoder",)

_BOM = b"\xef\xbb\xbf"


class NdjsonDecoder:
    """`feed(bytes)` in, lines out, without their ends and without empty ones; `close()` gives the last."""

    __slots__ = ("_pending", "_size", "_start")

    def __init__(self) -> None:
        self._pending: list[bytes] = []  # pieces of the unfinished line, joined once it ends
        self._size = 0
        self._start = True  # a BOM may still come

    def feed(self, chunk: bytes) -> list[bytes]:
        """
        Take bytes, cut anywhere; give the lines they complete.

        Raises:
            ProtocolError: a line is longer than `MAX_LINE`.
        """
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and self._pending:
            lines[0] = self._take() + lines[0]
        if rest:
            self._pending.append(rest)
            self._size += len(rest)
        longest = max(self._size, *map(len, lines)) if lines else self._size
        if longest > MAX_LINE:
            raise ProtocolError(f"One line of the stream is over {MAX_LINE // 2**20} MiB.")
        return self._whole(lines)

    def close(self) -> list[bytes]:
        """End of the stream: the last line counts as ended."""
        return self._whole([self._take()])

    def _take(self) -> bytes:
        line = b"".join(self._pending)
        self._pending.clear()
        self._size = 0
        return line

    def _whole(self, lines: list[bytes]) -> list[bytes]:
        if self._start and lines:
            self._start = False
            lines[0] = lines[0].removeprefix(_BOM)
        return [line for raw in lines if (line := raw.strip())]
