"""What the Timing button of a live view opens: the panel, the slider over time, and what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipyllm.widget.arrivals import arrivals, slider
from ipyllm.widget.sent import sent_details
from ipyllm.widget.timing import MAX_SHOWN, panel
from ipyllm.widget.tokens import timed_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipyllm.events import Event
    from ipyllm.run.metrics import Timing
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply

__all__ = ("of_reply", "of_run")


def of_run(run: Run) -> str:
    """As of now; the slider comes once it is over."""
    with run.lock:
        timing, over = run.timing(), run.completion.finish is not None
        events = run.completion.events(None if over else 3 * MAX_SHOWN)
    steps = arrivals(events, timing, run.completion.before) if over else []
    return _html(timing, events, steps, sent_details(run.asked, run.references))


def of_reply(reply: Reply) -> str:
    """Of an answer that is over."""
    timing, events = reply.timing, reply.raw_events
    steps = arrivals(events, timing, reply._completion.before)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return _html(timing, events, steps, sent_details(reply.asked, reply.references))


def _html(timing: Timing, events: Sequence[Event], steps: list[tuple[int, int]], sent: str) -> str:
    return panel(timing, timed_tokens(events, timing.gaps), exact=True) + slider(steps) + sent
