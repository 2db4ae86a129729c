"""One request over a WebSocket: what goes out, what is handed over when, and how it fails."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import sys
import time
from collections.abc import AsyncIterator

import pytest
from mock_server import unanswered_port
from mock_ws import Close, Drop, Ping, Step, refusal, scripted

from ipyllm import errors
from ipyllm.keys import Key
from ipyllm.providers import Target
from ipyllm.transport import websocket_connection
from ipyllm.transport.http import Marks
from ipyllm.transport.limits import Limits
from ipyllm.transport.websocket import exchange

KEY = Key("SOME_KEY", "sk-planted-4f8c-never-to-be-seen")
CLOSED = b'{"type":"closed","code":1000}\n'


def target(url: str, key: Key | None = None) -> Target:
    return Target("ws", "", "openai_chat", url, key, "ws")


class Talk:
    """One exchange, and what it delivered."""

    def __init__(self, url: str, path: str = "", *, key: Key | None = None, **limits: float | None):
        self.lines: list[bytes] = []
        self.marks = Marks(time.monotonic)
        self.first = asyncio.Event()
        self.task = asyncio.ensure_future(
            exchange(
                target(url, key),
                path,
                {"ask": "Grüße"},
                self._take,
                marks=self.marks,
                limits=Limits(**limits),
            )
        )

    def _take(self, line: bytes) -> None:
        self.lines.append(line)
        self.first.set()


async def said(*steps: Step) -> list[bytes]:
    async with scripted(*steps) as server:
        talk = Talk(server.url)
        await talk.task
        return talk.lines


@pytest.mark.parametrize(
    "message, line",
    [
        ('{"a":1}', b'{"a":1}\n'),
        ('{\n "a": [1,\r\n2]\n}', b'{  "a": [1,  2] }\n'),
        ('[{"a":1}]', b'[{"a":1}]\n'),
        ("Hello", b'{"text": "Hello"}\n'),
        ("a\nb", b'{"text": "a\\nb"}\n'),
        ("{", b'{"text": "{"}\n'),
        ("42", b'{"text": "42"}\n'),
        ('"quoted"', b'{"text": "\\"quoted\\""}\n'),
        (b'{"a":"\xc3\xbc"}', '{"a":"ü"}\n'.encode()),
        ("ü".encode(), '{"text": "ü"}\n'.encode()),
        (b"\xff", '{"text": "\N{REPLACEMENT CHARACTER}"}\n'.encode()),
    ],
)
async def test_a_message_is_a_line(message, line):
    """Whatever it holds, the lines are JSON."""
    assert await said(message, Close()) == [line, CLOSED]


async def test_lines_within_a_message_are_lines():
    """Some servers send JSON lines over a WebSocket."""
    assert await said('{"a":1}\n{"b":2}\n', Close()) == [b'{"a":1}\n', b'{"b":2}\n', CLOSED]


async def test_plain_text_may_look_like_json():
    """Where tokens come as they are, "[0]" and "{}" are tokens; an object that says something is none."""
    lines = await said("x", "[0]", "{}", '{"done": true}', Close())
    texts = [b'{"text": "%s"}\n' % text for text in (b"x", b"[0]", b"{}")]
    assert lines == [*texts, b'{"done": true}\n', CLOSED]


async def test_an_empty_message_says_nothing():
    """Some servers keep a connection alive with them."""
    assert await said("", '{"a":1}', b"", Close()) == [b'{"a":1}\n', CLOSED]


@pytest.mark.parametrize("code", [1000, 1001, None])
async def test_a_good_close_is_said(code):
    """Also one without a code, as Node's `close()` sends it; nobody waits for TCP's end."""
    assert await said("a", Close(code)) == [b'{"text": "a"}\n', CLOSED]


async def test_the_request():
    """One text message with the payload; the key in a header."""
    async with scripted(Close()) as server:
        await Talk(server.url + "/v1", "/responses?x=1", key=KEY).task
        assert [json.loads(asked) for asked in server.asked] == [{"ask": "Grüße"}]
        assert isinstance(server.asked[0], str)
        (request,) = server.requests
        assert request.path == "/v1/responses?x=1"
        assert request.headers["Authorization"] == f"Bearer {KEY.value}"


async def test_messages_come_one_by_one():
    """A message is handed over before the next is sent."""
    gate = asyncio.Event()
    async with scripted("a", gate, "b", Close()) as server:
        talk = Talk(server.url)
        await talk.first.wait()
        assert talk.lines == [b'{"text": "a"}\n']
        gate.set()
        await talk.task
        assert len(talk.lines) == 3


async def test_the_phases_are_marked():
    """In order; `headers` is when the answer begins."""
    async with scripted("a", Close()) as server:
        talk = Talk(server.url)
        told: list[float] = []
        talk.marks.on_sent = lambda: told.append(time.monotonic())
        await talk.task
        marks = talk.marks
        times = [marks.connecting, marks.connected, marks.sent, *told, marks.headers]
        assert None not in times
        assert times == sorted(times)


async def test_a_large_message():
    """Far beyond websockets' own limit of 1 MiB."""
    big = json.dumps({"a": "x" * (4 << 20)})
    assert await said(big, Close()) == [big.encode() + b"\n", CLOSED]


