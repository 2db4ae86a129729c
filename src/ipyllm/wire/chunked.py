"""
HTTP/1.1 chunked transfer coding, read side.

https://www.rfc-editor.org/rfc/rfc9112#section-7.1

Here because it is where a token's bytes arrive: h11 takes two thirds of the CPU of
reading a paced stream (one small chunk a token), and hands them on later.
"""

from __future__ import annotations

from ipyllm.errors import ProtocolError

__all__ = ("ChunkedDecoder",)

_MAX_LINE = 4096  # bytes of a chunk-size line or of one trailer
_MAX_SIZE_DIGITS = 15


class ChunkedDecoder:
    """
    `feed(bytes)` gives the payload they hold; `finished` tells that the last chunk came.

    Bytes after the end are not looked at: a server must not send any before the next request.
    """

    __slots__ = ("_left", "_line", "_trailers", "broken", "finished")

    def __init__(self) -> None:
        self._left = 0  # payload bytes of the open chunk still to come; -2, -1: its CRLF
        self._line = b""  # an unfinished size line or trailer
        self._trailers = False
        self.finished = False
        self.broken: ProtocolError | None = None

    def feed(self, raw: bytes) -> bytes:
        """
        Take bytes off the wire, cut anywhere; give the payload before any that is broken.

        Then `broken` says how: a chunk's size is not a number, or it is longer than it says.
        """
        out: list[bytes] = []
        at, end = 0, len(raw)
        try:
            while at < end and not self.finished and self.broken is None:
                if self._left > 0:
                    piece = raw[at : at + self._left]
                    out.append(piece)
                    at += len(piece)
                    self._left = self._left - len(piece) or -2
                elif self._left < 0:
                    at = self._chunk_end(raw, at)
                else:
                    at = self._size_line(raw, at)
        except ProtocolError as exc:
            self.broken = exc
        return out[0] if len(out) == 1 else b"".join(out)

    def _chunk_end(self, raw: bytes, at: int) -> int:
        if raw[at] != (0x0D if self._left == -2 else 0x0A):
            raise ProtocolError("The chunked body is broken: a chunk is longer than it says.")
        self._left += 1
        return at + 1

    def _size_line(self, raw: bytes, at: int) -> int:
        cut = raw.find(b"\n", at)
        line = self._line + (raw[at:] if cut < 0 else raw[at:cut])
        if len(line) > _MAX_LINE:
            raise ProtocolError("The chunked body is broken: no end to a size line.")
        if cut < 0:
            self._line = line
            return len(raw)
        self._line = b""
        line = line.removesuffix(b"\r")
        if self._trailers:
            self.finished = not line
        else:
            # "A recipient MUST ignore unrecognized chunk extensions."
            self._left = _size(line.partition(b";")[0].strip())
            self._trailers = self._left == 0
        return cut + 1


def _size(digits: bytes) -> int:
    # int() also takes signs, spaces and underscores; the grammar is 1*HEXDIG.
    if not digits or len(digits) > _MAX_SIZE_DIGITS or digits.strip(b"0123456789abcdefABCDEF"):
        raise ProtocolError(f"The chunked body is broken: {digits[:20]!r} is no chunk size.")
    return int(digits, 16)
