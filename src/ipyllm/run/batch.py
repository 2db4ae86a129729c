"""What one flush shows: the deltas since the last one, and what changed beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ipyllm.events import Progress, ToolResult

__all__ = ("Batch", "State", "state_of")

State = Literal[
    "loading",
    "connecting",
    "waiting",
    "prefill",
    "streaming",
    "asking",
    "calling",
    "stopping",
    "done",
    "interrupted",
    "stopped",
    "truncated",
    "error",
]


@dataclass(frozen=True, slots=True)
class Batch:
    """
    What changed since the last batch.

    * `pieces`: (channel, text), neighbours of one channel joined.
    * `tokens`: deltas since the answer began.
    * `ms`: arrival of the newest of them, milliseconds since the request was sent.
    * `state`: the new state, if it changed. `progress`: the newest, if there was one.
    * `results`: how far calls are, those that changed.
    * `notice`: what people should read in its place until the next state.
    """

    pieces: tuple[tuple[str, str], ...] = ()
    tokens: int = 0
    ms: int = 0
    state: State | None = None
    progress: Progress | None = None
    notice: str | None = None
    results: tuple[ToolResult, ...] = ()


def state_of(finish_reason: str, *, stopped: bool = False) -> State:
    """The state a settled answer shows. `stopped`: the Stop button was pressed."""
    match finish_reason:
        case "interrupted":
            return "stopped" if stopped else "interrupted"
        case "truncated":
            return "truncated"
        case "error" | "invalid":
            return "error"
        case "budget":
            return "stopped"
        case _:
            return "done"