async def test_a_message_beyond_the_limit_is_refused(monkeypatch):
    """It is the server's fault, and said so."""
    monkeypatch.setattr(websocket_connection, "MAX_MESSAGE", 1 << 20)
    with pytest.raises(errors.ProtocolError, match="over 1 MiB"):
        await said("x" * ((1 << 20) + 1), Close())


async def test_a_cancel_is_seen_by_the_server_at_once():
    """Measured from the cancel to the server's end of the connection; usually 1 ms."""
    async with scripted("a", asyncio.Event()) as server:
        talk = Talk(server.url)
        await talk.first.wait()
        cancelled = time.monotonic()
        talk.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talk.task
        await server.gone.wait()
        print(f"server saw the cancel after {1e3 * (server.gone_at - cancelled):.1f} ms")
        assert server.gone_at - cancelled < 0.25
        assert server.code == 1001  # it was told why


@contextlib.asynccontextmanager
async def mute() -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Event]]:
    """Accept, and never answer the handshake."""
    asked, gone = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked, gone


async def test_a_cancel_in_the_handshake():
    """The server sees that end, too."""
    async with mute() as (url, asked, gone):
        talk = Talk(url)
        await asked.wait()
        talk.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talk.task
        await gone.wait()


async def test_a_server_that_does_not_answer_the_handshake_is_too_late():
    """Like one that does not answer TCP."""
    async with mute() as (url, _, gone):
        with pytest.raises(errors.Timeout, match="No connection to ws://"):
            await Talk(url, connect=0.05).task
        await gone.wait()


async def test_nobody_there_is_too_late():
    """TCP without an answer."""
    with unanswered_port() as port, pytest.raises(errors.Timeout, match="No connection"):
        await Talk(f"ws://127.0.0.1:{port}", connect=0.05).task


async def test_a_silent_stream_is_ended():
    """The idle limit begins with the connection."""
    async with scripted("a", asyncio.Event()) as server:
        with pytest.raises(errors.Timeout, match="The stream was silent"):
            await Talk(server.url, idle=0.05).task


async def test_no_first_message_in_time():
    """The limit for the first byte is one for the first message."""
    async with scripted(asyncio.Event()) as server:
        with pytest.raises(errors.Timeout, match="No first byte"):
            await Talk(server.url, first_byte=0.05).task


async def test_the_whole_answer_has_a_limit():
    """What came until then was delivered."""
    async with scripted("a", asyncio.Event()) as server:
        talk = Talk(server.url, total=0.2)
        with pytest.raises(errors.Timeout, match="No whole answer"):
            await talk.task
        assert talk.lines == [b'{"text": "a"}\n']


async def test_pings_are_life(monkeypatch):
    """Each ping moves the end of the silence."""
    touched: list[None] = []
    limits = websocket_connection.SocketConnection
    seen = limits.process_event

    def count(self: websocket_connection.SocketConnection, event: object) -> None:
        before = self.on_frame
        if before is not None:
            self.on_frame = lambda: (touched.append(None), before())
        seen(self, event)
        self.on_frame = before

    monkeypatch.setattr(limits, "process_event", count)
    assert await said(Ping, Ping, Close()) == [CLOSED]
    assert len(touched) == 3


