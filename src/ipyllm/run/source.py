"""Where events come from: an endpoint over HTTP, or the embedded model behind one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ipyllm.dialects import dialect
from ipyllm.errors import ServiceError
from ipyllm.events import Event, Finish, Notice, StreamError
from ipyllm.keys import Key
from ipyllm.local import server, weights
from ipyllm.providers import Target, resolve
from ipyllm.transport import failure
from ipyllm.transport.http import Marks, post
from ipyllm.transport.limits import Limits
from ipyllm.wire.rate_limits import rate_limits, request_id

if TYPE_CHECKING:
    from ipyllm.request import Request

__all__ = ("Deliver", "HttpSource", "LocalSource", "Source", "source_for")

DEMO_LABEL = "local · tiny demo model"
_DEMO_MAX_TOKENS = 160  # a model this small loops to the limit


Deliver = Callable[["bytes | list[Event]"], None]


class Source(Protocol):
    """
    One way to get one answer.

    `run` waits, in the network's thread; `decode` and `close` are called by the thread that
    shows the answer, with what `run` delivered.

    * `model`: the id it is asked for by, `provider/model`; `label`: what people see.
    * `load`: seconds to start a model; None where there is none to start.
    """

    model: str
    label: str
    load: float | None

    async def run(self, deliver: Deliver, marks: Marks) -> None:
        """Deliver bytes or events until the answer ends. Raises: IpyllmError."""
        ...

    def decode(self, chunk: bytes) -> list[Event]:
        """Events in delivered bytes; the last one is a `Finish` at the API's own end."""
        ...

    def close(self) -> list[Event]:
        """No more will come: what is still held, and the `Finish`."""
        ...


def source_for(
    spec: str, request: Request, limits: Limits, *, base_url: str = "", key_env: str = ""
) -> Source:
    """
    Find what answers `-m spec`.

    Raises:
        IpyllmError: unknown provider, no key, no weights.
    """
    name, _, rest = spec.strip().partition("/")
    if name == "local":
        return LocalSource(weights.find(rest), request, limits, demo=not rest)
    target = resolve(spec, base_url=base_url, key_env=key_env)
    return HttpSource(target, replace(request, model=target.model), limits)


class HttpSource:
    """An endpoint that streams over HTTP."""

    def __init__(self, target: Target, request: Request, limits: Limits) -> None:
        self._target = target
        self._request = request
        self._limits = limits
        self._dialect = dialect(target.dialect)
        self._decoder = self._dialect.decoder()
        self.model = self.label = target.label
        self.load: float | None = None

    async def run(self, deliver: Deliver, marks: Marks) -> None:
        """POST, and hand over the body as it arrives."""
        self._decoder = self._dialect.decoder()
        deliver([Notice("phase", "connecting")])
        marks.on_sent = lambda: deliver([Notice("phase", "waiting")])
        marks.on_headers = lambda headers: deliver(self._hidden(_notices(headers)))
        body = self._dialect.body(self._request)
        path = self._dialect.path(self._request)
        await post(self._target, path, body, deliver, marks=marks, limits=self._limits)

    def decode(self, chunk: bytes) -> list[Event]:
        """As `Source.decode`."""
        try:
            events = self._decoder.feed(chunk)
        except ServiceError as exc:
            raise failure.hidden(exc, self._target.key) from None
        return self._hidden(events + self._decoder.close() if self._decoder.finished else events)

    def close(self) -> list[Event]:
        """As `Source.close`."""
        return self._hidden(self._decoder.close())

    def _hidden(self, events: list[Event]) -> list[Event]:
        """Take the key out of what a service says of it in the stream."""
        key = self._target.key
        if key is None:
            return events
        return [
            _without(key, event) if isinstance(event, (StreamError, Notice)) else event
            for event in events
        ]


def _notices(headers: Mapping[str, str]) -> list[Event]:
    limits, ident = rate_limits(headers), request_id(headers)
    notices: list[Event] = [Notice("rate_limit", json.dumps(limits))] if limits else []
    return [*notices, Notice("request_id", ident)] if ident else notices


def _without(key: Key, event: StreamError | Notice) -> Event:
    match event:
        case StreamError():
            raw = None if key.is_in(repr(event.raw)) else event.raw
            return replace(event, message=key.hide(event.message), raw=raw)
        case Notice(kind, text):
            return Notice(kind, key.hide(text))


class LocalSource:
    """The embedded model: started if need be, then one more endpoint."""

    def __init__(self, path: Path, request: Request, limits: Limits, *, demo: bool) -> None:
        params = {"return_progress": True, **({"max_tokens": _DEMO_MAX_TOKENS} if demo else {})}
        self._path = path
        self._request = replace(request, model=path.stem, params=params | dict(request.params))
        self._limits = limits
        self._http: HttpSource | None = None
        self.model = "local" if demo else f"local/{path.name}"
        self.label = DEMO_LABEL if demo else self.model
        self.load: float | None = None

    async def run(self, deliver: Deliver, marks: Marks) -> None:
        """Start the model's process, then stream from it."""
        running = server.running(self._path)
        if running is None:
            deliver([Notice("phase", "loading")])
            running = await self._start()
            self.load = running.load_s
        key = Key("the embedded model's", running.api_key)
        target = Target("local", self._path.stem, "openai_chat", running.base_url, key, self.label)
        self._http = HttpSource(target, self._request, self._limits)
        await self._http.run(deliver, marks)

    def decode(self, chunk: bytes) -> list[Event]:
        """As `Source.decode`."""
        return self._http.decode(chunk) if self._http else []

    def close(self) -> list[Event]:
        """As `Source.close`."""
        return self._http.close() if self._http else [Finish("truncated")]

    async def _start(self) -> server.LocalServer:
        cancelled = threading.Event()
        try:
            return await asyncio.to_thread(server.ensure, self._path, cancelled)
        except asyncio.CancelledError:
            cancelled.set()
            raise
