"""
Where an event is seen: the transcript's channels, and the text an event adds to one.

* `text`, `reasoning`, `refusal`: as they come. `value`: a structured answer's JSON.
* `tool:N`: call N, its function's name, a newline, and its arguments as JSON text.
* `turn`: `number reason`, then ` ttft` in seconds once it is known.
"""

from __future__ import annotations

from ipyllm.events import (
    Event,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Turn,
    ValueDelta,
)

__all__ = ("piece_of",)


def piece_of(event: Event) -> tuple[str, str] | None:
    """(channel, text); None for what is not part of the transcript."""
    match event:
        case TextDelta(text):
            return "text", text
        case ReasoningDelta(text):
            return "reasoning", text
        case RefusalDelta(text):
            return "refusal", text
        case ValueDelta(text):
            return "value", text
        case ToolCallStart(index, name=name):
            return f"tool:{index}", f"{name}\n"
        case ToolCallDelta(index, json):
            return f"tool:{index}", json
        case Turn(number, reason, None):
            return "turn", f"{number} {reason}"
        case Turn(ttft=float(ttft)):
            return "turn", f" {ttft:.4f}"
        case _:
            return None
