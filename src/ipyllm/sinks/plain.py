"""
One display at the end, for notebooks that are executed without a page (nbclient, nbval).

nbval knows no display updates: it would compare the placeholder with the saved answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipyllm.run.batch import Batch
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply

__all__ = ("PlainSink",)


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
