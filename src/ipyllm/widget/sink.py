"""
One answer: a live widget while it streams, the static bundle at the end.

Messages go out from the thread that pumps the run and from the one that gets the page's
messages (a subshell's, on ipykernel 7); one lock keeps their numbers in order.
"""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ipyllm.run.batch import Batch, State, state_of
from ipyllm.widget import messages
from ipyllm.widget.live_panel import of_run
from ipyllm.widget.model import AnswerModel, asset
from ipyllm.widget.output import Output, Place, close_finished
from ipyllm.widget.page import PageChannel
from ipyllm.widget.static_html import Static, bundle

if TYPE_CHECKING:
    from ipyllm.events import ToolResult
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply

__all__ = ("WidgetSink",)

_LOOK = 0.1  # seconds between two looks whether the run was stopped
_SPENT_EVERY = 0.2  # seconds


class WidgetSink:
    """
    Shows a run in a widget, then as static HTML.

    * `place`: where; else in the output of the cell that runs.
    * `background`: no cell waits for it; Stop must never interrupt the kernel then.
    * `stopped`: the Stop button ended it.
    * `page`: the way to the pages that show it.
    """

    def __init__(self, place: Place | None = None, *, background: bool = False) -> None:
        self.stopped = False
        self.background = background
        self._place = place or Output()
        self.page = PageChannel(self._send)
        self._lock = threading.RLock()
        self._seq = 0
        self._offset = 0  # UTF-16 units sent
        self._state: State = "connecting"
        self._note = ""
        self._numbers: dict[str, Any] = {}
        self._static = Static()
        self._run: Run | None = None
        self._model: AnswerModel | None = None
        self._approved: dict[int, bool] = {}  # what was pressed, by call
        self._pressed = threading.Event()
        self._told_spent = 0.0

    def open(self, run: Run) -> None:
        """Display the widget."""
        close_finished()
        self._run = run
        mode = "background" if self.background else "blocking"
        self._model = AnswerModel(title=run.label, mode=mode, snapshot_now=self._snapshot)
        self._model.on_msg(self._on_message)
        self._place.show(run, self._model)
        if run.is_structured:  # now: an ipykernel 6 that is blocked by the cell hears no question
            self._send(messages.asset("structure", asset("structure")))

    def ask(self, run: Run, index: int, question: str) -> bool | None:
        """Wait for the card's buttons; where no message can come through, ask on standard input."""
        from ipyllm.widget.comm_pump import CommPump  # it needs a kernel's zmq

        pump = CommPump.here()
        if pump is None and threading.current_thread() is threading.main_thread():
            from ipyllm.sinks.asking import ask_on_stdin

            return ask_on_stdin(run, question)
        with pump or nullcontext():
            while index not in self._approved and not run.is_stopping:
                if pump is not None:
                    pump.wait(_LOOK)
                elif self._pressed.wait(_LOOK):
                    self._pressed.clear()
        return self._approved.get(index, False)

    def emit(self, batch: Batch) -> None:
        """Send the deltas first: nothing may hold a token."""
        with self._lock:
            for channel, text in batch.pieces:
                self._send(
                    messages.delta(
                        self._next(), self._offset, batch.tokens, batch.ms, channel, text
                    )
                )
                self._offset += messages.utf16_len(text)
            if batch.progress is not None:
                self._send(messages.progress(self._next(), batch.progress))
            for result in batch.results:
                self._send(messages.call(self._next(), result))
            self._tell_spent()
            if (batch.state is not None or batch.notice is not None) and not self.stopped:
                # What is said while it waits has no place beside the answer.
                self._note = batch.notice or ""
                self._enter(batch.state or self._state)
        self._static.feed(batch.pieces)

    def settle(self, reply: Reply, note: str) -> None:
        """Put the static bundle in the widget's place."""
        state = state_of(reply.finish_reason, stopped=self.stopped)
        if state == "interrupted" and note:
            note = _interrupted(reply)
        data = bundle(reply, static=self._static, state=state, note=note)
        with self._lock:
            self._numbers = messages.settled_metrics(reply)
            self._note = note
            self._tell_spent(at_once=True)
            self._enter(state)
        self._static = Static()  # a long answer's HTML is megabytes
        self._place.keep(reply, state, data)

    def stop(self) -> None:
        """The button was pressed."""
        self._send(messages.ack())
        if self._run is not None and not self.stopped and self._run.completion.finish is None:
            self.stopped = True
            self._run.cancel()
            with self._lock:
                self._enter("stopping")

    # ------------------------------------------------------------------------------

    def _enter(self, state: State) -> None:
        self._state = state
        if self._run is not None and state not in (
            "done",
            "interrupted",
            "stopped",
            "truncated",
            "error",
        ):
            self._numbers = messages.metrics(self._run.timing())
            # So far only; the page counts on by itself.
            for name in ("total", "rate"):
                self._numbers.pop(name, None)
        self._send(messages.status(self._next(), state, self._numbers, self._note))
        self._place.moved(state)

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _send(self, content: dict[str, Any]) -> None:
        if self._model is not None:
            self._model.send(content)

    def _snapshot(self, have: int = 0) -> dict[str, Any]:
        """All that arrived from offset `have` on; never counts as a message of its own."""
        with self._lock:
            transcript: list[tuple[str, str]] = []
            results: list[ToolResult] = []
            budget = None
            if self._run is not None:
                with self._run.lock:
                    transcript = self._run.completion.transcript()
                    results = [*self._run.completion.results.values()]
                    budget = self._run.spent()
            return messages.snapshot(
                self._seq,
                have,
                transcript,
                self._state,
                self._numbers,
                self._note,
                results=results,
                budget=budget,
            )

    def _tell_spent(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self._run is None or not (at_once or now - self._told_spent >= _SPENT_EVERY):
            return
        if (spent := self._run.spent()) is not None:
            self._told_spent = now
            share, text, estimated = spent
            self._send(messages.spent(self._next(), share, text, estimated=estimated))

    def _on_message(self, _model: object, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "stop"}:
                self.stop()
            case {"kind": "resync", "have": int(have)} if have >= 0:
                with self._lock:
                    self._next()
                    self._send(self._snapshot(have))
            case {"kind": "approve", "call": int(index), "yes": bool(yes)}:
                self._approved.setdefault(index, yes)
                self._pressed.set()
            case {"kind": "browser"}:
                self.page.hear(content)
            case {"kind": "timing"}:
                self._send(messages.timing(of_run(self._run) if self._run else ""))
            case {"kind": "asset", "name": str(name)}:
                self._send(messages.asset(name, asset(name)))
            case _:
                pass


def _interrupted(reply: Reply) -> str:
    # Short: the exception under the output says by whom, and where the text is.
    tokens, about = reply.timing.tokens, "~" if reply.timing.estimated else ""
    if not tokens:
        return "interrupted before the first token"
    return f"interrupted after {about}{tokens:,} token{'s' if tokens > 1 else ''}"
