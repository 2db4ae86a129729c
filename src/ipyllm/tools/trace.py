"""The traceback of the user's function, without the frames that lead to it."""

from __future__ import annotations

import traceback
from types import CodeType, TracebackType

__all__ = ("trace_of",)

_LONGEST = 20_000  # characters, from the end: the error's own line is there


def trace_of(exc: BaseException, *callers: CodeType) -> str:
    """As Python writes it, from below the frames of `callers`; all of it where none is in it."""
    trace = _below(exc.__traceback__, callers)
    try:
        text = "".join(traceback.format_exception(type(exc), exc, trace))
    except Exception:  # noqa: BLE001 - the user's own __str__
        text = f"{type(exc).__name__}\n"
    return text if len(text) <= _LONGEST else f"… cut\n{text[-_LONGEST:]}"


def _below(trace: TracebackType | None, callers: tuple[CodeType, ...]) -> TracebackType | None:
    at = trace
    while at is not None:
        if at.tb_frame.f_code in callers:
            trace = at.tb_next
        at = at.tb_next
    return trace
