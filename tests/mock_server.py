"""
A loopback LLM server that does exactly what a test scripted, and remembers what the client did.

It speaks the OpenAI chat completions API over HTTP/1.1 on its own thread. An answer is a list of
steps; a test that must not depend on timing holds it at a gate:

    gate = mock.gate()
    mock.answer(Token("Hello"), Hold(gate), Token(" world"), End())
    ...                                  # the client has "Hello" and waits
    gate.open()

What came is in `mock.exchanges`, one `Exchange` per request, with the times of every token and of
the client's going away. All times are `time.monotonic()`, seconds; on Linux they compare between
processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

WAIT_LIMIT = 30.0  # seconds that any wait_for_... of a test may take before it fails


class Gate:
    """Something to hold an answer at, opened by the test; stays open."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def open(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)

    async def passed(self) -> None:
        await self._event.wait()


@dataclass(frozen=True)
class Token:
    """One chunk with text, or with `reasoning_content`."""

    text: str
    reasoning: bool = False


@dataclass(frozen=True)
class Progress:
    """llama.cpp's `prompt_progress` while it reads the prompt, with its repeated role."""

    processed: int
    total: int


@dataclass(frozen=True)
class Pause:
    """Write nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Hold:
    """Write nothing until the gate opens; without a gate, until the client goes away."""

    gate: Gate | None = None


@dataclass(frozen=True)
class Raw:
    """These very bytes, as one write."""

    data: bytes


@dataclass(frozen=True)
class End:
    """finish_reason, usage (counted from the tokens sent) and [DONE]."""

    reason: str = "stop"
    usage: bool = True
    done: bool = True


@dataclass(frozen=True)
class Drop:
    """Cut the connection here: a FIN without the end of the body, or a RST."""

    reset: bool = False


Step = Token | Progress | Pause | Hold | Raw | End | Drop


@dataclass(frozen=True)
class Answer:
    """
    What a request gets.

    * `before`: done before the status line is written; a `Hold()` here means no headers at all.
    * `body`: a whole body, sent with its length; None streams `steps` as server-sent events.
    """

    steps: Sequence[Step] = ()
    before: Sequence[Step] = ()
    status: int = 200
    content_type: str = "text/event-stream; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


@dataclass
class Exchange:
    """
    One request and what became of it. Times in monotonic seconds, None until they happen.

    * `accepted`, `requested`, `answered`: connection taken, request read, status line written.
    * `sent`: when each `Token` was written.
    * `gone`: the client closed before the answer was whole.
    * `finished`: the answer was written to its end.
    """

    accepted: float
    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    requested: float | None = None
    answered: float | None = None
    sent: list[float] = field(default_factory=list[float])
    gone: float | None = None
    finished: float | None = None

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    def wait_requested(self) -> float:
        return wait_for(lambda: self.requested, "the request")

    def wait_sent(self, count: int) -> float:
        """Wait until so many tokens are written; gives when the last of them was."""
        wait_for(lambda: len(self.sent) >= count or None, f"{count} tokens to be written")
        return self.sent[count - 1]

    def wait_gone(self) -> float:
        return wait_for(lambda: self.gone, "the client to go away")

    def wait_finished(self) -> float:
        return wait_for(lambda: self.finished, "the answer to be finished")


def wait_for(value: Callable[[], Any], what: str, limit: float = WAIT_LIMIT) -> Any:
    """Poll until `value()` is not None and give it; fail after `limit` seconds."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if (seen := value()) is not None:
            return seen
        time.sleep(0.002)
    raise AssertionError(f"waited {limit} s for {what}")


