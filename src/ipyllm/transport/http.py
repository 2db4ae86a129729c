"""One streaming POST: bytes to `deliver` as they arrive, and marks of time."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio.lowlevel
import httpcore
import httpx

from ipyllm import errors
from ipyllm.transport import failure
from ipyllm.transport.connection import Connection, ConnectionBackend
from ipyllm.transport.discretion import keep_out_of_logs
from ipyllm.transport.limits import Limits, Watchdog
from ipyllm.wire.chunked import ChunkedDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from ipyllm.providers import Target

__all__ = ("Marks", "get_json", "post", "warm_up")


_PATIENCE = 10.0  # seconds for a document that nobody streams


@dataclass(slots=True)
class Marks:
    """When each phase ended, on the caller's clock (s); None: it has not, or was not needed."""

    clock: Callable[[], float]
    connecting: float | None = None
    connected: float | None = None
    sent: float | None = None
    headers: float | None = None
    on_sent: Callable[[], None] | None = None
    on_headers: Callable[[Mapping[str, str]], None] | None = None
    connection: Connection | None = None  # the one this request uses, once it is known

    async def trace(self, name: str, info: dict[str, Any]) -> None:
        """Httpcore calls this at each step (its `trace` extension)."""
        if name == "connection.connect_tcp.started":
            self.connecting = self.clock()
        elif name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self.connected = self.clock()
            opened = info.get("return_value")
            self.connection = opened if isinstance(opened, Connection) else None
        elif name.endswith("send_request_body.complete"):
            self.sent = self.clock()
            if self.on_sent is not None:
                self.on_sent()
        elif name.endswith("receive_response_headers.complete"):
            self.headers = self.clock()


async def post(
    target: Target,
    path: str,
    payload: dict[str, Any],
    deliver: Callable[[bytes], None],
    *,
    marks: Marks,
    limits: Limits,
) -> None:
    """
    Send `payload`; call `deliver` with the response body's bytes, as they arrive, until they end.

    Raises:
        ServiceError: refused, unreachable, an error status, not a stream, cut, or too late.
        UsageError: the payload is no JSON.
    """
    content = _encoded(payload)
    watchdog = Watchdog(limits)
    url = target.url(path)
    try:
        try:
            await _post(target, url, content, deliver, marks, limits, watchdog)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if marks.headers is not None or marks.connecting is not None:
                raise
            # A kept connection that the server had closed meanwhile: it has seen nothing of
            # this request. llama.cpp closes after every stream, whatever its headers say.
            await _post(target, url, content, deliver, marks, limits, watchdog)
    except asyncio.CancelledError:
        # httpcore leaves a connection open that was cancelled between its TCP and its request.
        if marks.connection is not None:
            marks.connection.abort()
        if watchdog.expired:
            raise watchdog.expired from None
        raise
    except errors.ServiceError as exc:
        raise failure.hidden(exc, target.key) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpcore.NetworkError, OSError, ValueError) as exc:
        raise failure.hidden(failure.mapped(exc, url), target.key) from None
    finally:
        watchdog.stop()


def _encoded(payload: dict[str, Any]) -> bytes:
    try:
        text = json.dumps(payload, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as exc:
        raise errors.UsageError(f"The request is no JSON: {exc}.") from None
    return text.encode(errors="replace")


async def _post(
    target: Target,
    url: str,
    content: bytes,
    deliver: Callable[[bytes], None],
    marks: Marks,
    limits: Limits,
    watchdog: Watchdog,
) -> None:
    # Compression would hold back bytes and blur their times.
    headers = {"accept": "text/event-stream", "accept-encoding": "identity"}
    timeout = httpx.Timeout(None, connect=limits.connect)
    sending = _client(url).stream(
        "POST",
        url,
        content=content,
        headers=headers | {"content-type": "application/json"},
        auth=_Auth(target),
        timeout=timeout,
        extensions={"trace": marks.trace},
    )
    async with sending as response:
        watchdog.touch()
        if marks.on_headers is not None:
            marks.on_headers(response.headers)
        await failure.check(response, url)

        def take(body: bytes) -> None:
            watchdog.body()
            if body:
                deliver(body)

        await _read(response, take, marks)


class _Auth(httpx.Auth):
    """Puts the key in; a variable of ours that held it would stand in tracebacks with variables."""

    def __init__(self, target: Target) -> None:
        keep_out_of_logs(target)
        self._target = target

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers.update(self._target.all_headers)
        yield request


async def get_json(target: Target, path: str) -> Any:
    """
    Fetch a JSON document, such as a list of models.

    Raises:
        ServiceError: as `post`, or it is no JSON.
    """
    url = target.url(path)
    headers = {"accept": "application/json"}
    try:
        auth = _Auth(target)
        sending = _client(url).stream("GET", url, headers=headers, auth=auth, timeout=_PATIENCE)
        async with sending as response:
            await failure.check(response, url)
            return json.loads(await response.aread())
    except errors.ServiceError as exc:
        raise failure.hidden(exc, target.key) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpcore.NetworkError, OSError, ValueError) as exc:
        raise failure.hidden(failure.mapped(exc, url), target.key) from None


async def _read(response: httpx.Response, take: Callable[[bytes], None], marks: Marks) -> None:
    stream = response.extensions.get("network_stream")
    chunked = response.headers.get("transfer-encoding", "").lower() == "chunked"
    plain = response.headers.get("content-encoding", "identity") == "identity"
    direct = plain and chunked and response.http_version == "HTTP/1.1"
    if direct and isinstance(stream, Connection):
        decoder = ChunkedDecoder()

        def take_raw(raw: bytes) -> bool:
            take(decoder.feed(raw))
            if decoder.broken is not None:
                raise decoder.broken
            return decoder.finished

        marks.connection = stream
        await stream.take_over(take_raw)
        marks.connection = None  # the pool's again
        async for _ in response.aiter_raw():
            pass  # h11 sees the end, and the connection can be used again
    else:  # a proxy, HTTP/2, a body of known length, or compressed though we asked it not to be
        async for body in response.aiter_bytes():
            take(body)


# one client for plain and one for TLS: the TLS context alone costs 30 ms of CPU
_clients: dict[tuple[int, str, bool], httpx.AsyncClient] = {}


def _client(url: str) -> httpx.AsyncClient:
    scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
    # The embedded model's key must not go to a proxy, and its address means nothing there.
    local = host in ("localhost", "::1") or host.startswith("127.")
    proxied = not local and bool(set(urllib.request.getproxies()) & {"http", "https", "all"})
    key = (id(asyncio.get_running_loop()), scheme, proxied)
    if key not in _clients:
        # httpx reads proxies from the environment only if it may make its own transport.
        transport = None if proxied else _Transport(verify=scheme == "https")
        _clients[key] = httpx.AsyncClient(transport=transport, follow_redirects=False)
    return _clients[key]


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own transport over a pool that opens our connections."""

    def __init__(self, *, verify: bool) -> None:
        super().__init__(verify=verify)
        # httpx has no argument for this. Where the attribute is gone, `_read` falls back.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context()
            if verify
            else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=60.0,
            network_backend=ConnectionBackend(),
        )


async def warm_up() -> None:
    """Load what the first request would wait for: 50 ms of imports."""
    _client("http://127.0.0.1")
    await anyio.lowlevel.checkpoint()  # imports anyio's asyncio half
