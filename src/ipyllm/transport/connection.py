"""
A socket whose bytes are handed over in the very callback that brings them.

httpcore drives it through its public network backend interface until the response's
head is read; then `take_over` lets the body's bytes past h11 and past every task switch.
Measured for one token per read, 200 a second: httpx's own async path costs 2.3 times
the CPU of its synchronous one; this costs half of it.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Generator, Iterable

__all__ = ("Connection", "ConnectionBackend")

_HEAD_END = b"\r\n\r\n"
_READ_SIZE = 64 * 1024
_MAX_HEAD = 256 * 1024  # bytes before the head is left to h11 to refuse
_MAX_HELD = 1 << 20  # unread bytes before the socket is paused
_LATE_CONNECT = 5.0  # seconds an abandoned connection attempt may go on
_INFORMATIONAL = re.compile(rb"HTTP/1\.[01] 1\d\d ")


class Connection(asyncio.BufferedProtocol, httpcore.AsyncNetworkStream):
    """One TCP or TLS connection: asyncio's protocol and httpcore's stream in one."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._in_head = False
        self._ended = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._take: Callable[[bytes], None] | None = None
        self._synthetic = b""
        self._transport: asyncio.Transport | None = None
        # Received into again and again: a plain Protocol gets 256 KiB allocated for each read.
        self._buffer = bytearray(_READ_SIZE)
        self._view = memoryview(self._buffer)

    # asyncio's side ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio calls this)."""
        self._transport = transport  # pyright: ignore[reportAttributeAccessIssue] # always a Transport here

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next bytes go (asyncio calls this)."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand bytes on, or hold them until somebody reads."""
        data = bytes(self._view[:nbytes])
        if self._take is not None:
            self._take(data)
            return
        self._held += data
        if len(self._held) > _MAX_HELD and self._transport:
            self._transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> bool:
        """The server said its last."""
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._end(exc)
        _wake(self._writable)

    def pause_writing(self) -> None:
        """The request body outgrew the socket's buffer."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """There is room again."""
        _wake(self._writable)
        self._writable = None

    def _end(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = self._error or exc
        _wake(self._reader)

    # httpcore's side --------------------------------------------------------------

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Bytes for h11; never any of the body together with the head."""
        if self._synthetic:
            data, self._synthetic = self._synthetic, b""
            return data
        while not self._ended and not self._readable():
            await self._wait(timeout)
        cut = min(max_bytes, len(self._held))
        if self._in_head:
            end = self._held.find(_HEAD_END)
            if end >= 0:
                cut = end + len(_HEAD_END)
                # "100 Continue" and "103 Early Hints" come before the real head.
                self._in_head = bool(_INFORMATIONAL.match(self._held))
        data = bytes(self._held[:cut])
        del self._held[:cut]
        if self._transport and not self._ended:
            self._transport.resume_reading()
        if not data and self._error:
            raise httpcore.ReadError(str(self._error)) from self._error
        return data

    def _readable(self) -> bool:
        if not self._in_head:
            return bool(self._held)
        # Anything but HTTP/1 (HTTP/2, garbage) has no head to hold back.
        return (
            _HEAD_END in self._held
            or len(self._held) > _MAX_HEAD
            or (len(self._held) >= len(b"HTTP/1") and not self._held.startswith(b"HTTP/1"))
        )

    async def _wait(self, timeout: float | None) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        try:
            with _within(timeout, httpcore.ReadTimeout):
                await self._reader
        finally:
            self._reader = None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send; what is read next is the head of a response."""
        self._in_head = True
        if not buffer:
            return
        if self._transport is None or self._transport.is_closing():
            raise httpcore.WriteError("the connection is closed")
        self._transport.write(buffer)
        if self._writable is not None:
            with _within(timeout, httpcore.WriteTimeout):
                await self._writable

    async def aclose(self) -> None:
        """Close at once: a polite TLS goodbye would wait for the server's."""
        self.abort()

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Take nothing more from the socket for now: TCP holds the server back."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Go on."""
        if self._transport is not None:
            self._transport.resume_reading()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Speak TLS from here on."""
        loop = asyncio.get_running_loop()
        assert self._transport is not None  # noqa: S101 - connect_tcp made it
        upgrade = loop.start_tls(
            self._transport,
            self,
            ssl_context,
            server_hostname=server_hostname,
            ssl_handshake_timeout=timeout,
        )
        try:
            upgraded = await upgrade
        except asyncio.TimeoutError as exc:
            raise httpcore.ConnectTimeout from exc
        except OSError as exc:
            raise httpcore.ConnectError(str(exc)) from exc
        if upgraded is None:
            raise httpcore.ConnectError("the server closed the connection in the TLS handshake")
        self._transport = upgraded
        return self

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks a stream about."""
        if info == "is_readable":  # an idle connection that has bytes or an end is dead
            return bool(self._held) or self._ended
        return self._transport.get_extra_info(_NAMES.get(info, info)) if self._transport else None

    # ours -------------------------------------------------------------------------

    async def take_over(self, take: Callable[[bytes], bool]) -> None:
        """
        Call `take` with all bytes from here on, in the socket's own callback, until it gives True.

        After that the connection tells h11 of an empty chunked body, so that httpcore
        finds the response complete and keeps the connection for the next request.

        Raises:
            ConnectionError: the connection ended first.
            Exception: whatever `take` raised.
        """
        finished = False
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_bytes(data: bytes) -> None:
            nonlocal finished
            if woken.done():
                return
            try:
                finished = take(data)
            except Exception as exc:  # noqa: BLE001 - carried to the one who awaits
                woken.set_exception(exc)
            else:
                if finished:
                    _wake(woken)

        held = bytes(self._held)
        self._held.clear()
        if held:
            on_bytes(held)
        self._take, self._reader = on_bytes, woken  # the end of the connection wakes it, too
        if self._ended:
            _wake(woken)
        elif self._transport:
            self._transport.resume_reading()
        try:
            await woken
        finally:
            self._take = self._reader = None
            # Whoever paused it may never say `resume`: the pool would have a connection that is deaf.
            self.resume()
        if not finished:
            raise ConnectionResetError(str(self._error or "the server closed the connection"))
        self._synthetic = b"0" + _HEAD_END


class ConnectionBackend(httpcore.AsyncNetworkBackend):
    """Opens `Connection`s for httpcore's pool."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect; the first address that answers wins (RFC 8305)."""
        loop = asyncio.get_running_loop()
        opening = loop.create_task(
            loop.create_connection(Connection, host, port, happy_eyeballs_delay=0.25)
        )
        try:
            with _within(timeout, httpcore.ConnectTimeout):
                _, connection = await asyncio.shield(opening)
        except BaseException as exc:
            # A cancel inside create_connection can lose a socket that just connected, open until
            # the garbage collector finds it (seen in 1 of 150): let it connect, then close it.
            opening.add_done_callback(_discard)
            loop.call_later(_LATE_CONNECT, opening.cancel)
            if isinstance(exc, OSError):
                raise httpcore.ConnectError(str(exc)) from exc
            raise
        return connection

    async def sleep(self, seconds: float) -> None:
        """Wait between httpcore's connection tries."""
        await asyncio.sleep(seconds)


_NAMES = {"client_addr": "sockname", "server_addr": "peername"}


def _discard(opening: asyncio.Task[tuple[asyncio.Transport, Connection]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()


@contextmanager
def _within(seconds: float | None, late: type[Exception]) -> Generator[None, None, None]:
    # Not asyncio.wait_for: before Python 3.12 it swallows a cancel that comes as the wait ends.
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as exc:
        raise late from exc


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