class MockServer:
    """The server. Queued answers are used in order, once each; the last one again and again."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.deaf = False  # accept connections and never answer a request
        self._answers: list[Answer] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mock-server")
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        )
        self._server = listening.result(WAIT_LIMIT)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    # For tests

    def gate(self) -> Gate:
        return Gate(self._loop)

    def answer(self, *steps: Step, before: Sequence[Step] = ()) -> None:
        """Queue a streamed answer."""
        self.respond(Answer(steps, before))

    def tokens(self, count: int, interval: float = 0.0) -> None:
        """Queue an answer of `count` tokens "t0 ", "t1 ", ..., `interval` seconds apart."""
        steps: list[Step] = []
        for index in range(count):
            steps += [Token(f"t{index} "), Pause(interval)] if interval else [Token(f"t{index} ")]
        self.answer(*steps, End())

    def fail(self, status: int, body: bytes | str | dict[str, Any], **headers: str) -> None:
        """Queue an HTTP error; a dict becomes JSON, text beginning with "<" HTML."""
        self.respond(whole(body, status=status, **headers))

    def respond(self, answer: Answer) -> None:
        """Queue an answer."""
        self._answers.append(answer)

    def exchange(self, index: int = -1) -> Exchange:
        """Give a request once it has come: the last, or number `index`."""
        needed = index + 1 if index >= 0 else -index
        wait_for(lambda: len(self.exchanges) >= needed or None, f"{needed} requests")
        return self.exchanges[index]

    def reset(self) -> None:
        """Drop every connection and forget everything, for the next test."""
        self._run(self._drop_all())
        self.exchanges.clear()
        self._answers.clear()
        self.deaf = False

    def close(self) -> None:
        self._run(self._drop_all())
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_LIMIT)
        self._loop.close()

    # On the server's thread

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_LIMIT)

    async def _drop_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()
        while self._writers:  # noqa: ASYNC110 - a set that empties has no event
            await asyncio.sleep(0.001)

    async def _stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._writers.discard(writer)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; gives whether the connection can take another."""
        exchange = Exchange(accepted=time.monotonic())
        if self.deaf:
            self.exchanges.append(exchange)
            await self._until_gone(reader, exchange)
            return False
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        exchange.method, exchange.path, _ = head[0].split(" ", 2)
        pairs = (line.split(":", 1) for line in head[1:] if line)
        exchange.headers = {name.strip().lower(): value.strip() for name, value in pairs}
        exchange.body = await reader.readexactly(int(exchange.headers.get("content-length", "0")))
        exchange.requested = time.monotonic()
        answer = self._next_answer()
        self.exchanges.append(exchange)
        answering = asyncio.ensure_future(self._answer(answer, exchange, writer))
        leaving = asyncio.ensure_future(self._until_gone(reader, exchange))
        done, rest = await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        return answering in done and answering.result()

    def _next_answer(self) -> Answer:
        if not self._answers:
            return whole("the test has scripted no answer", status=501)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def _until_gone(self, reader: asyncio.StreamReader, exchange: Exchange) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(65536):
                pass
        if exchange.finished is None:
            exchange.gone = time.monotonic()

    async def _answer(
        self, answer: Answer, exchange: Exchange, writer: asyncio.StreamWriter
    ) -> bool:
        for step in answer.before:
            await self._do(step, exchange, writer)
        lines = [f"HTTP/1.1 {answer.status} Mocked", f"Content-Type: {answer.content_type}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        body = answer.body
        lines.append(
            "Transfer-Encoding: chunked" if body is None else f"Content-Length: {len(body)}"
        )
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))
        exchange.answered = time.monotonic()
        for step in answer.steps:
            if isinstance(step, Drop):
                if step.reset:
                    linger = struct.pack("ii", 1, 0)
                    sock = writer.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                exchange.finished = time.monotonic()
                return False
            await self._do(step, exchange, writer)
        if body is None:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        exchange.finished = time.monotonic()
        return True

    async def _do(self, step: Step, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        match step:
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Hold(None):
                await asyncio.get_running_loop().create_future()
            case Hold(gate):
                await gate.passed()
            case _:
                data = encode(step, len(exchange.sent))
                writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                if isinstance(step, Token):
                    exchange.sent.append(time.monotonic())
                await writer.drain()


def whole(body: bytes | str | dict[str, Any], *, status: int = 200, **headers: str) -> Answer:
    """Make an answer that is not a stream; in header names "_" stands for "-"."""
    match body:
        case dict():
            content_type, data = "application/json", json.dumps(body).encode()
        case str():
            kind = "html" if body.lstrip().startswith("<") else "plain"
            content_type, data = f"text/{kind}; charset=utf-8", body.encode()
        case _:
            content_type, data = "application/octet-stream", body
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status=status, content_type=content_type, headers=pairs, body=data)


def chunk(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
    """Give one chat.completion.chunk as a server-sent event."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event(choices=[choice], **more)


def event(**fields: Any) -> bytes:
    common = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1700000000}
    return f"data: {json.dumps({**common, 'model': 'mock', **fields})}\n\n".encode()


def encode(step: Step, tokens: int) -> bytes:
    """Give a step's bytes; `tokens` is how many were sent so far."""
    match step:
        case Token(text, reasoning):
            return chunk({"reasoning_content" if reasoning else "content": text})
        case Progress(processed, total):
            progress = {"total": total, "cache": 0, "processed": processed, "time_ms": processed}
            return chunk({"role": "assistant", "content": None}, prompt_progress=progress)
        case Raw(data):
            return data
        case End(reason, usage, done):
            counts = {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": tokens + 7}
            last = event(choices=[], usage=counts) if usage else b""
            return chunk({}, reason) + last + (b"data: [DONE]\n\n" if done else b"")
        case _:
            raise AssertionError(f"{step} writes nothing")


@contextlib.contextmanager
def unanswered_port() -> Iterator[int]:
    """Give a port where a connection attempt neither succeeds nor fails: its backlog is full."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def refused_port() -> int:
    """Give a port where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
