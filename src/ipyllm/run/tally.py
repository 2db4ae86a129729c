"""What one request has taken: deltas, until the service's own count takes their place."""

from __future__ import annotations

from ipyllm.events import (
    ChoiceDelta,
    Event,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    ValueDelta,
)
from ipyllm.run.prices import billed

__all__ = ("Tally", "is_token")

_TOKENS = (TextDelta, ReasoningDelta, RefusalDelta, ChoiceDelta, ToolCallDelta, ValueDelta)


def is_token(event: Event) -> bool:
    """What `Meter` counts, and the other choices: they are billed as well."""
    return isinstance(event, _TOKENS) or (isinstance(event, ToolCallStart) and bool(event.name))


class Tally:
    """
    `add` the events of one request.

    * `input_tokens`: as far as they can be guessed before it is sent.
    """

    __slots__ = ("_base", "_cached", "_floor", "_input", "_input_known", "_since", "_usage_seen")

    def __init__(self, input_tokens: int) -> None:
        self._input = input_tokens
        self._input_known = False
        self._cached = 0
        self._base = 0  # tokens by the last usage
        self._since = 0  # deltas after it
        self._floor = 0  # said before any delta came: Anthropic's first 1
        self._usage_seen = False

    def add(self, event: Event) -> bool:
        """Count it; False for what costs nothing."""
        if is_token(event):
            self._since += 1
            return True
        if not isinstance(event, Usage):
            return False
        inputs, outputs, cached = billed(event)
        if inputs is not None:
            self._input, self._input_known, self._cached = inputs, True, cached
        if outputs is not None and not (self._since or self._usage_seen):
            self._floor = outputs
        elif outputs is not None:
            self._base, self._since, self._usage_seen = outputs, 0, True
        return True

    @property
    def tokens(self) -> int:
        """Output tokens."""
        return max(self._base + self._since, self._floor)

    @property
    def billed(self) -> tuple[int, int, int]:
        """Tokens in, tokens out, and those of the input that were cached."""
        return self._input, self.tokens, self._cached

    @property
    def estimated(self) -> bool:
        """Whether something of it is not the service's own count."""
        return bool(self._since) or not (self._input_known and (self._usage_seen or self._floor))
