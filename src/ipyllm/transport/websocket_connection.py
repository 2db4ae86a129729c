"""
A WebSocket's connection over the package websockets: opened, left at once, and how it fails.

This is the one seam where the exceptions of websockets become ours.
"""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import httpx

from ipyllm import errors
from ipyllm.transport import failure
from ipyllm.transport.discretion import keep_out_of_logs
from ipyllm.wire.complaint import Complaint

try:
    import websockets.exceptions as refused
    from websockets.asyncio.client import ClientConnection, connect
    from websockets.exceptions import ConnectionClosed, WebSocketException
    from websockets.frames import Frame, Opcode
except ImportError:
    raise errors.UsageError(
        "A WebSocket needs the package websockets:", hint="pip install websockets"
    ) from None

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from ipyllm.providers import Target
    from ipyllm.transport.http import Marks
    from ipyllm.transport.limits import Limits, Watchdog

__all__ = (
    "MAX_MESSAGE",
    "ConnectionClosed",
    "SocketConnection",
    "WebSocketException",
    "mapped",
    "opened",
)

MAX_MESSAGE = 64 << 20
"""Bytes one message may have; as for a line over HTTP."""

_LATE_CONNECT = 5.0  # seconds an abandoned connection attempt may go on
_REFUSED = (4401, 4403, 3000)  # as 401 and 403; 3000 is registered for it
_HINT = "Is the address right, and is it a WebSocket's?"


class SocketConnection(ClientConnection):
    """websockets' connection, with a look at each frame, and an end that waits for nobody."""

    on_made: Callable[[], None] | None = None
    on_frame: Callable[[], None] | None = None
    left = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the time, or go at once if nobody waits any more (asyncio calls this)."""
        super().connection_made(transport)
        if self.left:
            self.transport.abort()

    def process_event(self, event: Any) -> None:
        """One frame, or the handshake's response (websockets calls this)."""
        super().process_event(event)
        if self.on_frame is not None:
            self.on_frame()
        if isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
            # Our reply is out. RFC 6455 lets the client wait for the server to close TCP: for
            # as long as it likes, or over TLS for 30 s of goodbyes.
            self.transport.abort()

    def leave(self) -> None:
        """Close now: say so, and be gone before there is an answer."""
        self.left = True
        if getattr(self, "transport", None) is None or self.transport.is_closing():
            return
        if self.response is not None and self.protocol.state.name == "OPEN":
            self.protocol.send_close(1001)
            self.send_data()
        self.transport.abort()


class _Connect(connect):
    """A redirect is an error, as over HTTP: the key must not follow it."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Never follow (websockets calls this)."""
        return exc


@dataclass(slots=True)
class _Made:
    """The connections one attempt has made so far: cancelling it must not lose one."""

    connections: list[SocketConnection] = field(default_factory=list["SocketConnection"])
    left: bool = False

    def make(self, *args: Any, **options: Any) -> SocketConnection:
        connection = SocketConnection(*args, **options)
        connection.left = self.left
        self.connections.append(connection)
        return connection

    def leave(self) -> None:
        self.left = True
        for connection in self.connections:
            connection.leave()


async def opened(
    target: Target, url: str, marks: Marks, limits: Limits, watchdog: Watchdog
) -> SocketConnection:
    keep_out_of_logs(target)  # websockets logs the handshake at DEBUG
    made = _Made()
    secure = urlsplit(url).scheme == "wss"
    attempt = _Connect(
        url,
        additional_headers=target.all_headers,
        compression=None,  # it would hold back bytes
        proxy=None if _is_local(url) else True,
        open_timeout=limits.connect,
        ping_interval=None,  # `idle` is the limit; a pong says nothing of the model behind
        max_size=MAX_MESSAGE,
        create_connection=cast("type[ClientConnection]", made.make),
        ssl=_tls() if secure else None,
    )
    marks.connecting = marks.clock()
    opening = asyncio.ensure_future(_open(attempt))
    try:
        connection = cast("SocketConnection", await asyncio.shield(opening))
    except asyncio.CancelledError:
        # A cancel inside create_connection can lose a socket that just connected: let it
        # connect, then close it.
        made.leave()
        opening.add_done_callback(_discard)
        asyncio.get_running_loop().call_later(_LATE_CONNECT, opening.cancel)
        raise
    marks.connected = marks.clock()
    response = connection.response
    if marks.on_headers is not None and response is not None:
        marks.on_headers(_lower(response.headers.raw_items()))
    watchdog.touch()
    return connection


