"""
Server-sent events, as the WHATWG text has them, over bytes.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

Lines end in LF, CRLF or CR and in nothing else: `str.splitlines` would also cut at
U+2028, U+2029 and U+0085, which are legal inside JSON and do occur in answers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ipyllm.errors import ProtocolError

__all__ = ("MAX_LINE", "Frame", "SseDecoder")

MAX_LINE = 64 * 2**20
"""Bytes in one line, or in one event's data, before the stream is refused. llama.cpp
echoes the whole prompt in one line; images come as base64."""

_BOM = b"\xef\xbb\xbf"
_EOL = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Frame:
    """One dispatched event: its type ("" means `message`) and its data, still bytes."""

    event: str
    data: bytes


class SseDecoder:
    """
    `feed(bytes)` in, frames out; `close()` gives what an unterminated end still holds.

    The standard drops an event at the end of the stream that no blank line closes; real
    servers and cut captures end that way, so `close` hands it over and the dialect
    decides whether its payload is whole.
    """

    __slots__ = (
        "_data",
        "_event",
        "_gathered",
        "_held",
        "_pending",
        "_size",
        "_start",
        "comments",
        "unknown",
    )

    def __init__(self) -> None:
        self._pending: list[bytes] = []  # pieces of the unfinished line, joined once it ends
        self._size = 0  # bytes in `_pending`
        self._held = (
            False  # the last chunk ended in CR: a LF at the start of the next belongs to it
        )
        self._start = True  # the BOM may still come
        self._data: list[bytes] = []
        self._gathered = 0  # bytes of the lines in `_data`
        self._event = ""
        self.comments = 0  # comment lines seen: signs of life
        self.unknown: list[bytes] = []  # the first lines with no known field (an error page, say)

    def feed(self, chunk: bytes) -> list[Frame]:
        """
        Take bytes, cut anywhere; give the frames they complete.

        Raises:
            ProtocolError: a line or an event is longer than `MAX_LINE`.
        """
        if self._held and chunk:
            self._held = False
            if chunk[0] == 0x0A:
                chunk = chunk[1:]
        if not chunk:
            return []
        lines = _EOL.split(chunk) if b"\r" in chunk else chunk.split(b"\n")
        self._held = chunk.endswith(b"\r")
        rest = lines.pop()
        frames: list[Frame] = []
        if lines:
            lines[0] = self._take() + lines[0] if self._pending else lines[0]
            for line in lines:
                self._line(line, frames)
        if rest:
            self._pending.append(rest)
            self._limit(len(rest))
        return frames

    def payloads(self, chunk: bytes) -> list[bytes]:
        """
        Only the data of the frames `feed` would give: for those to whom the type says nothing.

        Raises:
            ProtocolError: as `feed`.
        """
        # Nearly all streams are `data: ...` or `event: ...`, `data: ...`, and a blank line: whole
        # events cut out at once take 0.2 us each; line by line and as frames 2.3.
        end = chunk.rfind(b"\n\n")
        if end < 0 or b"\r" in chunk or not self._between_events():
            return [_payload(frame) for frame in self.feed(chunk)]
        head = self._take() + chunk[:end] if self._pending else chunk[:end]
        out = _plain(head)
        for block in head.split(b"\n\n") if not out else ():
            typed = block.startswith(b"event: ") and not block.startswith(b"event: error")
            at = block.find(b"\n") + 1 if typed else 0
            if (
                block.startswith(b"data: ", at)
                and block.find(b"\n", at) < 0
                and len(block) > at + 6
            ):
                if len(block) > MAX_LINE:
                    raise _too_long("line")
                out.append(block[at + 6 :])
            else:
                out += self._slowly(block)
        rest = chunk[end + 2 :]
        if b"\n" in rest:
            out += [_payload(frame) for frame in self.feed(rest)]
        elif rest:
            self._pending.append(rest)
            self._limit(len(rest))
        return out

    def _between_events(self) -> bool:
        return not (self._held or self._start or self._data or self._event)

    def _slowly(self, block: bytes) -> list[bytes]:
        frames: list[Frame] = []
        for line in block.split(b"\n"):
            self._line(line, frames)
        self._line(b"", frames)
        return [_payload(frame) for frame in frames]

    def close(self) -> list[Frame]:
        """End of the stream: the last line and the last event count as ended."""
        frames: list[Frame] = []
        if self._pending:
            self._line(self._take(), frames)
        self._line(b"", frames)
        return frames

    def _take(self) -> bytes:
        # Joining on each feed would be O(n^2) for a line that spans many chunks.
        line = b"".join(self._pending)
        self._pending.clear()
        self._size = 0
        return line

    def _limit(self, size: int) -> None:
        self._size += size
        if self._size > MAX_LINE:
            raise _too_long("line")

    def _line(self, line: bytes, frames: list[Frame]) -> None:
        if self._start:
            # "One leading U+FEFF BYTE ORDER MARK character must be ignored if any are present."
            self._start = False
            line = line.removeprefix(_BOM)
        if not line:
            self._dispatch(frames)
            return
        if line.startswith(b"data:"):
            self._add(line[6:] if line[5:6] == b" " else line[5:], len(line))
            return
        name, _, value = line.partition(b":")
        match name:
            case b"":
                self.comments += 1
            case b"data":
                self._add(value, len(line))
            case b"event":
                self._event = value.removeprefix(b" ").decode("utf-8", "replace")
            case b"error":  # a field of old llama.cpp's
                self._event = "error"
                self._add(value.removeprefix(b" "), len(line))
            case b"id" | b"retry":
                pass
            case _:
                if len(self.unknown) < 64:
                    self.unknown.append(line[:4096])

    def _add(self, value: bytes, size: int) -> None:
        self._data.append(value)
        self._gathered += size
        if self._gathered > MAX_LINE:
            raise _too_long("event")

    def _dispatch(self, frames: list[Frame]) -> None:
        # "If the data buffer is an empty string, set the data buffer and the event type
        # buffer to the empty string and return."
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            if data:
                frames.append(Frame(self._event, data))
            self._data = []
            self._gathered = 0
        self._event = ""


def _payload(frame: Frame) -> bytes:
    """Its data; the plain text of an `error` event as the JSON that others send in its place."""
    if frame.event != "error" or frame.data.startswith((b"{", b"[")):
        return frame.data
    return json.dumps({"error": frame.data.decode("utf-8", "replace")}).encode()


def _plain(events: bytes) -> list[bytes]:
    """The data of `data: ...` events that blank lines part; [] if there is anything else among them."""
    if not events.startswith(b"data: ") or len(events) > MAX_LINE:
        return []
    found = events[6:].split(b"\n\ndata: ")
    return found if events.count(b"\n") == 2 * len(found) - 2 and b"" not in found else []


def _too_long(what: str) -> ProtocolError:
    return ProtocolError(f"One {what} of the stream is over {MAX_LINE // 2**20} MiB.")
