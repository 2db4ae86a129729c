"""When each piece of an answer came, for the slider under the Timing panel of a live view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipyllm.run.channels import piece_of
from ipyllm.run.tally import is_token
from ipyllm.widget.messages import utf16_len

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipyllm.events import Event
    from ipyllm.run.metrics import Timing

__all__ = ("MAX_STEPS", "arrivals", "slider")

MAX_STEPS = 4000
"""Steps of the slider; of a longer answer every second, third, ... arrival is one."""
_TOGETHER = 1  # ms


def arrivals(events: Iterable[Event], timing: Timing, before: str = "") -> list[tuple[int, int]]:
    """
    (ms since the request, UTF-16 units of the transcript that were there then), both growing.

    Time between the turns of an answer (functions ran) is left out, as in `timing.gaps`.
    """
    out: list[tuple[int, int]] = []
    at, have, gaps = timing.ttft, utf16_len(before), iter(timing.gaps)
    if at is None:
        return []
    first = True
    for event in events:
        if is_token(event) and not first:
            at += next(gaps, 0.0)
        first = first and not is_token(event)
        if (piece := piece_of(event)) is None:
            continue
        have += utf16_len(piece[1])
        ms = round(1e3 * at)
        if out and ms - out[-1][0] < _TOGETHER:
            out.pop()
        out.append((ms, have))
    return out


def slider(steps: list[tuple[int, int]]) -> str:
    """The place of the slider: a page that can show it reads the steps from it; "" below two."""
    if len(steps) < 2:
        return ""
    stride = -(-len(steps) // MAX_STEPS)
    chosen = steps[::stride] if steps[-1] in steps[::stride] else [*steps[::stride], steps[-1]]
    told = " ".join(f"{ms}:{have}" for ms, have in chosen)
    return f'<div class="ipyllm-replay" data-steps="{told}"></div>'
