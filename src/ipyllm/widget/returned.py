"""A widget that is shown because it is a cell's value: marimo, which has no displays to update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipyllm.run.batch import State
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply
    from ipyllm.widget.model import AnswerModel

__all__ = ("Returned",)


class Returned:
    """
    The widget stays when the answer is over, and the notebook closes it with its cell.

    * `model`: what to show; None before the run has been attached.
    """

    def __init__(self) -> None:
        self.model: AnswerModel | None = None

    def show(self, _run: Run, model: AnswerModel) -> None:
        """Keep it for whoever shows it."""
        self.model = model

    def moved(self, _state: State) -> None:
        """The widget says so itself."""

    def keep(self, _reply: Reply, _state: State, _data: dict[str, Any]) -> None:
        """A marimo notebook is a program: it keeps no outputs."""
