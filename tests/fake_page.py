"""A page of a notebook, as the kernel hears it, that is a Python object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Page:
    """A `Channel` with one page behind it that answers by `script`."""

    def __init__(self, *script: dict[str, Any] | Callable[[], None], state: str = "available"):
        self.script = script
        self.state = state
        self.sent: list[dict[str, Any]] = []
        self.hearing: list[Callable[[Mapping[str, Any]], None]] = []

    def send(self, content):
        self.sent.append(content)
        match content["op"]:
            case "who":
                self.say("hello", state=self.state, agent="Test", reason="", focused=True)
            case "run":
                for seq, step in enumerate(self.script):
                    if callable(step):
                        step()
                    else:
                        self.say(id=content["id"], seq=seq, **step)

    def say(self, op: str, **more: object) -> None:
        for hear in tuple(self.hearing):
            hear({"op": op, "client": "a", **more})

    def listen(self, hear):
        self.hearing.append(hear)
        return lambda: self.hearing.remove(hear)

    @property
    def ops(self) -> list[str]:
        return [content["op"] for content in self.sent]


def chunk(text: str) -> dict[str, Any]:
    return {"op": "chunk", "parts": [[text, 5.0]]}


DONE = {"op": "done", "usage": 3, "window": 9}
