"""One streaming POST over a real socket: bytes, marks, and errors in words."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import pytest
from transport.conftest import Close, Reset, Server

from ipyllm import errors
from ipyllm.keys import Key
from ipyllm.providers import Target
from ipyllm.transport.http import Marks, get_json, post, warm_up
from ipyllm.transport.limits import Limits, Watchdog

CHUNKED = {"Transfer_Encoding": "chunked"}
LAST = b"0\r\n\r\n"


def chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


class Asked:
    """A request, and what became of it."""

    def __init__(self, url: str, *, key: str = "") -> None:
        self.target = Target("test", "m", "openai_chat", url, Key("TEST_KEY", key) if key else None)
        self.marks = Marks(time.monotonic)
        self.pieces: list[bytes] = []
        self.arrived = asyncio.Event()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def deliver(self, piece: bytes) -> None:
        self.pieces.append(piece)
        self.arrived.set()

    async def run(
        self, limits: Limits | None = None, payload: dict[str, Any] | None = None
    ) -> bytes:
        await post(
            self.target,
            "/chat/completions",
            payload or {"model": "m"},
            self.deliver,
            marks=self.marks,
            limits=limits or Limits(),
        )
        return self.body


async def refused(server: Server, **options: Any) -> errors.ServiceError:
    with pytest.raises(errors.ServiceError) as caught:
        await Asked(server.url, **options).run()
    return caught.value


async def test_the_request_is_plain_json_and_asks_for_no_compression(server, head):
    """What is sent is what was given; characters stay characters."""
    server.answer(head(**CHUNKED) + LAST)
    await Asked(server.url, key="sk-1").run(payload={"model": "m", "é": "\ud83d"})
    (exchange,) = server.exchanges
    lines = exchange.head.lower().splitlines()
    assert lines[0] == "post /v1/chat/completions http/1.1"
    assert "accept-encoding: identity" in lines
    assert "content-type: application/json" in lines
    assert "authorization: bearer sk-1" in lines
    assert json.loads(exchange.body) == {"model": "m", "é": "?"}


async def test_without_a_key_no_authorization_is_sent(server, head):
    """A local server gets no header it might refuse."""
    server.answer(head(**CHUNKED) + LAST)
    await Asked(server.url).run()
    assert "authorization" not in server.exchanges[0].head.lower()


async def test_a_chunked_body_is_delivered_without_its_framing(server, head):
    """The payload arrives, however the framing is cut."""
    raw = head(**CHUNKED) + chunk(b"data: a\n\n") + chunk(b"data: b\n\n") + LAST
    server.answer(*[raw[i : i + 7] for i in range(0, len(raw), 7)])
    assert await Asked(server.url).run() == b"data: a\n\ndata: b\n\n"


async def test_each_token_is_delivered_before_the_next_is_sent(server, head):
    """No byte waits for a chunk to be whole or for the answer to end."""
    gates = [asyncio.Event() for _ in range(3)]
    server.answer(
        head(**CHUNKED), gates[0], b"f\r\ndata:", gates[1], b" token 1\n\n\r\n", gates[2], LAST
    )
    asked = Asked(server.url)
    running = asyncio.create_task(asked.run())
    for gate, body in zip(gates, [b"", b"data:", b"data: token 1\n\n"], strict=True):
        while asked.body != body:
            asked.arrived.clear()
            await asked.arrived.wait()
        gate.set()
    assert await running == b"data: token 1\n\n"


async def test_body_and_head_in_one_packet(server, head):
    """All of a short answer may come at once."""
    server.answer(head(**CHUNKED) + chunk(b"a") + LAST)
    assert await Asked(server.url).run() == b"a"


async def test_a_connection_is_used_again(server, head):
    """The second request goes out on the same socket, and says that no connecting was needed."""
    asked = [Asked(server.url) for _ in range(3)]
    for number, one in enumerate(asked):
        server.answer(head(**CHUNKED) + chunk(b"%d" % number) + LAST)
        assert await one.run() == b"%d" % number
    assert [exchange.connection for exchange in server.exchanges] == [0, 0, 0]
    assert asked[0].marks.connected is not None
    assert asked[1].marks.connecting is asked[1].marks.connected is None


async def test_trailers_do_not_cost_the_connection(server, head):
    """What follows the last chunk is read to its end."""
    server.answer(head(**CHUNKED) + chunk(b"a") + b"0\r\nDigest: x\r\n\r\n")
    server.answer(head(**CHUNKED) + chunk(b"b") + LAST)
    assert [await Asked(server.url).run(), await Asked(server.url).run()] == [b"a", b"b"]
    assert server.connections == 1


async def test_a_body_of_known_length(server, head):
    """A server that does not stream is read as well, and its connection kept."""
    for _ in range(2):
        server.answer(head(kind="application/json", Content_Length=2) + b"{}")
        assert await Asked(server.url).run() == b"{}"
    assert server.connections == 1


async def test_a_body_that_ends_with_its_connection(server, head):
    """Neither chunked nor of known length: the end of the connection is the end of the body."""
    server.answer(head(Connection="close") + b"data: a\n\n", Close)
    assert await Asked(server.url).run() == b"data: a\n\n"


async def test_early_hints_come_before_the_head(server, head):
    """An informational response is none of the answer."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    gate = asyncio.Event()
    server.answer(hints, hints + head(**CHUNKED) + chunk(b"a"), gate, LAST)
    asked = Asked(server.url)
    running = asyncio.create_task(asked.run())
    await asked.arrived.wait()
    gate.set()
    assert await running == b"a"


