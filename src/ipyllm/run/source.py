"""Where events come from: an endpoint over HTTP, or the embedded model behind one."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ipyllm.dialects import dialect
from ipyllm.errors import ConnectionLost, IpyllmError, ServiceError, Timeout, UsageError
from ipyllm.events import Event, Finish, Notice, StreamError
from ipyllm.keys import Key
from ipyllm.local import server, weights
from ipyllm.providers import Provider, Target, endpoint, resolve
from ipyllm.providers.aliases import meant
from ipyllm.run.browser import BrowserSource, prompt_job
from ipyllm.run.pull import PythonSource, named
from ipyllm.run.telling import called_by_schema, told
from ipyllm.transport import failure
from ipyllm.transport.cassette import Send, refusing, sender, stocked
from ipyllm.transport.http import Marks
from ipyllm.transport.limits import Limits
from ipyllm.wire.rate_limits import rate_limits, request_id

if TYPE_CHECKING:
    from ipyllm.request import Message, Request

__all__ = ("Deliver", "HttpSource", "LocalSource", "Source", "source_for", "usual_model")

DEMO_LABEL = "local · tiny demo model"
_DEMO_MAX_TOKENS = 160  # a model this small loops to the limit


class Deliver(Protocol):
    """Takes what arrived, bytes or events; `at` when, on the run's clock, if it is not now."""

    def __call__(self, item: bytes | list[Event], /, at: float | None = None) -> None:
        """Take it; from the network's thread."""
        ...


class Source(Protocol):
    """
    One way to get one answer.

    `run` waits, in the network's thread; `decode` and `close` are called by the thread that
    shows the answer, with what `run` delivered.

    * `model`: the id it is asked for by, `provider/model`; `label`: what people see.
    * `load`: seconds to start a model; None where there is none to start.
    * `gauge`: (share, words, whether it is an estimate) of something that fills up; None for nothing.
    """

    model: str
    label: str
    load: float | None
    gauge: tuple[float, str, bool] | None

    async def run(self, deliver: Deliver, marks: Marks) -> None:
        """Deliver bytes or events until the answer ends. Raises: IpyllmError."""
        ...

    def decode(self, chunk: bytes) -> list[Event]:
        """Events in delivered bytes; the last one is a `Finish` at the API's own end."""
        ...

    def close(self) -> list[Event]:
        """No more will come: what is still held, and the `Finish`."""
        ...

    def more(self, messages: Sequence[Message]) -> Source:
        """The same question again, with these messages after it."""
        ...


def usual_model() -> str:
    """Who answers where nobody is named."""
    return os.environ.get("IPYLLM_MODEL", "") or "local"


def source_for(
    spec: str,
    request: Request,
    limits: Limits,
    *,
    base_url: str = "",
    key_env: str = "",
    names: Mapping[str, Any] | None = None,
) -> Source:
    """
    Find what answers `-m spec`; `names` are the notebook's, for `python/NAME`.

    Raises:
        IpyllmError: unknown provider, no key, no weights.
    """
    spec = meant(spec)
    name, _, rest = spec.strip().partition("/")
    if name == "browser":
        return _in_the_page(rest, request, limits)
    if name == "python":
        return PythonSource(spec.strip(), named(rest, names), request, limits)
    offline = not sender()[1]
    try:
        return _over_network(spec, request, limits, base_url, key_env, offline=offline)
    except IpyllmError as exc:
        if offline or not stocked():
            raise
        with refusing(
            exc
        ):  # a recording needs no key; without one it is still this that is missing
            return _over_network(spec, request, limits, base_url, key_env, offline=True)


def _over_network(
    spec: str, request: Request, limits: Limits, base_url: str, key_env: str, *, offline: bool
) -> Source:
    name, _, rest = spec.strip().partition("/")
    if name == "local":
        if offline:
            return _offline(rest, request, limits)
        return LocalSource(weights.find(rest), request, limits, demo=not rest)
    if name == "ws":
        target = _socket(rest or base_url, key_env, offline=offline)
        return HttpSource(target, request, limits)
    target = resolve(spec, base_url=base_url, key_env=key_env, offline=offline)
    return HttpSource(target, replace(request, model=target.model), limits)


def _in_the_page(rest: str, request: Request, limits: Limits) -> BrowserSource:
    if rest:
        raise UsageError(f"-m browser/{rest}: a browser has one model.", hint="Write -m browser.")
    return BrowserSource("browser", prompt_job, request, limits)


def _socket(address: str, key_env: str, *, offline: bool) -> Target:
    """`HOST:PORT/PATH`, or a whole address: an endpoint of which nothing else is known."""
    url = address if "://" in address else f"ws://{address}"
    if not _is_socket(url):
        raise UsageError(f"-m ws/ takes no {url.partition(':')[0]} address.", hint="Use ws or wss.")
    ours = Provider("ws", url, dialect="messages")
    target = endpoint(ours, base_url=url, key_env=key_env, offline=offline)
    return replace(target, label="ws/" + failure.where(url).removeprefix("ws://"))


def _is_socket(url: str) -> bool:
    return url.startswith(("ws://", "wss://"))


def _sender(target: Target) -> Send:
    if not _is_socket(target.base_url):
        return sender()[0]
    from ipyllm.transport.websocket import exchange  # an extra

    return sender(exchange)[0]


def _first_message(target: Target, body: dict[str, Any]) -> dict[str, Any]:
    """The same request as the one message a WebSocket gets."""
    if target.dialect == "openai_responses":
        # https://developers.openai.com/api/docs/guides/websocket-mode
        unused = ("stream", "background")
        return {"type": "response.create", **{k: v for k, v in body.items() if k not in unused}}
    return body if body.get("model") else {k: v for k, v in body.items() if k != "model"}


