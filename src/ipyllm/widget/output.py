"""A cell's output: a live widget first, the static bundle in its place at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

from ipyllm.widget.static_html import metadata

if TYPE_CHECKING:
    from ipyllm.run.batch import State
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply
    from ipyllm.widget.model import AnswerModel

__all__ = ("VIEW_TYPE", "Output", "Place", "close_finished", "close_later", "view_of")

VIEW_TYPE = "application/vnd.jupyter.widget-view+json"
_KEPT = 16  # answers
_finished: list[Shown] = []  # shown as static by now; closed when so many later ones have opened


class Shown(Protocol):
    """What is closed some answers later. `asked_again`: a page that was reloaded shows it."""

    @property
    def asked_again(self) -> bool: ...

    def close(self) -> None: ...


class Place(Protocol):
    """Where a widget is shown, and what is kept of it later."""

    def show(self, run: Run, model: AnswerModel, /) -> None:
        """The run is about to start."""
        ...

    def moved(self, state: State, /) -> None:
        """The answer is in another state."""
        ...

    def keep(self, reply: Reply, state: State, data: dict[str, Any], /) -> None:
        """It is over; `data` is the static bundle."""
        ...


class Output:
    """A cell's output."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._model: AnswerModel | None = None

    def show(self, run: Run, model: AnswerModel) -> None:
        """Display the widget."""
        self._model = model
        data = {
            "text/plain": f"(streaming from {run.label})",
            VIEW_TYPE: view_of(str(model.model_id)),
        }
        self._handle = display(data, raw=True, display_id=True)

    def moved(self, _state: State) -> None:
        """The widget says so itself."""

    def keep(self, reply: Reply, _state: State, data: dict[str, Any]) -> None:
        """Put the static bundle in the widget's place."""
        self._handle.update(data, raw=True, metadata=metadata(reply))
        if self._model is not None:
            close_later(self._model)


def view_of(model_id: str) -> dict[str, Any]:
    """What a front end needs to show a widget."""
    return {"version_major": 2, "version_minor": 0, "model_id": model_id}


def close_later(shown: Shown) -> None:
    """The static bundle stands in its place by now."""
    _finished.append(shown)


def close_finished() -> None:
    """Close what is long over."""
    # Not at once at the end: a page that was reloaded in mid-stream asks for its models only
    # when the kernel is free again, and that is after all the cells a Run All had queued.
    asked = [model for model in _finished if model.asked_again][-_KEPT:]
    others = [model for model in _finished if not model.asked_again][-_KEPT:]
    keep = {*asked, *others}
    for model in _finished:
        if model not in keep:
            model.close()
    _finished[:] = [model for model in _finished if model in keep]
