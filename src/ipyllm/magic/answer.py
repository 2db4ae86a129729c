"""One cell's answer: choose where it is shown, stream it, settle it, then raise."""

from __future__ import annotations

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
from ipyllm.run.thread import in_thread
from ipyllm.sinks.plain import PlainSink
from ipyllm.sinks.terminal import TerminalSink
from ipyllm.widget.page import answered
from ipyllm.widget.showing import show
from ipyllm.widget.sink import WidgetSink
from ipyllm.widget.static_html import bundle, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from IPython.core.interactiveshell import InteractiveShell

    from ipyllm.magic.conversation import Draft
    from ipyllm.request import Message, Request
    from ipyllm.run.budget import Spending
    from ipyllm.run.plan import Plan
    from ipyllm.run.sink import Sink
    from ipyllm.run.source import Source

__all__ = (
    "Answer",
    "in_background",
    "sink_for",
    "stream_in_background",
    "streams",
    "variables",
    "was_stopped",
)

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
        stream_in_background(run, self, lambda: self._settle(run, run.pump(), sink))

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

    def note(self, reply: Reply, name: str, *, stopped: bool, raises: bool) -> str:
        """
        What people read beside it.

        * `name`: where it is kept. `stopped`: by the button.
        * `raises`: an error is raised as well, and says the rest.
        """
        said = outcome.note(reply, name, stopped=stopped)
        if reply.error is not None and not raises:
            said = str(outcome.failure(reply, name))
        return " ".join(filter(None, [said or recording.note(reply), *self.hints]))

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

    def _settle(self, run: Run, reply: Reply, sink: Sink) -> None:
        # The variable first: nothing that may go wrong in showing can lose the text.
        names = variables(self.shell)
        names["_llm"] = reply
        if self.variable:
            names[self.variable] = reply
        if self.settled is not None:
            self.settled(reply)
        raises = not (isinstance(sink, WidgetSink) and sink.background)
        # Before people read that it is done: the thread's next turn may begin then.
        _background.pop(run, None)
        run.settle(reply, self.note(reply, self._name(), stopped=was_stopped(sink), raises=raises))

    def _name(self) -> str:
        return self.variable or "_llm"


def variables(shell: InteractiveShell) -> dict[str, Any]:
    """The notebook's variables."""
    return cast("dict[str, Any]", shell.user_ns)


def was_stopped(sink: Sink) -> bool:
    """By its Stop button."""
    return isinstance(sink, WidgetSink) and sink.stopped


def in_background() -> list[Run]:
    """The runs that stream in the background now."""
    return list(_background)


def stream_in_background(run: Run, answer: Answer, work: Callable[[], object]) -> None:
    """Do `work` in a thread; from now until it is over `run` is one of those `in_background`."""

    def working() -> None:
        try:
            work()
        finally:
            _background.pop(run, None)

    _background[run] = answer
    in_thread(working, "ipyllm-background")


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
            return TerminalSink(background=background)
        case _:
            return PlainSink(_untimed)


def _untimed(reply: Reply, note: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return bundle(reply, note=note, timed=False), metadata(reply)


Reply.opener = show