def _offline(name: str, request: Request, limits: Limits) -> LocalSource:
    """What the embedded model said, from a cassette: needs neither its weights nor a process."""
    path = Path(name) if name else weights.DEMO.path
    return LocalSource(path, request, limits, demo=not name, offline=True)


class HttpSource:
    """An endpoint that streams over HTTP, or was recorded when it did."""

    def __init__(
        self, target: Target, request: Request, limits: Limits, *, send: Send | None = None
    ) -> None:
        self._target = target
        self._asked = request
        self._limits = limits
        self._send = send or _sender(target)
        self._deadline: float | None = None
        self._dialect = dialect(target.dialect)
        params = dict(target.params) | dict(request.params)
        self._request = told(replace(request, params=params), self._dialect)
        self._decoder = self._dialect.decoder()
        self.model = self.label = target.label
        self.load: float | None = None
        self.gauge: tuple[float, str, bool] | None = None

    async def run(self, deliver: Deliver, marks: Marks) -> None:
        """POST, and hand over the body as it arrives."""
        self._decoder = self._dialect.decoder()
        deliver([Notice("phase", "connecting")])
        marks.on_sent = lambda: deliver([Notice("phase", "waiting")])
        marks.on_headers = lambda headers: deliver(self._hidden(_notices(headers)))
        body, path = self._body(), self._dialect.path(self._request)
        limits = self._left(marks.clock())
        await self._send(self._target, path, body, deliver, marks=marks, limits=limits)

    @property
    def is_recorded(self) -> bool:
        """A folder of cassettes has the answer."""
        from ipyllm.transport.cassette.library import is_recorded  # nobody else loads it

        return is_recorded(self._send, self._target, self._body())

    def _body(self) -> dict[str, Any]:
        body = self._dialect.body(self._request)
        return _first_message(self._target, body) if _is_socket(self._target.base_url) else body

    def _left(self, now: float) -> Limits:
        """The limits of this attempt: the whole answer's time runs on over all of them."""
        total = self._limits.total
        if total is None:
            return self._limits
        self._deadline = self._deadline or now + total
        if now >= self._deadline:
            raise Timeout(f"No whole answer within {total:g} s.", hint="Raise the limit.")
        return replace(self._limits, total=self._deadline - now)

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

    def more(self, messages: Sequence[Message]) -> HttpSource:
        """As `Source.more`; the time for the whole answer runs on."""
        asked = self._asked.after(messages)
        following = HttpSource(self._target, asked, self._limits, send=self._send)
        following._deadline = self._deadline
        return following

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
            code = key.hide(event.code)
            return replace(event, message=key.hide(event.message), code=code, raw=raw)
        case Notice(kind, text):
            return Notice(kind, key.hide(text))


class LocalSource:
    """
    The embedded model: started if need be, then one more endpoint.

    * `offline`: only what was recorded of it, all turns of an answer.
    """

    def __init__(
        self,
        path: Path,
        request: Request,
        limits: Limits,
        *,
        demo: bool,
        send: Send | None = None,
        offline: bool = False,
    ) -> None:
        params = {"return_progress": True, **({"max_tokens": _DEMO_MAX_TOKENS} if demo else {})}
        self._path = path
        self._asked = request
        request = called_by_schema(request)
        self._request = replace(request, model=path.stem, params=params | dict(request.params))
        self._limits = limits
        # Now: the process may start after the cassette was taken out.
        self._send = send or sender()[0]
        self._stocked = stocked()
        self._offline = offline
        self._http: HttpSource | None = None
        self.model = "local" if demo else f"local/{path.name}"
        self.label = DEMO_LABEL if demo else self.model
        self.load: float | None = None
        self.gauge: tuple[float, str, bool] | None = None

    async def run(self, deliver: Deliver, marks: Marks) -> None:
        """Start the model's process, then stream from it."""
        kept = self.over_http("http://offline", None) if self._stocked or self._offline else None
        if kept is not None and (self._offline or kept.is_recorded):
            self._http = kept
            await kept.run(deliver, marks)
            return
        running = server.running(self._path)
        if running is None:
            running = await self._start(deliver)
            self.load = running.load_s or None  # 0: the Jupyter server had it running
        key = Key("the embedded model's", running.api_key)
        self._http = self.over_http(running.base_url, key)
        try:
            await self._http.run(deliver, marks)
        except ConnectionLost as exc:
            # Not "is it running?": it has died since it was handed out, or was dying then (a killed
            # process takes connections until its memory is gone). The next attempt starts another.
            exc.retry = None
            raise

    def over_http(self, base_url: str, key: Key | None) -> HttpSource:
        """The same question to the endpoint at `base_url`."""
        target = Target("local", self._path.stem, "openai_chat", base_url, key, self.label)
        return HttpSource(target, self._request, self._limits, send=self._send)

    def decode(self, chunk: bytes) -> list[Event]:
        """As `Source.decode`."""
        return self._http.decode(chunk) if self._http else []

    def close(self) -> list[Event]:
        """As `Source.close`."""
        return self._http.close() if self._http else [Finish("truncated")]

    def more(self, messages: Sequence[Message]) -> LocalSource:
        """As `Source.more`."""
        asked = self._asked.after(messages)
        demo = self.model == "local"
        return LocalSource(
            self._path, asked, self._limits, demo=demo, send=self._send, offline=self._offline
        )

    async def _start(self, deliver: Deliver) -> server.LocalServer:
        cancelled, loop = threading.Event(), asyncio.get_running_loop()

        def loading() -> None:
            said: list[Event] = [Notice("phase", "loading")]
            loop.call_soon_threadsafe(deliver, said)

        try:
            return await asyncio.to_thread(server.ensure, self._path, cancelled, loading)
        except asyncio.CancelledError:
            cancelled.set()
            raise
