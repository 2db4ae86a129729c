"""
One request over a WebSocket (RFC 6455): one message out, each message in as one line of JSON.

The lines are what a decoder of JSON lines reads; a message that is no JSON is `{"text": ...}`,
and a close that says all is well is `{"type": "closed", "code": 1000}`.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ipyllm import errors
from ipyllm.transport import failure
from ipyllm.transport.limits import Limits, Watchdog
from ipyllm.transport.websocket_connection import (
    ConnectionClosed,
    SocketConnection,
    WebSocketException,
    mapped,
    opened,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipyllm.providers import Target
    from ipyllm.transport.connection import Connection
    from ipyllm.transport.http import Marks

__all__ = ("exchange",)

_OVER = (1000, 1001, 1005)  # close codes that mean all is well; 1005: a close without a code
_CLOSED = b'{"type":"closed","code":1000}\n'


async def exchange(
    target: Target,
    path: str,
    payload: dict[str, Any],
    deliver: Callable[[bytes], None],
    *,
    marks: Marks,
    limits: Limits,
) -> None:
    """
    Send `payload`; call `deliver` with each message as a line of bytes, until the server closes.

    Raises:
        ServiceError: refused, unreachable, an error status, cut, or too late.
    """
    watchdog = Watchdog(limits)
    url = target.url(path)
    try:
        connection = await opened(target, url, marks, limits, watchdog)
        try:
            await _talk(connection, payload, deliver, marks, watchdog)
        finally:
            connection.leave()
    except asyncio.CancelledError:
        if watchdog.expired:
            raise watchdog.expired from None
        raise
    except errors.ServiceError as exc:
        raise failure.hidden(exc, target.key) from None
    except (OSError, ValueError, ImportError, WebSocketException) as exc:
        # Not `from exc`: some of websockets' messages repeat the whole address, password included.
        raise failure.hidden(mapped(exc, url), target.key) from None
    finally:
        watchdog.stop()


async def _talk(
    connection: SocketConnection,
    payload: dict[str, Any],
    deliver: Callable[[bytes], None],
    marks: Marks,
    watchdog: Watchdog,
) -> None:
    connection.on_frame = watchdog.touch  # a ping is a sign of life
    asked = json.dumps(payload, ensure_ascii=False).encode(errors="replace")
    await connection.send(asked, text=True)
    marks.sent = marks.clock()
    if marks.on_sent is not None:
        marks.on_sent()
    flow = _Flow()
    # What the pump knows of a connection is how to hold it back.
    marks.connection = cast("Connection", flow)
    lines = _Lines()
    try:
        while True:
            await flow.open.wait()
            message = await connection.recv(decode=False)
            if marks.headers is None:
                marks.headers = marks.clock()
            watchdog.body()
            for line in lines.of(message):
                deliver(line)
    except ConnectionClosed as exc:
        if exc.rcvd is None or exc.rcvd.code not in _OVER:
            raise
        deliver(_CLOSED)
    finally:
        marks.connection = None


class _Flow:
    """Holds the reading loop back; websockets' own queue then fills, and TCP holds the server back."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    def pause(self) -> None:
        self.open.clear()

    def resume(self) -> None:
        self.open.set()

    def abort(self) -> None:
        """Nothing: `exchange` closes the socket however it ends."""


class _Lines:
    """Messages as lines of JSON."""

    def __init__(self) -> None:
        self._plain = False  # this server sends plain text

    def of(self, message: bytes) -> list[bytes]:
        """The lines of one message; none if it is empty."""
        if not message:
            return []
        if self._is_json(message):
            return [message.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"]
        rows = [row for row in message.splitlines() if row.strip()]
        if len(rows) > 1 and all(map(self._is_json, rows)):  # JSON lines within a message
            return [row + b"\n" for row in rows]
        self._plain = True
        text = message.decode("utf-8", "replace")
        return [json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n"]

    def _is_json(self, message: bytes) -> bool:
        head = message.lstrip()[:1]
        if head not in (b"{", b"["):
            return False
        try:
            value = _JSON.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        # "[0]" and "{}" are tokens, too, where tokens come as they are.
        return not self._plain or (head == b"{" and bool(value))


_JSON = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw])
