"""A run that is pumped in a thread of its own, because the thread that waits has other work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipyllm.run.cancel import nothing
from ipyllm.run.thread import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply

__all__ = ("beside",)


def beside(
    run: Run, foreground: Callable[[], None], *, ended: Callable[[], None] = nothing
) -> Reply:
    """
    Start `run`, and pump it elsewhere while `foreground` runs here; `ended` is called there at the end.

    Raises:
        BaseException: whatever the pump raised.
    """
    replies: list[Reply] = []
    bugs: list[BaseException] = []

    def pump() -> None:
        try:
            replies.append(run.pump())
        except BaseException as exc:  # noqa: BLE001 - raised where the answer is waited for
            bugs.append(exc)
        finally:
            ended()

    run.start()
    pumping = in_thread(pump, "ipyllm-pump")
    foreground()
    pumping.join()  # it has said its last
    if bugs:
        raise bugs[0]
    return replies[0]
