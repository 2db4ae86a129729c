"""
A race in one cell's output: the track, and below it a live answer for each lane.

ipywidgets' own Box lays them out, with the static bundle's flex: the swap at the end moves nothing.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets
from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

from ipyllm.run.race import Lane, Race, lane_of, settled, titles
from ipyllm.widget.model import built, unpin
from ipyllm.widget.output import VIEW_TYPE, close_finished, close_later, view_of
from ipyllm.widget.race_html import race_bundle, race_metadata
from ipyllm.widget.sink import WidgetSink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipyllm.run.batch import State
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply
    from ipyllm.widget.model import AnswerModel

__all__ = ("RaceStage",)

# The static bundle's, but each live answer has JupyterLab's room around an output (20px at the right, 7px
# below) for itself.
_LANE = "1 1 230px"
_GAP = "5px 12px"


class TrackModel(anywidget.AnyWidget):
    """
    The track above the lanes.

    * `lanes`: `Lane` as dicts; `now`: seconds from the start of the race, when they were sent.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    mode = traitlets.Unicode("blocking").tag(sync=True)
    lanes = traitlets.List[dict[str, Any]]().tag(sync=True)
    now = traitlets.Float(0.0).tag(sync=True)


class RaceStage:
    """A `Stage` in a page."""

    def __init__(self, count: int, *, background: bool) -> None:
        # "background": the Stop of one lane must never interrupt the kernel, and with it the others.
        self.sinks = [WidgetSink(_Lane(self, index), background=True) for index in range(count)]
        self._mode = "background" if background else "blocking"
        self._lock = threading.Lock()
        self._runs: list[Run] = []
        self._lanes: list[Lane] = []
        self._models: dict[int, AnswerModel] = {}
        self._widgets: list[ipywidgets.Widget] = []
        self._bundles: list[dict[str, Any]] = [{}] * count
        self._track: TrackModel | None = None
        self._handle: Any = None
        self._start = 0.0

    def open(self, runs: Sequence[Run]) -> None:
        """Show them."""
        close_finished()
        self._runs = list(runs)
        self._lanes = [Lane(title) for title in titles(run.label for run in runs)]
        for run in runs:
            run.open()
        data = {
            "text/plain": f"(streaming from {', '.join(lane.title for lane in self._lanes)})",
            VIEW_TYPE: view_of(self._box()),
        }
        self._handle = display(data, raw=True, display_id=True)

    def begin(self, start: float) -> None:
        """The clock's zero."""
        self._start = start
        with self._lock:
            self._tell()

    def place(self, index: int, model: AnswerModel) -> None:
        """The widget of a lane."""
        self._models[index] = model

    def moved(self, index: int, state: State) -> None:
        """A lane changed its state, or has its first token."""
        lane = lane_of(self._runs[index], self._lanes[index].title, self._start, state)
        with self._lock:
            self._lanes[index] = lane
            self._tell()

    def ended(self, index: int, reply: Reply, state: State, data: dict[str, Any]) -> None:
        """A lane is over."""
        title, sent = self._lanes[index].title, self._runs[index].sent - self._start
        with self._lock:
            self._bundles[index] = data
            self._lanes[index] = settled(reply, sent, title, stopped=state == "stopped")
            self._tell()

    def settle(self, race: Race) -> None:
        """Put the static bundle in the place of all."""
        data = race_bundle(race, self._bundles)
        self._handle.update(data, raw=True, metadata=race_metadata(race))
        close_later(self)

    # as `output.Shown` -------------------------------------------------------------

    @property
    def asked_again(self) -> bool:
        """A page was reloaded in mid-stream."""
        return any(model.asked_again for model in self._models.values())

    def close(self) -> None:
        """Take every widget from the pages."""
        for widget in self._widgets:
            widget.close()

    # ------------------------------------------------------------------------------

    def _box(self) -> str:
        """The widgets' frame; its id."""
        lane, row = _layout(flex=_LANE, min_width="0"), _layout(flex="1 1 100%")
        track = TrackModel(_esm=built("race.js"), mode=self._mode, layout=row)
        track.on_msg(self._on_message)
        unpin(track)
        models = [self._models[index] for index in range(len(self._runs))]
        for model in models:
            model.layout = lane
            model.add_class("ipyllm-lane")
        frame = _layout(
            display="flex",
            flex_flow="row wrap",
            align_items="flex-start",
            grid_gap=_GAP,
            overflow="visible",
        )
        box = ipywidgets.Box(children=[track, *models], layout=frame)
        self._track = track
        self._widgets = [box, track, *models, lane, row, frame]
        return str(box.model_id)

    def _tell(self) -> None:
        if self._track is not None:
            with self._track.hold_sync():
                self._track.now = time.perf_counter() - self._start
                self._track.lanes = [asdict(lane) for lane in self._lanes]

    def _on_message(self, track: TrackModel, content: dict[str, Any], _buffers: object) -> None:
        if content.get("kind") == "stop":
            track.send({"kind": "ack"})
            for sink in self.sinks:
                sink.stop()


class _Lane:
    """The `Place` of one lane."""

    def __init__(self, stage: RaceStage, index: int) -> None:
        self._stage = stage
        self._index = index

    def show(self, _run: Run, model: AnswerModel) -> None:
        """The stage shows all of them at once."""
        self._stage.place(self._index, model)

    def moved(self, state: State) -> None:
        """Tell the track."""
        self._stage.moved(self._index, state)

    def keep(self, reply: Reply, state: State, data: dict[str, Any]) -> None:
        """Tell the track; the bundle waits for the others."""
        self._stage.ended(self._index, reply, state, data)


def _layout(**traits: str) -> ipywidgets.Layout:
    return ipywidgets.Layout(**traits)
