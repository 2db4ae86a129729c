"""How much of an answer a recording has, by the rules of its API: what may be kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ipyllm.dialects import dialect
from ipyllm.errors import BadRequest, IpyllmError
from ipyllm.events import Finish

if TYPE_CHECKING:
    from ipyllm.transport.cassette.form import Recording

__all__ = ("Ending", "ending")

Ending = Literal["whole", "refused", "stopped", "failed"]


def ending(recording: Recording) -> Ending:
    """
    Say what it ended in.

    * `whole`: with its API's own end, whatever happened to the connection then.
    * `refused`: the service does not take this request, and never will.
    * `stopped`: by whoever asked, before that.
    * `failed`: anything that may be otherwise the next time.
    """
    if _is_whole(recording):
        return "whole"
    if isinstance(recording.error, BadRequest):
        return "refused"
    return "stopped" if recording.stopped else "failed"


def _is_whole(recording: Recording) -> bool:
    try:
        decoder = dialect(str(recording.header["api"])).decoder()
        events = decoder.feed(b"".join(chunk for _, chunk in recording.chunks)) + decoder.close()
    except IpyllmError:
        return False
    end = events[-1]
    return isinstance(end, Finish) and end.reason not in ("truncated", "error")
