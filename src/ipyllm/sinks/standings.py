"""A race in words: one line for each lane, who was first marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipyllm.run.race import places
from ipyllm.sinks.numbers import latency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipyllm.run.race import Lane

__all__ = ("ordinal", "reached", "standings")


def standings(lanes: Sequence[Lane]) -> str:
    """A line for each: `gpt-4o: first token 212 ms (1st), done 1.92 s (2nd), 63 tok/s`."""
    first, last = reached(lanes)
    return "\n".join(
        f"{lane.title}: {', '.join(_said(lane, *both))}"
        for lane, both in zip(lanes, zip(first, last, strict=True), strict=True)
    )


def reached(lanes: Sequence[Lane]) -> tuple[list[int | None], list[int | None]]:
    """The places by first token, and by finish."""
    ends = [lane.end if lane.finished else None for lane in lanes]
    return places([lane.first for lane in lanes]), places(ends)


def ordinal(place: int) -> str:
    """`1st`."""
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10)
    return f"{place}{ending or 'th'}"


def _said(lane: Lane, first: int | None, last: int | None) -> list[str]:
    out: list[str] = []
    if lane.first is not None and first is not None:
        out.append(f"first token {latency(lane.first)} ({ordinal(first)})")
    if lane.end is not None:
        place = f" ({ordinal(last)})" if last is not None else ""
        out.append(f"{lane.state} {latency(lane.end)}{place}")
    if lane.rate is not None:
        out.append(f"{'~' if lane.estimated else ''}{lane.rate:,.0f} tok/s")
    return out
