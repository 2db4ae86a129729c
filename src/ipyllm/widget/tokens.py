"""The tokens of an answer with the time each took, for the Timing panel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ipyllm.events import (
    Logprobs,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    ValueDelta,
)
from ipyllm.widget.timing import MAX_SHOWN, Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipyllm.events import Event

__all__ = ("timed_tokens",)


def timed_tokens(
    events: Sequence[Event], gaps: Sequence[float], most: int = MAX_SHOWN
) -> list[Token]:
    """
    The first `most` tokens, with the gap before each, as `ipyllm.run.metrics` counts them.

    A probability is that of all the tokens a delta was made of: their product.
    """
    out: list[Token] = []
    fresh = 0  # first of the tokens no probability was told for
    for event in events:
        match event:
            case TextDelta(text) | ReasoningDelta(text) | RefusalDelta(text) | ValueDelta(text):
                pass
            case ToolCallStart(name=name) if name:
                text = f"{name}("
            case ToolCallDelta(json=text):
                pass
            case Logprobs(tokens=said) if said and fresh < len(out):
                probability = math.exp(min(math.fsum(log for _, log in said), 0.0))
                out[-1] = Token(out[-1].text, out[-1].gap, probability)
                fresh = len(out)
                continue
            case _:
                continue
        if len(out) == most:
            break
        gap = gaps[len(out) - 1] if out and len(out) <= len(gaps) else None
        out.append(Token(text, gap))
    return out
