"""What tests of dialects share: frames to feed, and what comes of them."""

from __future__ import annotations

import json
from typing import Any

from ipyllm.dialects import Dialect
from ipyllm.events import Event, Notice
from ipyllm.run.completion import Completion

DONE = b"data: [DONE]\n\n"


def decoded(dialect: Dialect, chunks: list[bytes]) -> list[Event]:
    decoder = dialect.decoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.close()


def folded(events: list[Event]) -> Completion:
    completion = Completion()
    for event in events:
        completion.add(event)
    return completion


def frame(payload: Any) -> bytes:
    """A payload as a server-sent event."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return b"data: " + raw + b"\n\n"


def lines(*payloads: Any) -> bytes:
    """Payloads as the messages of a WebSocket are handed over: one a line."""
    return b"".join(json.dumps(payload).encode() + b"\n" for payload in payloads)


def grammar(dialect: Dialect) -> type:
    """The class of the grammar, for tests that take its quick way out."""
    return type(dialect.decoder()._grammar)  # type: ignore[attr-defined]


def without_comments(events: list[Event]) -> list[Event]:
    return [event for event in events if event != Notice("comment", "")]