async def _open(attempt: connect) -> ClientConnection:
    return await attempt


def _discard(opening: asyncio.Future[ClientConnection]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().transport.abort()


def _is_local(url: str) -> bool:
    # Its key must not go to a proxy, and its address means nothing there.
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # the same authorities as over HTTP; 30 ms of CPU


def _lower(items: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in items}


def mapped(exc: Exception, url: str) -> errors.ServiceError:
    """What an exception of websockets, or of the socket below it, means in our words."""
    place = failure.where(url)
    match exc:
        case refused.InvalidStatus(response=response):
            return _from_status(response, url)
        case ConnectionClosed():
            return _closed(exc, url)
        case refused.ProxyError() | refused.InvalidProxy() | ImportError():
            kind = type(exc).__name__ if isinstance(exc, refused.InvalidProxy) else str(exc)
            return errors.ConnectionLost(
                f"The proxy did not lead to {place} ({kind}).", hint="Check HTTPS_PROXY, NO_PROXY."
            )
        case refused.InvalidURI():
            return failure.mapped(httpx.InvalidURL(exc.msg), url)
        case refused.InvalidMessage():  # nothing came, or no HTTP
            if isinstance(exc.__cause__, EOFError):
                return failure.mapped(httpx.ReadError(""), url)
            return errors.ProtocolError(f"{place} does not speak HTTP.", hint=_HINT)
        case WebSocketException():
            return errors.ProtocolError(f"{place} does not speak WebSocket ({exc}).", hint=_HINT)
        case TimeoutError():
            return failure.mapped(httpx.ConnectTimeout(""), url)
        case OSError():
            return failure.mapped(httpx.ConnectError(str(exc)), url)
        case _:
            return failure.mapped(exc, url)


def _from_status(response: Any, url: str) -> errors.ServiceError:
    text = bytes(response.body or b"").decode("utf-8", "replace").strip()
    status: int = response.status_code
    if 200 <= status < 300 and "<html" not in text[:1000].lower():
        return errors.ProtocolError(
            f"{failure.where(url)} answered {status}, not as a WebSocket.", hint=_HINT
        )
    headers = _lower(response.headers.raw_items())
    return failure.from_status(status, response.reason_phrase, headers, text, url)


def _closed(exc: ConnectionClosed, url: str) -> errors.ServiceError:
    place = failure.where(url)
    if exc.rcvd is not None:
        code, reason = exc.rcvd.code, exc.rcvd.reason
        said = f"{place} closed the connection ({f'{code} {reason}'.strip()})"
        if code in _REFUSED or Complaint(reason).kind(400) == "AuthError":
            return errors.AuthError(f"{said}.", hint="Check the key.")
        lost = errors.ConnectionLost(f"{said} before the answer was whole.")
        # 1008 is a policy, 4000 to 4999 are the application's: both have made up their mind.
        lost.retry = False if code == 1008 or code >= 4000 else None
        return lost
    if exc.sent is None or exc.sent.code == 1001:
        return failure.mapped(httpx.ReadError(""), url)
    if exc.sent.code == 1009:
        return errors.ProtocolError(f"{place} sent a message over {MAX_MESSAGE >> 20} MiB.")
    return errors.ProtocolError(f"{place} broke the WebSocket protocol ({exc.sent.reason}).")
