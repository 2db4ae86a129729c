"""One cell's answer: choose where it is shown, stream it, settle it, then raise."""

from __future__ import annotations

import contextvars
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ipyllm.errors import Stopped
from ipyllm.front_end import display_kind
from ipyllm.magic import recording
from ipyllm.run import outcome
from ipyllm.run.browser import BrowserSource, no_front_end
from ipyllm.run.cancel import Interrupts
from ipyllm.run.pull import PythonSource, pumped
from ipyllm.run.pump import Run
from ipyllm.run.reply import Reply
from ipyllm.sinks.plain import PlainSink
from ipyllm.sinks.terminal import TerminalSink
from ipyllm.widget.page import answered
from ipyllm.widget.showing import show
from ipyllm.widget.sink import WidgetSink
from ipyllm.widget.static_html import bundle, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from IPython.core.interactiveshell import InteractiveShell

    from ipyllm.magic.conversation import Draft
    from ipyllm.request import Message, Request
    from ipyllm.run.budget import Spending
    from ipyllm.run.plan import Plan
    from ipyllm.run.sink import Sink
    from ipyllm.run.source import Source

__all__ = ("Answer", "in_background", "sink_for", "streaming", "streams", "variables")

_background: dict[Run, Answer] = {}


@dataclass(slots=True)
class Answer:
    """
    `show()` blocks until the answer is over; `show_in_background()` returns at once.

    * `variable`: the name the answer gets in the notebook besides `_llm`; "" for none.
    * `plan`: tools and form; `budget`: what limits it. None for none.
    * `draft`: the turn of a thread it becomes; None for none.
    * `asked`: the messages before the answer, where they are not the request's; `before`: the text it
      goes on with.
    * `settled`: called with the reply once it is in its variables.
    * `hints`: what people should know of the prompt; `references`: as `Reply.references`.
    """

    shell: InteractiveShell
    source: Source
    request: Request
    variable: str = ""
    plan: Plan | None = None
    budget: Callable[[float], Spending] | None = None
    draft: Draft | None = None
    asked: Sequence[Message] | None = None
    before: str = ""
    settled: Callable[[Reply], object] | None = None
    hints: Sequence[str] = ()
    references: Sequence[tuple[int, int, str]] = ()

    def show(self) -> None:
        """
        Stream into this cell's output.

        Raises:
            Stopped: the user interrupted; the variable and the output hold what came.
            IpyllmError: the answer ended in an error; they hold what came.
        """
        sink = sink_for(self.shell, background=False)
        run = self.run(sink)
        with Interrupts(run.cancel) as interrupts:
            run.step, run.poke = interrupts.run, interrupts.poke
            reply = self._pumped(run, interrupts)
            self._settle(run, reply, sink)
        if interrupts.hit:
            raise Stopped(outcome.note(reply, self._name()) or "interrupted; the answer is whole")
        if run.bug is not None:
            raise run.bug
        if error := outcome.failure(reply, self._name()):
            raise error from None

    def show_in_background(self) -> None:
        """Stream into this cell's output while other cells run. Errors are shown there."""
        sink = sink_for(self.shell, background=True)
        if isinstance(sink, PlainSink):  # whoever executes the notebook does not wait for threads
            self.show()
            return
        run = self.run(sink)
        run.start()
        # In a copy of this cell's context, display updates find this cell's output.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._pump, run, sink), daemon=True).start()

    def conversation(self) -> list[dict[str, Any]]:
        """What is asked, the system prompt first."""
        system = [{"role": "system", "content": self.request.system}] if self.request.system else []
        return [*system, *map(dict, self.request.messages)]

    def run(self, sink: Sink) -> Run:
        """It, not started yet, for that sink."""
        if isinstance(self.source, BrowserSource):
            if not isinstance(sink, WidgetSink):
                raise no_front_end(self.source.model)
            self.source.page = sink.page
        asked = self.conversation() if self.asked is None else self.asked
        run = Run(
            self.source, sink, asked=asked, plan=self.plan, budget=self.budget, before=self.before
        )
        run.aside = self.draft.title if self.draft else ""
        run.references = self.references
        return run

    def _pumped(self, run: Run, interrupts: Interrupts) -> Reply:
        """What this thread has to do itself while the answer streams, it does."""
        match self.source:
            case PythonSource():
                return pumped(run, self.source, interrupts)
            case BrowserSource():
                return answered(run)
            case _:
                run.start()
                return run.pump()

    def _pump(self, run: Run, sink: Sink) -> None:
        with streaming(run, self):
            self._settle(run, run.pump(), sink)

    def _settle(self, run: Run, reply: Reply, sink: Sink) -> None:
        # The variable first: nothing that may go wrong in showing can lose the text.
        names = variables(self.shell)
        names["_llm"] = reply
        if self.variable:
            names[self.variable] = reply
        if self.settled is not None:
            self.settled(reply)
        stopped = isinstance(sink, WidgetSink) and sink.stopped
        said = outcome.note(reply, self._name(), stopped=stopped)
        if isinstance(sink, WidgetSink) and sink.background and reply.error is not None:
            said = str(outcome.failure(reply, self._name()))
        run.settle(reply, " ".join(filter(None, [said or recording.note(reply), *self.hints])))

    def _name(self) -> str:
        return self.variable or "_llm"


def variables(shell: InteractiveShell) -> dict[str, Any]:
    """The notebook's variables."""
    return cast("dict[str, Any]", shell.user_ns)


def in_background() -> list[Run]:
    """The runs that stream in the background now."""
    return list(_background)


@contextmanager
def streaming(run: Run, answer: Answer) -> Generator[None]:
    """While it streams in a thread of its own."""
    _background[run] = answer
    try:
        yield
    finally:
        _background.pop(run, None)


def streams(thread: object) -> bool:
    """Whether a turn of that thread streams in the background now."""
    answers = list(_background.values())
    return any(answer.draft is not None and answer.draft.thread is thread for answer in answers)


def sink_for(shell: InteractiveShell | None, *, background: bool) -> Sink:
    """Where answers are shown here: widget, terminal, or one static display at the end."""
    match display_kind(shell):
        case "widget":
            return WidgetSink(background=background)
        case "terminal":
            return TerminalSink()
        case _:
            return PlainSink(_untimed)


def _untimed(reply: Reply, note: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return bundle(reply, note=note, timed=False), metadata(reply)


Reply.opener = show
