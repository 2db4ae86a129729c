"""
The order of a saved answer: how its text, reasoning, calls and turns follow each other.

Read by js/labextension/src/answers/saved-json.ts. A part is `[channel, at, length]` of the answer's
text (`text`, `value`) or of its reasoning, in UTF-16 units; `["tool", number]` of its calls; what
stands in none of them is `[channel, text]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipyllm.widget.messages import utf16_len

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("saved_parts",)

Part = list[str | int]

_GAP = 2  # units: a blank line between what is said in one turn and in the next (run/completion.py)


def saved_parts(transcript: Sequence[tuple[str, str]], *, timed: bool) -> list[Part] | None:
    """The transcript less what is saved elsewhere; None where it is in the usual order."""
    tried = max((i for i, part in enumerate(transcript) if _asks_again(*part)), default=0)
    calls: dict[str, int] = {}
    said = thought = 0  # units of the answer, and of the reasoning
    gap = False
    out: list[Part] = []
    for number, (channel, text) in enumerate(transcript):
        match channel:
            case "turn":
                gap = said > 0
                out.append([channel, text if timed else " ".join(text.split()[:2])])
            case "reasoning":
                out.append([channel, thought, utf16_len(text)])
                thought += utf16_len(text)
            case "text" | "value" if number >= tried:
                said += _GAP * gap
                gap = False
                out.append([channel, said, utf16_len(text)])
                said += utf16_len(text)
            case "text" | "value" | "refusal":  # what was tried first is none of the answer
                out.append([channel, text])
            case _ if channel not in calls:  # fragments of calls may come in turns
                calls[channel] = len(calls)
                out.append(["tool", calls[channel]])
            case _:
                pass
    return None if _is_usual([str(part[0]) for part in out]) else out


def _asks_again(channel: str, text: str) -> bool:
    return channel == "turn" and " retry" in text


def _is_usual(channels: Sequence[str]) -> bool:
    """Whether it is what a reader takes for granted: reasoning once, text once, calls."""
    calls = channels.count("tool")
    heads = [name for name in ("reasoning", "text") if name in channels]
    return list(channels) == [*heads, *["tool"] * calls]
