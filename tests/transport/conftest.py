"""A loopback server scripted by bytes, for what a transport meets below HTTP's good manners."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import anyio
import pytest

from ipyllm.transport import http

LIMIT = 10.0  # seconds an async test may take before it fails; a signal cannot end one


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Put the limit around every async test of this folder."""
    test = pyfuncitem.obj
    if inspect.iscoroutinefunction(test):

        @functools.wraps(test)
        async def limited(**fixtures: object) -> None:
            with anyio.fail_after(LIMIT):
                await test(**fixtures)

        pyfuncitem.obj = limited


class Close:
    """A step: close the connection."""


class Reset:
    """A step: break the connection (RST)."""


Step = bytes | asyncio.Event | type[Close] | type[Reset]


@dataclass
class Exchange:
    """One request as the server saw it."""

    connection: int  # counts connections from 0
    head: str
    body: bytes


@dataclass
class Server:
    """
    Answers each request with the next script; hangs up when there is none left.

    `gone` is set when a client has closed a connection.
    """

    port: int = 0
    scripts: list[list[Step]] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def answer(self, *steps: Step) -> None:
        self.scripts.append(list(steps))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        try:
            while await self._exchange(number, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _exchange(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [line[15:] for line in head.lower().splitlines() if "content-length:" in line]
        length = int(lengths[0]) if lengths else 0  # a GET has no body
        self.exchanges.append(Exchange(number, head, await reader.readexactly(length)))
        for step in self.scripts.pop(0) if self.scripts else [Close]:
            match step:
                case bytes():
                    writer.write(step)
                    await writer.drain()
                case asyncio.Event():
                    if not await self._held(step, reader):
                        self.gone.set()
                        return False
                case _ if step is Close:
                    return False
                case _:
                    writer.transport.abort()
                    return False
        return True

    async def _held(self, gate: asyncio.Event, reader: asyncio.StreamReader) -> bool:
        """Wait at the gate; False if the client went away meanwhile."""
        opened = asyncio.create_task(gate.wait())
        left = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({opened, left}, return_when=asyncio.FIRST_COMPLETED)
            return opened.done()
        finally:
            opened.cancel()
            left.cancel()
            await asyncio.gather(opened, left, return_exceptions=True)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Give a server without scripts, and a client without connections."""
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        await forget_clients()
        listening.close()


async def forget_clients() -> None:
    """Close what this loop's client keeps: the next test's loop may have the same id."""
    ours = id(asyncio.get_running_loop())
    for key in [key for key in http._clients if key[0] == ours]:
        await http._clients.pop(key).aclose()


@pytest.fixture
def head() -> Callable[..., bytes]:
    """Give a function that makes a response's head."""

    def make(status: str = "200 OK", kind: str = "text/event-stream", **headers: object) -> bytes:
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    return make