async def test_marks_are_in_order(server, head):
    """Connecting, connected, sent, headers: each has its time."""
    server.answer(head(**CHUNKED) + LAST)
    asked = Asked(server.url)
    sent: list[float | None] = []
    asked.marks.on_sent = lambda: sent.append(asked.marks.sent)
    await asked.run()
    marks = [asked.marks.connecting, asked.marks.connected, asked.marks.sent, asked.marks.headers]
    assert None not in marks
    assert marks == sorted(marks)
    assert sent == [asked.marks.sent]


STATUSES = {
    "401": ("401 Unauthorized", errors.AuthError, "Check the key."),
    "403": ("403 Forbidden", errors.AuthError, "Check the key."),
    "404": ("404 Not Found", errors.NotFound, "Check the model's name and the base URL."),
    "429": ("429 Too Many Requests", errors.RateLimited, "Wait a little and run the cell again."),
    "400": ("400 Bad Request", errors.BadRequest, ""),
    "422": ("422 Unprocessable", errors.BadRequest, ""),
    "500": ("500 Oops", errors.ServerError, "Run the cell again; nothing was received."),
    "503": ("503 Busy", errors.Overloaded, "Wait a little and run the cell again."),
    "529": ("529 Overloaded", errors.Overloaded, "Wait a little and run the cell again."),
    "402": ("402 Payment Required", errors.RateLimited, "Wait a little and run the cell again."),
    "301": ("301 Moved", errors.ProtocolError, "Is the base URL right? It usually ends in /v1."),
}
BODIES = {
    "JSON": ('{"error":{"message":"No  such\\nthing."}}', ": No such thing."),
    "text": ("No such thing", ": No such thing."),
    "HTML": (
        "<!DOCTYPE html><html><head><title>\n Gone </title></head></html>",
        ": a web page ('Gone').",
    ),
    "nothing": ("", None),
}


