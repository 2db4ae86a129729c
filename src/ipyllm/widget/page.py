"""The way to the page: custom messages of an answer's widget, and who delivers them while a cell blocks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from IPython.core.getipython import get_ipython

from ipyllm.front_end import has_page
from ipyllm.run.beside import beside
from ipyllm.run.browser import no_front_end
from ipyllm.transport.browser import pages
from ipyllm.transport.loop import network_loop
from ipyllm.widget import messages
from ipyllm.widget.model import AnswerModel, asset
from ipyllm.widget.output import close_finished, close_later

if TYPE_CHECKING:
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply
    from ipyllm.transport.page_talk import Hello

__all__ = ("OwnPage", "PageChannel", "answered", "delivering", "pages_here")

_SLICE = 0.02  # seconds
_LONG = 0.2  # seconds; Windows cannot interrupt a wait
_PATIENCE = 5.0  # seconds for a page to answer a question


class PageChannel:
    """A `Channel` over the messages of one widget."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self._hearing: list[Callable[[Mapping[str, Any]], None]] = []
        self._pushed = False

    def send(self, content: dict[str, Any]) -> None:
        """As `Channel.send`; the module that reads it goes before the first."""
        if not self._pushed:
            self._pushed = True
            self._send(messages.asset("browser", asset("browser")))
        self._send(content)

    def listen(self, hear: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        """As `Channel.listen`."""
        self._hearing.append(hear)
        return lambda: self._hearing.remove(hear)

    def hear(self, content: Mapping[str, Any]) -> None:
        """A message came from a page, in whatever thread."""
        for hear in tuple(self._hearing):
            hear(content)


class OwnPage(PageChannel):
    """
    The way to the page where nothing is shown: a widget that has no view.

    Raises:
        UsageError: there is no page.
    """

    def __init__(self, name: str) -> None:
        if not has_page():
            raise no_front_end(name)
        close_finished()
        self._model = AnswerModel(title=name, mode="background", snapshot_now=dict)
        self._model.on_msg(self._on_message)
        super().__init__(cast("Callable[[dict[str, Any]], None]", self._model.send))

    @property
    def must_be_delivered(self) -> bool:
        """Nothing comes while a cell runs unless the cell fetches it: ipykernel 6 has no subshells."""
        kernel: Any = getattr(get_ipython(), "kernel", None)
        here = threading.current_thread() is threading.main_thread()
        return here and getattr(kernel, "shell_channel_thread", None) is None

    def close(self) -> None:
        """Nothing more will be said. What the page says of it meanwhile still finds its comm."""
        close_later(self._model)

    def _on_message(self, _model: object, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("kind") == "browser":
            self.hear(content)


@contextmanager
def delivering() -> Generator[Callable[[], float], None, None]:
    """
    For who waits for a page in this thread: a function that delivers what came, or comes in a moment.

    It says how long (s) one may block after that.
    """
    from ipyllm.widget.comm_pump import CommPump  # it needs a kernel's zmq

    pump = CommPump.here()
    if pump is None:
        yield lambda: _LONG
        return

    def deliver() -> float:
        pump.wait(_SLICE)
        return 0.0

    with pump:
        yield deliver


def answered(run: Run) -> Reply:
    """Start `run`, and deliver what pages say until it is over: a blocked cell has to do it itself."""
    over = threading.Event()

    def deliver_all() -> None:
        with delivering() as deliver:
            while not over.is_set():
                over.wait(deliver())

    return beside(run, deliver_all, ended=over.set)


def pages_here() -> list[Hello]:
    """
    The pages of this notebook, each with the state of its browser's model.

    Raises:
        ModelUnavailable: none answers.
        UsageError: there can be none.
    """
    channel = OwnPage("browser")
    asked = asyncio.run_coroutine_threadsafe(
        pages(channel, clock=time.perf_counter, patience=_PATIENCE), network_loop()
    )
    try:
        with delivering() as deliver:
            while not asked.done():
                wait([asked], deliver())
        return asked.result()
    finally:
        asked.cancel()
        channel.close()
