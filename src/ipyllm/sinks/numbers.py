"""Times as people read them; the live strip's format.ts does the same."""

from __future__ import annotations

__all__ = ("duration", "latency")

_SECOND, _MINUTE = 0.9995, 99.95


def latency(seconds: float) -> str:
    """`312 ms`, `2.61 s`."""
    return f"{round(1e3 * seconds)} ms" if seconds < _SECOND else f"{seconds:.2f} s"


def duration(seconds: float) -> str:
    """`1.8 s`, `2 min 05 s`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    return f"{round(seconds) // 60} min {round(seconds) % 60:02} s"
