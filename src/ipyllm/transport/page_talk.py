"""
What kernel and page say to each other while a run goes on in the page; no clock, no I/O.

The page's messages of a run are numbered. They may come by two ways at once (the main shell and a
subshell of ipykernel 7), so out of order and, after a repetition, twice: measured, 1 run of 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ipyllm.errors import IpyllmError
from ipyllm.transport.page_error import lost, no_page, page_error, unusable

__all__ = (
    "Chunks",
    "Created",
    "Done",
    "Failed",
    "Gesture",
    "Hello",
    "Job",
    "Loading",
    "PageTalk",
    "Said",
)

_ASK = 0.25  # seconds between two questions who is there
_CHOOSE = 0.1  # seconds for a page that is better than the first
_PING = 1.0  # seconds
_SILENT = 4.0  # seconds without a sign of life; a renderer that crashed says no `bye`


@dataclass(frozen=True, slots=True)
class Job:
    """
    What the page is to do: one of both.

    * `prompt`: `{messages, schema, stop, inputs, outputs}` for the browser's own model.
    * `js`: an expression whose value streams.
    """

    prompt: Mapping[str, Any] | None = None
    js: str | None = None


@dataclass(frozen=True, slots=True)
class Hello:
    """
    A page that is here.

    * `state`: `available`, `downloadable`, `downloading`, `unavailable`, `no-api`, `insecure`.
    * `reason`: the browser's own words for why there is no model; "" if there is one.
    """

    client: str
    agent: str
    state: str
    reason: str
    visible: bool = False
    focused: bool = False

    @property
    def usable(self) -> bool:
        """Whether it has a model, or can get one."""
        return self.state in ("available", "downloadable", "downloading")


@dataclass(frozen=True, slots=True)
class Gesture:
    """The page waits for a click."""


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being downloaded. `share`: 0 to 1."""

    share: float


@dataclass(frozen=True, slots=True)
class Created:
    """
    The prompt is on its way to a session.

    * `seconds`: it took to make it, a download included, the wait for a click not.
    * `usage`, `window`: tokens in its context before this prompt, and at most; None if not told.
    * `tokens`: of this prompt.
    """

    seconds: float | None
    usage: float | None
    window: float | None
    tokens: float | None


@dataclass(frozen=True, slots=True)
class Chunks:
    """(text, seconds since the page sent the prompt), each as it came there."""

    parts: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Done:
    """
    The answer is whole.

    * `stopped`: the stop sequence that ended it. `overflows`: how often old turns were dropped.
    """

    usage: float | None
    window: float | None
    overflows: int
    stopped: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The page's model said no, or the page is gone. What was said before counts."""

    error: IpyllmError


Said = Hello | Gesture | Loading | Created | Chunks | Done | Failed


