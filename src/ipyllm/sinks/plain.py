"""
One display at the end, for notebooks that are executed without a page (nbclient, nbval).

nbval knows no display updates: it would compare the placeholder with the saved answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

from ipyllm.run.sink import NullSink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipyllm.run.batch import Batch
    from ipyllm.run.pump import Run
    from ipyllm.run.race import Race
    from ipyllm.run.reply import Reply

__all__ = ("PlainSink", "PlainStage")


class PlainSink:
    """`render(reply, note)` gives the bundle and its metadata."""

    def __init__(
        self, render: Callable[[Reply, str], tuple[dict[str, Any], dict[str, Any]]]
    ) -> None:
        self._render = render

    def ask(self, _run: Run, _index: int, _question: str) -> bool | None:
        """Nobody is there."""
        return None

    def open(self, run: Run) -> None:
        """Nothing before the end."""

    def emit(self, batch: Batch) -> None:
        """Nothing before the end."""

    def settle(self, reply: Reply, note: str) -> None:
        """The one display."""
        data, metadata = self._render(reply, note)
        display(data, raw=True, metadata=metadata)


class PlainStage:
    """The `Stage` of a race there; `render(race)` gives its one display."""

    def __init__(
        self, count: int, render: Callable[[Race], tuple[dict[str, Any], dict[str, Any]]]
    ) -> None:
        self.sinks = [NullSink() for _ in range(count)]
        self._render = render

    def open(self, runs: Sequence[Run]) -> None:
        """Nothing before the end."""

    def begin(self, start: float) -> None:
        """Nothing before the end."""

    def settle(self, race: Race) -> None:
        """The one display."""
        data, metadata = self._render(race)
        display(data, raw=True, metadata=metadata)
