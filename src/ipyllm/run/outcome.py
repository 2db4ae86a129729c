"""How an answer ended, in a sentence, and as the exception that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipyllm import errors

if TYPE_CHECKING:
    from ipyllm.events import StreamError
    from ipyllm.run.reply import Reply

__all__ = ("failure", "note")


def note(reply: Reply, variable: str, *, stopped: bool = False) -> str:
    """What people read beside the answer; "" if it simply ended."""
    where = f"; the text is in `{variable}`" if reply or reply.transcript else ""
    match reply.finish_reason:
        case "interrupted":
            by = "stopped" if stopped else "interrupted by you"
            return f"{by} {_after(reply)}{where}"
        case "truncated":
            return f"cut off {_after(reply)}: the stream ended without a sign of a finished answer"
        case "length":
            return "stopped at the token limit"
        case "budget":
            return f"budget spent: {_end(reply)}"
        case "invalid":
            return f"cut {_after(reply)}: {_wrong(reply)}"
        case "tool_calls" if _end(reply).startswith("stopped"):
            return _end(reply)
        case "content_filter":
            return f"cut by the service's content filter {_after(reply)}"
        case "error":
            return f"failed {_after(reply)}{where}"
        case _:
            return ""


def failure(reply: Reply, variable: str) -> errors.IpyllmError | None:
    """The exception for an answer that ended in an error, or is not what it should be; else None."""
    if reply.error is None:
        return _unfit(reply, variable)
    kept = ""
    if reply.transcript:
        kept = f"It came {_after(reply)}; what had arrived is in `{variable}`."
    return _exception(reply.error, kept)


def _unfit(reply: Reply, variable: str) -> errors.InvalidAnswer | None:
    if reply.violation is None or reply.finish_reason in ("interrupted", "budget"):
        return None
    cut = " (it was cut at the token limit)" if reply.finish_reason == "length" else ""
    hint = f"What came is in `{variable}`; --retries 2 asks again with what was wrong."
    return errors.InvalidAnswer(f"The answer does not fit: {_wrong(reply)}{cut}.", hint=hint)


def _wrong(reply: Reply) -> str:
    return reply.violation.message.rstrip(".") if reply.violation else _end(reply)


def _end(reply: Reply) -> str:
    """What the `Finish` says of it."""
    last = reply.raw_end
    return last.raw if last is not None else ""


def _exception(error: StreamError, kept: str) -> errors.IpyllmError:
    kind = getattr(errors, error.kind if error.kind in errors.__all__ else "ServerError")
    message = error.message if error.message.endswith((".", "!", "?")) else error.message + "."
    if issubclass(kind, errors.ServiceError):
        return kind(message, hint=kept, status=error.status)
    if issubclass(kind, errors.IpyllmError):
        return kind(message, hint=kept)
    return errors.IpyllmError(message, hint=kept)


def _after(reply: Reply) -> str:
    tokens = reply.timing.tokens
    if not tokens:
        return "before the first token"
    return (
        f"after {'~' if reply.timing.estimated else ''}{tokens:,} token{'s' if tokens > 1 else ''}"
    )
