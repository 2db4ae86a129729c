"""
A stream of JSON payloads, whatever carries them, up to its one end.

Server-sent events, JSON lines, and one whole JSON body (a service that does not stream after all, or
answers 200 with an error) are told apart by the first byte. What is the same for every API is here:
payloads cut by the end, errors in a 200 stream, pages in place of a stream, what is no JSON.
"""

from __future__ import annotations

import json
from typing import Any, Protocol, cast

import msgspec

from ipyllm.events import Event, Finish, Notice, StreamError
from ipyllm.wire.complaint import Complaint
from ipyllm.wire.ndjson import NdjsonDecoder
from ipyllm.wire.sse import SseDecoder

__all__ = ("Grammar", "JsonStream", "read_json")

_DONE = b"[DONE]"
_SHOWN = 200  # characters of what is no JSON that are repeated in a message


class Grammar(Protocol):
    """What one API's payloads mean. Only `JsonStream` calls it."""

    seen: bool  # something of the answer came
    finished: bool  # the API's own end was seen

    def plain(self, data: bytes, out: list[Event]) -> bool:
        """Decode the payload most of a stream is made of; False, with nothing done, if it is not that."""
        ...

    def payload(self, payload: dict[str, Any], out: list[Event]) -> bool:
        """Decode any payload; False if it is nothing of this API."""
        ...

    def done(self, out: list[Event]) -> None:
        """`[DONE]` came."""
        ...

    def close(self, out: list[Event]) -> Finish:
        """The stream is over: give what is held to `out`, and how it ended."""
        ...


class JsonStream:
    """The `Decoder` of a grammar: `feed(bytes)`, `close()`; exactly one `Finish`, the last event."""

    __slots__ = ("_body", "_failed", "_grammar", "_lines", "_sse", "_start")

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._sse = SseDecoder()
        self._lines: NdjsonDecoder | None = None
        self._body: list[bytes] = []  # lines of one JSON value that is written over several
        self._start: bytes | None = b""  # white space before the first byte that counts
        self._failed = False

    @property
    def finished(self) -> bool:
        """The answer is over: nothing more has to be read."""
        return self._grammar.finished or self._failed

    def feed(self, chunk: bytes) -> list[Event]:
        """Take bytes, cut anywhere. Raises: ProtocolError."""
        out: list[Event] = []
        if self._start is not None:
            chunk = self._sniff(self._start + chunk)
        if self._lines is not None:
            for line in self._lines.feed(chunk):
                self._line(line, out)
            return out
        comments = self._sse.comments
        over, plain = self.finished, self._grammar.plain
        for data in self._sse.payloads(chunk):
            if over:
                break
            try:
                known = plain(data, out)
            except RecursionError:  # 1,000 brackets deep
                known = False
            if not known:
                self._odd(data, out)
                over = self.finished
        if self._sse.comments > comments:
            out.append(Notice("comment", ""))
        return out

    def close(self) -> list[Event]:
        """What is still held, and the `Finish`: `truncated` without a proof of the end."""
        out: list[Event] = []
        if self._lines is not None:
            self._close_lines(self._lines, out)
        for frame in self._sse.close():
            # An unterminated last event counts if it is whole: half of one is no error of the service.
            if _is_whole(frame.data):
                self._data(frame.data, out)
        page = b"\n".join(self._sse.unknown)
        known = self.finished or b"data".startswith(page)
        # Error JSON without `data:` inside a 200 event stream was seen.
        if not known and (not self._grammar.seen or _is_object(page)):
            self._data(page, out)
        finish = self._grammar.close(out)
        out.append(Finish("error", finish.raw) if self._failed else finish)
        return out

    def _sniff(self, chunk: bytes) -> bytes:
        first = chunk.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if not first and len(chunk) < 4096:
            self._start = chunk
            return b""
        self._start = None
        if first in (b"{", b"[", b'"'):
            self._lines = NdjsonDecoder()
        return chunk

    def _line(self, line: bytes, out: list[Event]) -> None:
        if line.startswith(
            b"data:"
        ):  # error JSON without `data:`, and then `data: [DONE]`, was seen
            line = line[5:].strip()
        if self._body:
            self._body.append(line)
        elif not self.finished and self._plain(line, out):
            pass
        elif _is_whole(line):
            self._data(line, out)
        elif self._grammar.seen or self.finished:
            out.append(_malformed(line))
        else:
            self._body.append(line)

    def _close_lines(self, lines: NdjsonDecoder, out: list[Event]) -> None:
        for line in lines.close():
            if self._body or _is_whole(line):
                self._line(line, out)
        if not self._body:
            return
        whole = b"\n".join(self._body)
        if not _is_whole(whole):
            whole = self._body[0] if len(self._body) == 1 else whole.removesuffix(_DONE)
        if _is_whole(whole):
            self._data(whole, out)

    def _data(self, data: bytes, out: list[Event]) -> None:
        if not self.finished and not self._plain(data, out):
            self._odd(data, out)

    def _plain(self, data: bytes, out: list[Event]) -> bool:
        try:
            return self._grammar.plain(data, out)
        except RecursionError:
            return False

    def _odd(self, data: bytes, out: list[Event]) -> None:
        if data.lstrip().startswith(_DONE):
            self._grammar.done(out)
            return
        try:
            payload = read_json(data)
        except (ValueError, RecursionError):
            if self._grammar.seen:
                out.append(_malformed(data))
            else:
                seen = data[:_SHOWN].decode("utf-8", "replace")
                self._fail(StreamError("ProtocolError", f"The stream is not JSON: {seen!r}"), out)
            return
        # A whole stream in one array: Gemini without `alt=sse`.
        for item in cast("list[Any]", payload) if isinstance(payload, list) else [payload]:
            self._payload(item, out)

    def _payload(self, payload: Any, out: list[Event]) -> None:
        if isinstance(payload, str):
            payload = {"text": payload}  # a WebSocket's message of plain text
        if not isinstance(payload, dict):
            return  # llama.cpp sends a stray `null`
        payload = cast("dict[str, Any]", payload)
        # Only errors of a Realtime session have an id of their own, and they need not end it.
        ends = payload.get("error") and "event_id" not in payload
        if not ends and self._grammar.payload(payload, out):
            return
        if complaint := Complaint.of(payload):
            self._fail(complaint.event(payload), out)

    def _fail(self, error: StreamError, out: list[Event]) -> None:
        self._failed = True
        out.append(error)


def read_json(data: bytes) -> Any:
    """
    Any JSON, also what only `json` takes: bad UTF-8, lone surrogates, NaN.

    Raises:
        ValueError, RecursionError: it is none.
    """
    try:
        return msgspec.json.decode(data)  # 6 x as fast as json
    except (msgspec.DecodeError, UnicodeDecodeError):
        # bytes to json.loads would be sniffed for an encoding, and fail on a bad byte.
        return json.loads(data.decode("utf-8", "replace"))


def _is_whole(data: bytes) -> bool:
    if not data.startswith((b"{", b"[", b'"')) or data.startswith(_DONE):
        return True
    try:
        read_json(data)
    except (ValueError, RecursionError):
        return False
    return True


def _is_object(data: bytes) -> bool:
    return data.startswith(b"{") and _is_whole(data)


def _malformed(data: bytes) -> Notice:
    return Notice("malformed", data[:_SHOWN].decode("utf-8", "replace"))
