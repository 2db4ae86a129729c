"""Where an answer is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ipyllm.run.batch import Batch
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply

__all__ = ("NullSink", "Sink")


class Sink(Protocol):
    """Called from the one thread that pumps the run."""

    def ask(self, run: Run, index: int, question: str, /) -> bool | None:
        """
        Whether call `index` may be made; waits for the answer, or for the run to be stopped.

        None: there is nobody to ask.
        """
        ...

    def open(self, run: Run, /) -> None:
        """The run is about to start."""
        ...

    def emit(self, batch: Batch) -> None:
        """Show more."""
        ...

    def settle(self, reply: Reply, note: str) -> None:
        """The answer is over: show it for good, with `note` for people beside it."""
        ...


class NullSink:
    """Shows nothing."""

    def ask(self, _run: Run, _index: int, _question: str) -> bool | None:
        """Nobody is there."""
        return None

    def open(self, run: Run) -> None:
        """Nothing to prepare."""

    def emit(self, batch: Batch) -> None:
        """Nothing to show."""

    def settle(self, reply: Reply, note: str) -> None:
        """Nothing to keep."""