async def test_a_full_inbox_holds_the_server_back():
    """While nobody may read, what the server can send is bounded."""
    many = ["x" * 65536] * 512  # 32 MiB
    async with scripted(*many, Close()) as server:
        talk = Talk(server.url)
        await talk.first.wait()
        assert talk.marks.connection is not None
        talk.marks.connection.pause()
        before = -1
        while server.sent != before:  # until it can send no more
            before = server.sent
            for _ in range(200):
                await asyncio.sleep(0)
        assert server.sent < len(many)
        talk.marks.connection.resume()
        await talk.task
        assert len(talk.lines) == len(many) + 1


@pytest.mark.parametrize(
    "status, kind",
    [
        (401, errors.AuthError),
        (404, errors.NotFound),
        (429, errors.RateLimited),
        (400, errors.BadRequest),
        (500, errors.ServerError),
        (301, errors.ProtocolError),
    ],
)
async def test_a_refused_handshake_is_the_same_error_as_over_http(status, kind):
    """With the service's own words, and without the key it may repeat."""
    body = json.dumps({"error": {"message": f"No, {KEY.value}."}})
    async with scripted(refuse=refusal(status, body, "application/json")) as server:
        with pytest.raises(errors.ServiceError) as caught:
            await Talk(server.url, "/x?secret=1", key=KEY).task
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert f"/x answered {status}: No, [key]." in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_how_long_to_wait_is_taken_over():
    """As over HTTP."""
    async with scripted(refuse=refusal(429, retry_after="7")) as server:
        with pytest.raises(errors.RateLimited) as caught:
            await Talk(server.url).task
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    "body, words",
    [("<html><title>Hi</title>", "a web page ('Hi')"), ("ok", "answered 200, not as a WebSocket")],
)
async def test_no_websocket_at_all(body, words):
    """A page in place of a WebSocket."""
    async with scripted(refuse=refusal(200, body, "text/html")) as server:
        with pytest.raises(errors.ProtocolError) as caught:
            await Talk(server.url).task
    assert words in str(caught.value)


async def test_a_lost_connection():
    """TCP broke in the middle."""
    async with scripted("a", Drop) as server:
        talk = Talk(server.url)
        with pytest.raises(errors.ConnectionLost, match="closed the connection before the answer"):
            await talk.task
        assert talk.lines == [b'{"text": "a"}\n']


async def test_a_close_with_another_code():
    """Its code and its words are the message, without the key."""
    async with scripted(Close(1011, f"bad {KEY.value}")) as server:
        with pytest.raises(errors.ConnectionLost) as caught:
            await Talk(server.url, "?token=abc", key=KEY).task
    assert "closed the connection (1011 bad [key])" in str(caught.value)
    assert "abc" not in str(caught.value)


async def answering(raw: bytes) -> str:
    """What is said of a server that answers the handshake with this."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(errors.ServiceError) as caught:
            await Talk(f"ws://user:secret-pw@127.0.0.1:{port}/x").task
    assert "secret-pw" not in str(caught.value)
    return f"{type(caught.value).__name__}: {caught.value}"


async def test_garbage_in_place_of_a_handshake():
    """Whose fault it is, and at which address."""
    assert "does not speak HTTP" in await answering(b"SSH-2.0-OpenSSH_9\r\n\r\n")
    assert "ConnectionLost" in await answering(b"")
    upgrade = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    said = await answering(upgrade + b"Sec-WebSocket-Accept: wrong\r\n\r\n")
    assert "does not speak WebSocket" in said


async def test_nothing_listens():
    """The same words as over HTTP."""
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    with pytest.raises(errors.ConnectionLost, match="Connection refused: nothing listens at ws://"):
        await Talk(f"ws://127.0.0.1:{port}").task


async def test_a_proxy_is_not_asked_for_loopback(monkeypatch):
    """It knows nothing of this machine's own address."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert await said(Close()) == [CLOSED]


async def test_a_proxy_is_asked_for_other_hosts(monkeypatch):
    """With CONNECT, the host's name unresolved."""
    heads: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    async with listening:
        with pytest.raises(errors.ConnectionLost, match="proxy did not lead to ws://"):
            await Talk("ws://host.invalid/x").task
    assert heads[0].startswith(b"CONNECT host.invalid:80 ")


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    """It is an extra."""
    for name in ("ipyllm.transport.websocket", "ipyllm.transport.websocket_connection"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "websockets", None)
    for name in ("websockets.exceptions", "websockets.asyncio.client", "websockets.frames"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(errors.UsageError, match="pip install websockets"):
        importlib.import_module("ipyllm.transport.websocket")
