"""The socket itself: what httpcore reads, and what is taken over."""

from __future__ import annotations

import asyncio

import httpcore
import pytest
from transport.conftest import Close

from ipyllm.transport.connection import Connection, ConnectionBackend

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


async def connected(server) -> Connection:
    connection = await ConnectionBackend().connect_tcp("127.0.0.1", server.port, timeout=10.0)
    assert isinstance(connection, Connection)
    return connection


async def test_the_head_is_read_alone(server):
    """h11 never gets a byte of the body together with the head."""
    server.answer(HEAD + b"1\r\na\r\n")
    connection = await connected(server)
    await connection.write(REQUEST)
    assert await connection.read(65536) == HEAD
    taken: list[bytes] = []

    def take(raw: bytes) -> bool:
        taken.append(raw)
        return True

    await connection.take_over(take)
    assert taken == [b"1\r\na\r\n"]
    await connection.aclose()


async def test_after_a_taken_body_comes_an_empty_chunk(server):
    """httpcore is told that the body is complete, so that it keeps the connection."""
    server.answer(HEAD + b"x")
    connection = await connected(server)
    await connection.write(REQUEST)
    await connection.read(65536)
    await connection.take_over(lambda _raw: True)
    assert await connection.read(65536) == b"0\r\n\r\n"
    await connection.aclose()


async def test_a_body_that_ended_while_it_was_held_back_leaves_the_connection_hearing(server):
    """Whoever paused it was late, and the answer over: the next one would have waited for ever."""
    gate = asyncio.Event()
    server.answer(HEAD, gate, b"x")
    server.answer(HEAD)
    connection = await connected(server)
    await connection.write(REQUEST)
    await connection.read(65536)

    def take(_raw: bytes) -> bool:
        connection.pause()
        return True

    taking = asyncio.create_task(connection.take_over(take))
    await asyncio.sleep(0)
    gate.set()
    await taking
    await connection.read(65536)
    await connection.write(REQUEST)
    assert await connection.read(65536, timeout=5.0) == HEAD
    await connection.aclose()


async def test_a_taken_body_that_ends_early_is_an_error(server):
    """The end of the connection before the end of the body is never silent."""
    server.answer(HEAD, Close)
    connection = await connected(server)
    await connection.write(REQUEST)
    await connection.read(65536)
    with pytest.raises(ConnectionError):
        await connection.take_over(lambda _raw: False)
    await connection.aclose()


async def test_what_take_raises_is_raised(server):
    """And it is not called again."""
    server.answer(HEAD + b"x", asyncio.Event())
    connection = await connected(server)
    await connection.write(REQUEST)
    await connection.read(65536)
    calls: list[bytes] = []

    def take(raw: bytes) -> bool:
        calls.append(raw)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await connection.take_over(take)
    assert calls == [b"x"]
    await connection.aclose()


async def test_much_unread_data_pauses_the_socket(server):
    """A server that sends faster than anybody reads does not fill the memory."""
    size = 8 * 2**20
    server.answer(HEAD + b"x" * size)
    connection = await connected(server)
    await connection.write(REQUEST)
    got = len(await connection.read(65536)) - len(HEAD)
    largest = 0
    while got < size:
        got += len(await connection.read(65536))
        largest = max(largest, len(connection._held))
    assert got == size
    assert largest < 2 * 2**20
    await connection.aclose()


async def test_a_large_request_is_sent_whole(server):
    """More than the socket's buffer takes is written as there is room."""
    body = b"y" * (4 * 2**20)
    server.answer(HEAD)
    connection = await connected(server)
    await connection.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body))
    for start in range(0, len(body), 65536):
        await connection.write(body[start : start + 65536])
    assert await connection.read(65536) == HEAD
    assert server.exchanges[0].body == body
    await connection.aclose()


async def test_reading_has_a_limit(server):
    """httpcore's own read limit is kept."""
    server.answer(asyncio.Event())
    connection = await connected(server)
    await connection.write(REQUEST)
    with pytest.raises(httpcore.ReadTimeout):
        await connection.read(65536, timeout=0.02)
    await connection.aclose()


async def test_a_closed_connection_takes_no_bytes(server):
    """Writing to it is httpcore's own error."""
    connection = await connected(server)
    await connection.aclose()
    with pytest.raises(httpcore.WriteError):
        await connection.write(REQUEST)


async def test_an_idle_connection_says_whether_it_is_dead(server):
    """httpcore asks before it uses a connection again."""
    gate = asyncio.Event()
    server.answer(HEAD, gate, Close)
    connection = await connected(server)
    assert connection.get_extra_info("is_readable") is False
    assert connection.get_extra_info("server_addr") == ("127.0.0.1", server.port)
    await connection.write(REQUEST)
    await connection.read(65536)
    gate.set()
    assert await connection.read(65536) == b""
    assert connection.get_extra_info("is_readable") is True
    await connection.aclose()


async def test_nothing_listens(server):
    """A refused connection is httpcore's own error."""
    listening = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    with pytest.raises(httpcore.ConnectError):
        await ConnectionBackend().connect_tcp("127.0.0.1", port, timeout=10.0)