class PageTalk:
    """
    One run, from the kernel's side: `hear` what comes, send what is `due`, until `over`.

    * `patience`: seconds for a page to answer at all.
    """

    def __init__(self, ident: str, job: Job, *, patience: float) -> None:
        self._ident = ident
        self._job = job
        self._patience = patience
        self._began: float | None = None
        self._asked = float("-inf")
        self._hellos: dict[str, tuple[float, Hello]] = {}
        self._page: Hello | None = None
        self._heard = 0.0  # when the page gave its last sign of life
        self._next = 0  # number of the message that is waited for
        self._early: dict[int, Mapping[str, Any]] = {}
        self.over = False

    def due(self, now: float) -> list[dict[str, Any]]:
        """
        Messages to be sent now.

        Raises:
            ModelUnavailable: no page answered, or none has a model.
            ConnectionLost: the page no longer answers.
        """
        if self.over:
            return []
        self._began = now if self._began is None else self._began
        if self._page is None:
            return self._choose(now)
        if now - self._heard >= _SILENT:
            self.over = True
            raise lost(f"did not answer for {_SILENT:g} s")
        if now - self._asked < _PING:
            return []
        self._asked = now
        return [self._said("ping", client=self._page.client, next={self._ident: self._next})]

    def hear(self, content: Mapping[str, Any], now: float) -> list[Said]:
        """What a message from a page says, and those that had waited for it."""
        client = content.get("client")
        if self.over or not isinstance(client, str):
            return []
        if content.get("op") == "hello":
            return self._hello(content, client, now)
        if self._page is None or client != self._page.client:
            return []
        self._heard = now
        if content.get("op") == "bye":
            self.over = True
            return [Failed(lost("was closed or reloaded"))]
        number = content.get("seq")
        if content.get("id") != self._ident or not isinstance(number, int) or number < self._next:
            return []
        self._early.setdefault(number, content)
        return self._in_order()

    def close(self) -> list[dict[str, Any]]:
        """The last messages: stop it, or forget it; none if no page knows of it."""
        if self._page is None:
            return []
        stopped, self.over = not self.over, True
        return [self._said("abort" if stopped else "over", id=self._ident)]

    # ------------------------------------------------------------------------------

    def _choose(self, now: float) -> list[dict[str, Any]]:
        best = self._best(now)
        if best is not None:
            return self._run(best, now)
        if self._began is not None and now - self._began >= self._patience:
            self.over = True
            raise no_page(self._patience)
        if now - self._asked < _ASK:
            return []
        self._asked = now
        return [self._said("who")]

    def _best(self, now: float) -> Hello | None:
        """The page in front of the user; else, a moment later, the best there is."""
        hellos = [hello for _, hello in self._hellos.values()]
        ours = [hello for hello in hellos if hello.usable or self._job.js is not None]
        if found := [hello for hello in ours if hello.focused]:
            return found[0]
        first = min((at for at, _ in self._hellos.values()), default=now)
        if not hellos or now - first < _CHOOSE:
            return None
        return max(ours or hellos, key=lambda hello: hello.visible)

    def _run(self, page: Hello, now: float) -> list[dict[str, Any]]:
        if self._job.js is None and not page.usable:
            self.over = True
            raise unusable(page.state, page.reason, page.agent)
        self._page, self._heard, self._asked = page, now, now
        prompt = None if self._job.prompt is None else dict(self._job.prompt)
        job = {"prompt": prompt, "js": self._job.js}
        return [self._said("run", client=page.client, id=self._ident, **job)]

    def _hello(self, content: Mapping[str, Any], client: str, now: float) -> list[Said]:
        hello = Hello(
            client,
            agent=_text(content.get("agent")),
            state=_text(content.get("state")),
            reason=_text(content.get("reason")),
            visible=content.get("visible") is True,
            focused=content.get("focused") is True,
        )
        since = self._hellos.get(client, (now, hello))[0]
        self._hellos[client] = (since, hello)
        return [hello]

    def _in_order(self) -> list[Said]:
        said: list[Said] = []
        while (content := self._early.pop(self._next, None)) is not None:
            self._next += 1
            said += self._read(content)
        return said

    def _read(self, content: Mapping[str, Any]) -> list[Said]:
        match content:
            case {"op": "gesture"}:
                return [Gesture()]
            case {"op": "progress", "loaded": int() | float() as loaded}:
                return [Loading(min(max(float(loaded), 0.0), 1.0))]
            case {"op": "created"}:
                ms, usage, window, tokens = _numbers(content, "ms", "usage", "window", "input")
                return [Created(None if ms is None else ms / 1e3, usage, window, tokens)]
            case {"op": "chunk", "parts": [*parts]}:
                return [Chunks(tuple((str(text), float(ms) / 1e3) for text, ms in parts))]
            case {"op": "done"}:
                self.over = True
                usage, window = _numbers(content, "usage", "window")
                stopped = content.get("stopped")
                overflows = int(_numbers(content, "overflows")[0] or 0)
                return [Done(usage, window, overflows, None if stopped is None else str(stopped))]
            case {"op": "error"}:
                self.over = True
                return [Failed(page_error(content))]
            case _:
                return []

    @staticmethod
    def _said(op: str, **more: object) -> dict[str, Any]:
        return {"kind": "browser", "op": op, **more}


def _numbers(content: Mapping[str, Any], *names: str) -> list[float | None]:
    found = [content.get(name) for name in names]
    return [float(one) if isinstance(one, (int, float)) else None for one in found]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
