"""
What the kernel sends the page, message by message.

Deltas are sent 25 times a second, so they carry no `kind` and their channel's name is the
key of the text: 60 bytes beside the text, 150 with Jupyter's own wrapping.

Offsets (`at`, `have`) count UTF-16 units, JavaScript's own, in the whole transcript: all
channels joined in order of arrival.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipyllm.events import Progress, ToolResult
    from ipyllm.run.batch import State
    from ipyllm.run.metrics import Timing
    from ipyllm.run.reply import Reply
    from ipyllm.structured.checker import Violation

__all__ = (
    "ack",
    "asset",
    "call",
    "delta",
    "metrics",
    "progress",
    "settled_metrics",
    "snapshot",
    "spent",
    "status",
    "timing",
    "utf16_len",
    "violation",
)


def utf16_len(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def delta(seq: int, at: int, tokens: int, ms: int, channel: str, text: str) -> dict[str, Any]:
    """More of the transcript; `tokens` so far, the newest of them `ms` after the request."""
    return {"seq": seq, "at": at, "n": tokens, "ms": ms, channel: text}


def status(seq: int, state: State, numbers: dict[str, Any], note: str) -> dict[str, Any]:
    """A new state, the numbers known by now, and a sentence for people."""
    return {"seq": seq, "kind": "status", "state": state, "metrics": numbers, "note": note}


def progress(seq: int, event: Progress) -> dict[str, Any]:
    """How much of the prompt was read."""
    return {"seq": seq, "kind": "progress", "processed": event.processed, "total": event.total}


def call(seq: int, result: ToolResult) -> dict[str, Any]:
    """How far a call is, and what it gave."""
    return {"seq": seq, "kind": "call", **_call(result)}


def spent(seq: int, share: float, text: str, *, estimated: bool) -> dict[str, Any]:
    """How much of the budget is taken."""
    return {"seq": seq, "kind": "spent", **_spent((share, text, estimated))}


def violation(wrong: Violation) -> dict[str, Any]:
    """The place that does not fit, and why."""
    return {"path": list(wrong.path), "message": wrong.message}


def snapshot(
    seq: int,
    at: int,
    transcript: Sequence[tuple[str, str]],
    state: State,
    numbers: dict[str, Any],
    note: str,
    *,
    results: Iterable[ToolResult] = (),
    budget: tuple[float, str, bool] | None = None,
) -> dict[str, Any]:
    """Everything from offset `at` on, and the state with it."""
    parts: list[list[str]] = []
    skip = at
    for channel, text in transcript:
        size = utf16_len(text)
        if skip < size:
            parts.append([channel, _from_utf16(text, skip)])
        skip = max(skip - size, 0)
    return {
        "seq": seq,
        "kind": "snapshot",
        "at": at,
        "parts": parts,
        "state": state,
        "metrics": numbers,
        "note": note,
        **({"calls": calls} if (calls := [_call(result) for result in results]) else {}),
        **({"spent": _spent(budget)} if budget is not None else {}),
    }


def ack() -> dict[str, Any]:
    """The Stop button's message has arrived."""
    return {"kind": "ack"}


def timing(html: str) -> dict[str, Any]:
    """What the Timing panel shows."""
    return {"kind": "timing", "html": html}


def asset(name: str, code: str) -> dict[str, Any]:
    """Source of a module the page loads only where it needs it; "" if there is none."""
    return {"kind": "asset", "name": name, "code": code}


def metrics(timing: Timing, *, input_tokens: int | None = None) -> dict[str, Any]:
    """The numbers of the strip, seconds; only those that are known."""
    known = {
        "load": timing.load,
        "ttft": timing.ttft,
        "ttfa": timing.ttfa,
        "total": timing.total,
        "elapsed": timing.total,
        "rate": timing.decode_rate,
        "tokens": timing.tokens or None,
        "estimated": timing.estimated,
        "input_tokens": input_tokens,
    }
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in known.items()
        if value is not None
    }


def settled_metrics(reply: Reply) -> dict[str, Any]:
    """Those of an answer that is over, with the place that does not fit."""
    numbers = metrics(reply.timing, input_tokens=reply.usage.input_tokens)
    if reply.violation is not None:
        numbers["invalid"] = violation(reply.violation)
    return numbers


def _call(result: ToolResult) -> dict[str, Any]:
    return {
        "call": result.index,
        "state": result.state,
        "text": result.text,
        "error": result.error,
        "seconds": result.seconds,
    }


def _spent(budget: tuple[float, str, bool]) -> dict[str, Any]:
    share, text, estimated = budget
    return {"share": round(share, 4), "text": text, "estimated": estimated}


def _from_utf16(text: str, units: int) -> str:
    if not units:
        return text
    if text.isascii():
        return text[units:]
    # An offset of ours never cuts a pair; a page's could only by a bug of its own.
    return text.encode("utf-16-le")[2 * units :].decode("utf-16-le", "replace")
