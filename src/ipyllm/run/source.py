"""Where events come from: an endpoint over HTTP, or the embedded model behind one."""

from __future__ import annotations

import asyncio
import importlib
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from ipyllm.errors import ConnectionLost
from ipyllm.events import Event, Finish, Notice
from ipyllm.keys import Key
from ipyllm.local import server, weights
from ipyllm.providers import Target, resolve
from ipyllm.transport.http import Marks, post
from ipyllm.transport.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipyllm.dialects import Decoder, Dialect
    from ipyllm.request import Request

__all__ = ("HttpSource", "LocalSource", "Source", "dialect", "source_for")

DEMO_LABEL = "local · tiny demo model"
_DEMO_MAX_TOKENS = 160  # a model this small loops to the limit


class Source(Protocol):
    """One way to get one answer; `label` is what people see."""

    label: str
    load: float | None  # seconds to start a model, None where there is none to start

    async def run(self, deliver: Callable[[list[Event]], None], marks: Marks) -> None:
        """Deliver events until the answer ends. Raises: IpyllmError."""
        ...


def dialect(name: str) -> Dialect:
    """The module of one API's grammar."""
    return cast("Dialect", importlib.import_module(f"ipyllm.dialects.{name}"))


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
        self.label = target.label
        self.load: float | None = None

    async def run(self, deliver: Callable[[list[Event]], None], marks: Marks) -> None:
        """POST, decode, deliver."""
        grammar = dialect(self._target.dialect)
        decoder: Decoder = grammar.Decoder()
        closed = False

        def on_bytes(chunk: bytes) -> bool:
            nonlocal closed
            if closed:
                return True
            if events := decoder.feed(chunk):
                deliver(events)
            if decoder.finished:
                # The API's own end: the answer is whole, whatever the socket does next.
                closed = True
                deliver(decoder.close())
            return closed

        deliver([Notice("phase", "connecting")])
        marks.on_sent = lambda: deliver([Notice("phase", "waiting")])
        payload = grammar.body(self._request)
        try:
            await post(
                self._target, grammar.PATH, payload, on_bytes, marks=marks, limits=self._limits
            )
        except ConnectionLost:
            if closed:
                return
            rest = decoder.close()
            if isinstance(rest[-1], Finish) and rest[-1].reason in ("truncated", "error"):
                deliver(rest[:-1])
                raise
            deliver(rest)  # lost after the proof of a finished answer: no error
        else:
            if not closed:
                deliver(decoder.close())


class LocalSource:
    """The embedded model: started if need be, then one more endpoint."""

    def __init__(self, path: Path, request: Request, limits: Limits, *, demo: bool) -> None:
        self._path = path
        self._request = request
        self._limits = limits
        self._demo = demo
        self.label = DEMO_LABEL if demo else f"local/{path.name}"
        self.load: float | None = None

    async def run(self, deliver: Callable[[list[Event]], None], marks: Marks) -> None:
        """Start the model's process, then stream from it."""
        running = server.running(self._path)
        if running is None:
            deliver([Notice("phase", "loading")])
            running = await self._start()
            self.load = running.load_s
        key = Key("the embedded model's", running.api_key)
        target = Target("local", self._path.stem, "openai_chat", running.base_url, key, self.label)
        params = {
            "return_progress": True,
            **({"max_tokens": _DEMO_MAX_TOKENS} if self._demo else {}),
        }
        request = replace(
            self._request, model=target.model, params=params | dict(self._request.params)
        )
        await HttpSource(target, request, self._limits).run(deliver, marks)

    async def _start(self) -> server.LocalServer:
        cancelled = threading.Event()
        try:
            return await asyncio.to_thread(server.ensure, self._path, cancelled)
        except asyncio.CancelledError:
            cancelled.set()
            raise