@pytest.mark.parametrize("body, said", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("status, kind, hint", STATUSES.values(), ids=STATUSES)
async def test_an_error_status_is_told_in_one_sentence(
    server, head, status, kind, hint, body, said
):
    """The class is the status', the words are the service's, the hint is ours."""
    code, _, phrase = status.partition(" ")
    server.answer(head(status, "application/json", Content_Length=len(body)) + body.encode())
    error = await refused(server)
    assert type(error) is kind
    assert error.status == int(code)
    said = f" {phrase}." if said is None else said
    assert error.message == f"{server.url}/chat/completions answered {code}{said}"
    assert error.hint == hint


async def test_a_chunked_error_body_is_read(server, head):
    """Errors may come chunked as well."""
    body = b'{"error":"model \'x\' not found"}'
    server.answer(
        head("404 Not Found", "application/json", **CHUNKED)
        + chunk(body[:9])
        + chunk(body[9:])
        + LAST
    )
    assert "model 'x' not found" in (await refused(server)).message


async def test_an_endless_error_body_is_not_read_to_its_end(server, head):
    """64 KiB of an error are enough, and 500 characters of them enough for people."""
    server.answer(
        head("500 Oops", "text/plain", **CHUNKED) + chunk(b"x" * 100_000), asyncio.Event()
    )
    error = await refused(server)
    assert 500 <= len(error.message) < 700


async def test_retry_after_is_passed_on(server, head):
    """How long the service asks to wait is in the hint."""
    server.answer(head("429 Too Many", Retry_After="17", Content_Length=0))
    assert (await refused(server)).hint == "It asks to wait 17 s."
    server.answer(
        head("429 Too Many", Retry_After="Fri, 31 Dec 1999 23:59:59 GMT", Content_Length=0)
    )
    assert (await refused(server)).hint == "Wait a little and run the cell again."


@pytest.mark.parametrize(
    "headers, seconds",
    [
        ({"Retry_After": "17"}, 17.0),
        ({"Retry_After": "1", "retry_after_ms": "250"}, 0.25),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "\u00b2.5"}, None),
        ({"Retry_After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0.0),
        ({}, None),
    ],
    ids=str,
)
async def test_the_wait_a_service_asks_for_is_known(server, head, headers, seconds):
    """The finer header wins."""
    server.answer(head("429 Too Many", Content_Length=0, **headers))
    assert (await refused(server)).retry_after == seconds


@pytest.mark.parametrize("said, retry", [("true", True), ("false", False), ("", None)])
async def test_a_service_says_whether_to_try_again(server, head, said, retry):
    """`x-should-retry` is passed on."""
    more = {"x_should_retry": said} if said else {}
    server.answer(head("500 Oops", Content_Length=0, **more))
    assert (await refused(server)).retry is retry


async def test_a_spent_quota_is_not_asked_again(server, head):
    """Waiting does not fill an account."""
    body = (
        b'{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
    )
    server.answer(head("429 Too Many", "application/json", Content_Length=len(body)) + body)
    error = await refused(server)
    assert (type(error), error.retry) == (errors.RateLimited, False)


async def test_the_first_byte_can_have_a_limit(server, head):
    """The head is no byte of the answer."""
    server.answer(head(**CHUNKED), asyncio.Event())
    with pytest.raises(errors.Timeout, match=r"No first byte within 0\.05 s"):
        await Asked(server.url).run(Limits(first_byte=0.05))


async def test_the_first_byte_ends_its_limit():
    """After it only silence counts."""
    watchdog = Watchdog(Limits(first_byte=30.0))
    watchdog.body()
    watchdog._no_byte()
    watchdog.stop()
    assert watchdog.expired is None


async def test_a_json_document_is_fetched(server, head):
    """A list of models is no stream."""
    body = b'{"data": [{"id": "m"}]}'
    server.answer(head("200 OK", "application/json", Content_Length=len(body)) + body)
    target = Target("test", "", "openai_chat", server.url, Key("TEST_KEY", "sk-secret-key"))
    assert await get_json(target, "/models") == {"data": [{"id": "m"}]}


async def test_what_is_no_json_document_is_said_so(server, head):
    """One of our errors, never a decoder's."""
    server.answer(head("200 OK", "application/json", Content_Length=3) + b"{,}")
    with pytest.raises(errors.ServiceError):
        await get_json(Target("test", "", "openai_chat", server.url), "/models")


async def test_a_refusal_counts_though_its_body_is_cut(server, head):
    """The status came."""
    server.answer(
        head("401 Unauthorized", "application/json", Content_Length=500) + b'{"err', Close
    )
    assert type(await refused(server)) is errors.AuthError


async def test_what_a_service_asks_for_in_its_body(server, head):
    """Gemini says it in the error's details."""
    body = b'{"error": {"message": "x", "details": [{"retryDelay": "17s"}]}}'
    server.answer(head("429 Too Many", "application/json", Content_Length=len(body)) + body)
    assert (await refused(server)).retry_after == 17.0


@pytest.mark.parametrize("payload", [{"x": b"1"}, {"x": float("nan")}], ids=str)
async def test_what_is_no_json_is_not_sent(server, payload):
    """One line, before anything is asked."""
    with pytest.raises(errors.UsageError, match="The request is no JSON"):
        await Asked(server.url).run(payload=payload)
    assert server.exchanges == []


async def test_a_web_page_with_200_is_no_stream(server, head):
    """A wrong base URL often answers with a page; its title helps to see which."""
    page = b"<html><title>Open WebUI</title></html>"
    server.answer(head(kind="text/html; charset=utf-8", Content_Length=len(page)) + page)
    error = await refused(server)
    assert type(error) is errors.ProtocolError
    assert "answered with a web page ('Open WebUI'), not a stream" in error.message
    assert "/v1" in error.hint


async def test_a_refused_port(unused_port):
    """Nothing listens: the address is in the message, and what to look at."""
    with pytest.raises(errors.ConnectionLost) as caught:
        await Asked(f"http://127.0.0.1:{unused_port}/v1").run()
    where = f"http://127.0.0.1:{unused_port}/v1/chat/completions"
    assert (
        str(caught.value)
        == f"Connection refused: nothing listens at {where}. Is the server running?"
    )
    assert caught.value.retry is False


@pytest.fixture
async def unused_port(server):
    """Give a port nothing listens at (asked for the server's clean-up of the client)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("end", [Close, Reset])
@pytest.mark.parametrize(
    "sent",
    [b"", chunk(b"data: a\n\n"), b"10\r\ndata: a\n\n"],
    ids=["nothing", "a chunk", "half a chunk"],
)
async def test_a_body_cut_short_is_a_lost_connection(server, head, sent, end):
    """Without its last chunk a body is not whole; what came was delivered."""
    held = asyncio.Event()
    server.answer(head(**CHUNKED) + sent, held, end)
    asked = Asked(server.url)
    running = asyncio.create_task(asked.run())
    if sent:
        await asked.arrived.wait()
    held.set()
    with pytest.raises(
        errors.ConnectionLost, match="closed the connection before the answer was whole"
    ):
        await running
    assert asked.body == (b"data: a\n\n" if sent else b"")


@pytest.mark.parametrize("end", [Close, Reset])
async def test_a_connection_cut_before_the_head(server, end):
    """A new connection that is closed without an answer is no reason to try again."""
    server.answer(end)
    server.answer(end)
    assert type(await refused(server)) is errors.ConnectionLost
    assert len(server.exchanges) == 1


async def test_a_body_of_known_length_cut_short(server, head):
    """Fewer bytes than announced are a lost connection."""
    server.answer(head(Content_Length=100) + b"data: a\n\n", Close)
    assert type(await refused(server)) is errors.ConnectionLost


async def test_broken_chunks_are_a_protocol_error(server, head):
    """A body that is not chunked as it says is told apart from a cut one, and its connection dropped."""
    server.answer(head(**CHUNKED) + b"zz\r\n", asyncio.Event())
    server.answer(head(**CHUNKED) + LAST)
    assert type(await refused(server)) is errors.ProtocolError
    await server.gone.wait()
    await Asked(server.url).run()
    assert server.connections == 2


async def test_no_http_at_all(server):
    """Garbage in place of a head is an error, not a wait."""
    server.answer(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", asyncio.Event())
    assert isinstance(await refused(server), errors.ServiceError)


async def test_a_kept_connection_that_went_stale_is_tried_again(server, head):
    """The server closed it meanwhile and saw nothing of the request: it is sent once more."""
    server.answer(head(**CHUNKED) + chunk(b"a") + LAST)
    await Asked(server.url).run()
    server.answer(Close)  # the request arrives, and the server hangs up
    server.answer(head(**CHUNKED) + chunk(b"b") + LAST)
    assert await Asked(server.url).run() == b"b"
    assert [exchange.connection for exchange in server.exchanges] == [0, 0, 1]


async def test_a_closed_kept_connection_is_not_used(server, head):
    """A connection the server closed after its answer is found dead, and a new one made."""
    closed = asyncio.Event()
    server.answer(head(**CHUNKED) + chunk(b"a") + LAST, closed, Close)
    server.answer(head(**CHUNKED) + chunk(b"b") + LAST)
    await Asked(server.url).run()
    closed.set()
    assert await Asked(server.url).run() == b"b"
    assert [exchange.connection for exchange in server.exchanges] == [0, 1]


async def test_a_second_try_is_the_last(server, head):
    """A server that always hangs up is not asked for ever."""
    server.answer(head(**CHUNKED) + chunk(b"a") + LAST)
    await Asked(server.url).run()
    for _ in range(3):
        server.answer(Close)
    assert type(await refused(server)) is errors.ConnectionLost
    assert len(server.exchanges) == 3


async def test_an_answer_that_began_is_never_asked_for_again(server, head):
    """After the head, a cut is a cut, also on a kept connection."""
    server.answer(head(**CHUNKED) + chunk(b"a") + LAST)
    await Asked(server.url).run()
    server.answer(head(**CHUNKED) + chunk(b"b"), Close)
    server.answer(head(**CHUNKED) + chunk(b"c") + LAST)
    assert type(await refused(server)) is errors.ConnectionLost
    assert len(server.exchanges) == 2


async def test_silence_ends_at_the_idle_limit(server, head):
    """A stream that says nothing for too long is given up; what came was delivered."""
    server.answer(head(**CHUNKED) + chunk(b"a"), asyncio.Event())
    asked = Asked(server.url)
    with pytest.raises(errors.Timeout, match=r"silent for 0\.05 s"):
        await asked.run(Limits(idle=0.05))
    assert asked.body == b"a"
    await server.gone.wait()


async def test_prefill_is_no_silence(server, head):
    """The idle clock starts with the response: a long prompt may take its time."""
    held = asyncio.Event()
    server.answer(held, head(**CHUNKED) + LAST)
    asked = Asked(server.url)
    running = asyncio.create_task(asked.run(Limits(idle=0.02)))
    done, _ = await asyncio.wait({running}, timeout=0.1)
    assert not done
    held.set()
    assert await running == b""


async def test_the_total_limit_holds_before_the_head(server):
    """A server that never answers is given up at the total limit."""
    server.answer(asyncio.Event())
    with pytest.raises(errors.Timeout, match=r"No whole answer within 0\.05 s"):
        await Asked(server.url).run(Limits(total=0.05))
    await server.gone.wait()


async def test_the_total_limit_holds_for_a_busy_stream(server, head):
    """Signs of life do not extend the total."""
    server.answer(head(**CHUNKED) + chunk(b": ping\n") * 50, asyncio.Event())
    with pytest.raises(errors.Timeout):
        await Asked(server.url).run(Limits(idle=None, total=0.05))


async def test_cancel_closes_the_socket(server, head):
    """The server sees the end, so that it stops generating."""
    server.answer(head(**CHUNKED) + chunk(b"a"), asyncio.Event())
    asked = Asked(server.url)
    running = asyncio.create_task(asked.run())
    await asked.arrived.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await server.gone.wait()


async def test_cancel_before_the_head_closes_the_socket(server):
    """Prefill can be cancelled, too."""
    server.answer(asyncio.Event())
    asked = Asked(server.url)
    sent = asyncio.Event()
    asked.marks.on_sent = sent.set
    running = asyncio.create_task(asked.run())
    await sent.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    if server.exchanges:
        await server.gone.wait()


async def test_an_exception_of_the_receiver_is_carried_out(server, head):
    """A bug where bytes are handed over is raised, not swallowed in a callback."""
    server.answer(head(**CHUNKED) + chunk(b"a"), asyncio.Event())
    asked = Asked(server.url)

    def fail(_piece: bytes) -> None:
        raise ZeroDivisionError

    asked.deliver = fail
    with pytest.raises(ZeroDivisionError):
        await asked.run()


@pytest.mark.parametrize("status", ["401 Unauthorized", "429 Too Many", "500 Oops"])
async def test_a_key_that_the_service_echoes_is_hidden(server, head, status):
    """No message, no representation and no cause holds the key."""
    body = b'{"error":{"message":"Incorrect API key provided: sk-secret-123."}}'
    server.answer(head(status, "application/json", Content_Length=len(body)) + body)
    error = await refused(server, key="sk-secret-123")
    assert "[key]" in str(error)
    seen: BaseException | None = error
    while seen is not None:
        assert "sk-secret-123" not in f"{seen!r} {seen}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


async def test_a_url_is_shown_without_its_secrets(server):
    """User, password and query of a base URL are in no message."""
    server.answer(Close)
    asked = Asked(f"http://user:pass@127.0.0.1:{server.port}/v1?token=t0ken&path=")
    with pytest.raises(errors.ConnectionLost) as caught:
        await asked.run()
    assert f"http://127.0.0.1:{server.port}/v1/chat/completions closed" in str(caught.value)
    for secret in ("user", "pass", "t0ken"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"]
)
async def test_loopback_needs_no_proxy(server, head, monkeypatch, name):
    """A proxy of the environment is not asked for this machine's own addresses."""
    monkeypatch.setenv(name, "http://127.0.0.1:9/")
    server.answer(head(**CHUNKED) + chunk(b"a") + LAST)
    assert await Asked(server.url).run() == b"a"


async def test_a_proxy_is_asked_for_other_hosts(server, head, monkeypatch):
    """Elsewhere the environment's proxy is used, as people expect."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.answer(head(**CHUNKED) + chunk(b"a") + LAST)
    assert await Asked("http://model.invalid/v1").run() == b"a"
    assert server.exchanges[0].head.startswith("POST http://model.invalid/v1/chat/completions")


@pytest.mark.parametrize("url", ["ftp://x/v1", "http://[::1/v1"])
async def test_what_is_no_address_is_said_to_be_none(server, url):
    """A base URL with a slip of the pen is one sentence that says where to look."""
    with pytest.raises(errors.ConnectionLost) as caught:
        await Asked(url).run()
    assert "is no address" in caught.value.message
    assert caught.value.hint == "Check --base-url."


async def test_warming_up_asks_nobody(server):
    """What is built ahead makes no connection."""
    await warm_up()
    assert server.connections == 0
