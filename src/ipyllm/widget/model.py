"""
The widget behind one live answer: a thin anywidget; what it shows comes by messages.

anywidget sends `_esm` with every widget. The bundle goes over once per kernel instead, in
a plain widget of its own (the library); each answer carries a loader of 1 KB.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anywidget
import ipywidgets
import traitlets

from ipyllm.errors import IpyllmError
from ipyllm.front_end import is_marimo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ("AnswerModel", "asset", "built", "prepare", "unpin")

_STATIC = Path(__file__).parent / "static"


def built(name: str) -> str:
    """
    A file of the front end.

    Raises:
        IpyllmError: it is not there.
    """
    try:
        return (_STATIC / name).read_text("utf-8")
    except OSError:
        raise IpyllmError("The front end is not built.", hint="Run: python3 dev.py build") from None


_ASSETS = ("highlight", "structure", "browser", "replay")


def asset(name: str) -> str:
    """Source of a module that a page asked for; "" if there is none of that name."""
    try:
        return built(f"{name}.js") if name in _ASSETS else ""
    except IpyllmError:
        return ""


class _Library(ipywidgets.Widget):
    """Holds the bundle for every answer of this kernel."""

    code = traitlets.Unicode().tag(sync=True)


class _Shared:
    """Made on first use and kept: one layout and one library for all answers of a kernel."""

    def __init__(self) -> None:
        self._layout: ipywidgets.Layout | None = None
        self._library: _Library | None = None
        self._loader = ""

    def layout(self) -> ipywidgets.Layout:
        # Every DOMWidget makes a Layout that nobody closes: 1.5 KB on the wire and a leak.
        if self._layout is None or self._layout.comm is None:
            self._layout = ipywidgets.Layout()
        return self._layout

    def library(self) -> str:
        if is_marimo():
            return ""
        if self._library is None or self._library.comm is None:
            self._library = _Library(code=built("widget.js"))
            unpin(self._library)
        return str(self._library.model_id)

    def loader(self) -> str:
        # marimo sends equal code once by itself, and closes a library with the cell that made it.
        self._loader = self._loader or built("widget.js" if is_marimo() else "loader.js")
        return self._loader


_shared = _Shared()


def prepare() -> None:
    """Send the bundle to the pages now: 8 ms of the first answer's time to first token."""
    with suppress(IpyllmError):  # said by the first answer
        _shared.library()
        _shared.layout()


class AnswerModel(anywidget.AnyWidget):
    """
    One live answer.

    * `mode`: "blocking" while a cell waits for it, else "background".
    * `title`: the model's name for people.
    * `snapshot`: what a page that opens or reloads gets; made when it asks.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _library = traitlets.Unicode().tag(sync=True)
    mode = traitlets.Unicode("blocking").tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True)

    def __init__(
        self, *, title: str, mode: str, snapshot_now: Callable[[], dict[str, Any]]
    ) -> None:
        self._snapshot_now = snapshot_now
        self._made = False
        self.asked_again = False  # a page asked for the whole state later: it was reloaded
        super().__init__(
            _esm=_shared.loader(),
            _library=_shared.library(),
            layout=_shared.layout(),
            title=title,
            mode=mode,
        )
        self._made = True
        unpin(self)

    def get_state(
        self,
        key: str | Iterable[str] | None = None,
        drop_defaults: bool = False,  # noqa: FBT001, FBT002 - ipywidgets' signature
    ) -> dict[str, Any]:
        """The state as it is now: a page that reloads in mid-stream gets the text so far."""
        state = cast("dict[str, Any]", super().get_state(key, drop_defaults))
        self.asked_again = self.asked_again or (self._made and key is None)
        if "snapshot" in state:
            state["snapshot"] = self._snapshot_now()
        return state


def unpin(widget: ipywidgets.Widget) -> None:
    """
    Let messages from the page in while the cell that made the widget blocks.

    ipykernel 7.4 routes them to the (sub)shell that last published on the comm: the blocked
    one. Measured: Stop takes 4,433 ms pinned, 30 ms unpinned. Private, so duck-typed.
    """
    comm: Any = widget.comm
    if comm is not None and hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = _as_sent  # noqa: SLF001


def _as_sent(_data: object, default: object) -> object:
    # Who waits in the main thread gets it there: by a subshell, with its busy and idle for each
    # message, 100 chunks a second come 26 ms late instead of 10.
    pumping = sys.modules.get("ipyllm.widget.comm_pump")
    return None if pumping is not None and pumping.CommPump.is_entered() else default
