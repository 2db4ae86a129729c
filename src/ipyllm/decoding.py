"""Bytes of any API to events, events to a Reply: no network, no clock."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from ipyllm import dialects
from ipyllm.errors import UsageError
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Meter, Timing
from ipyllm.run.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ipyllm.events import Event

__all__ = ("decode", "fold")


def decode(api: str, chunks: Iterable[bytes]) -> Iterator[Event]:
    """
    Decode one response of `api` (`openai_chat`) from its bytes, cut anywhere.

    The last event is a `Finish`.

    Raises:
        UsageError: no such API.
        ProtocolError: a limit of the wire format was passed.
    """
    known = [module.name for module in iter_modules(dialects.__path__)]
    if api not in known:
        raise UsageError(f"No API named {api!r}.", hint=f"Known: {', '.join(known)}.")
    return _decode(api, chunks)


def _decode(api: str, chunks: Iterable[bytes]) -> Iterator[Event]:
    decoder = import_module(f"ipyllm.dialects.{api}").Decoder()
    for chunk in chunks:
        yield from decoder.feed(chunk)
    yield from decoder.close()


def fold(events: Iterable[Event]) -> Reply:
    """Add events up; times are unknown."""
    completion, meter = Completion(), Meter()
    for event in events:
        completion.add(event)
        meter.observe(event, 0.0)
    tokens = completion.usage.output_tokens
    timing = Timing(tokens=meter.deltas if tokens is None else tokens, estimated=tokens is None)
    return Reply.of(completion, timing)
