"""
A loopback WebSocket server that does exactly what a test scripted.

    async with scripted("one", Ping(), gate, "two", Close(1000)) as server:
        ...  # connect to server.url

Steps: a `str` is sent as a text message, `bytes` as a binary one, an `asyncio.Event` is waited
for; `Close` and `Drop` end the connection. Without either, the server waits for the client to go.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response


@dataclass(frozen=True)
class Close:
    """A close frame with this code; None: without one."""

    code: int | None = 1000
    reason: str = ""


class Drop:
    """The TCP connection breaks."""


class Ping:
    """A ping, and the client's pong awaited."""


Step = str | bytes | asyncio.Event | Close | type[Drop] | type[Ping]


@dataclass
class Server:
    """
    What a test sees of the server.

    * `asked`: messages the client sent. `requests`: the handshakes.
    * `gone`: set when a client went away; `gone_at`: then, `time.monotonic()`; `code`: its close code.
    """

    url: str = ""
    asked: list[str | bytes] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    gone_at: float = 0.0
    code: int | None = None
    sent: int = 0


Refusal = Callable[[ServerConnection, Request], Response]


def refusal(status: int, body: str = "", kind: str = "text/plain", **headers: str) -> Refusal:
    """Answer the handshake with this in place of a WebSocket."""

    def refuse(connection: ServerConnection, _request: Request) -> Response:
        response = connection.respond(HTTPStatus(status), body)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = kind
        for name, value in headers.items():
            response.headers[name.replace("_", "-")] = value
        return response

    return refuse


@contextlib.asynccontextmanager
async def scripted(*steps: Step, refuse: Refusal | None = None) -> AsyncIterator[Server]:
    """Serve this script to whoever connects."""
    server = Server()

    async def play(connection: ServerConnection) -> None:
        server.asked.append(await connection.recv())
        for step in steps:
            await _step(connection, step, server)
        await connection.wait_closed()

    async def handle(connection: ServerConnection) -> None:
        try:
            await play(connection)
        except ConnectionClosed:
            pass
        finally:
            server.gone_at = time.monotonic()
            server.code = connection.close_code
            server.gone.set()

    def note(connection: ServerConnection, request: Request) -> Response | None:
        server.requests.append(request)
        return refuse(connection, request) if refuse else None

    async with serve(
        handle,
        "127.0.0.1",
        0,
        process_request=note,
        compression=None,
        ping_interval=None,
        max_size=None,
        close_timeout=0.2,
    ) as listening:
        port = listening.sockets[0].getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}"
        yield server


async def _step(connection: ServerConnection, step: Step, server: Server) -> None:
    match step:
        case str() | bytes():
            await connection.send(step)
            server.sent += 1
        case asyncio.Event():
            await _gate(connection, step)
        case Close(code, reason) if code is not None:
            await connection.close(code, reason)
        case Close():
            connection.protocol.send_close()
            connection.send_data()
        case _ if step is Drop:
            connection.transport.abort()
        case _:
            await (await connection.ping())


async def _gate(connection: ServerConnection, gate: asyncio.Event) -> None:
    """Wait at the gate, or until the client is gone."""
    opened = asyncio.ensure_future(gate.wait())
    left = asyncio.ensure_future(connection.wait_closed())
    try:
        await asyncio.wait({opened, left}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        opened.cancel()
        left.cancel()
        await asyncio.gather(opened, left, return_exceptions=True)
