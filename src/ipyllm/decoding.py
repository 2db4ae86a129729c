"""Bytes of any API to events, events to a Reply: no network, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipyllm.dialects import dialect
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Meter, Timing
from ipyllm.run.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ipyllm.dialects import Decoder
    from ipyllm.events import Event

__all__ = ("decode", "fold")


def decode(api: str, chunks: Iterable[bytes]) -> Iterator[Event]:
    """
    Decode one response of `api` (a name in `ipyllm.dialects.APIS`) from its bytes, cut anywhere.

    The last event is a `Finish`.

    Raises:
        UsageError: no such API.
        ProtocolError: a limit of the wire format was passed.
    """
    return _decode(dialect(api).decoder(), chunks)


def _decode(decoder: Decoder, chunks: Iterable[bytes]) -> Iterator[Event]:
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
