"""
The tool loop: stream, call, answer, continue.

What stands in the text of a model that has no other way to call is found there, half a marker never shown
(`ipyllm.structured.text_calls`). Functions run in the thread that pumps: in a cell the main one, where an
interrupt lands in the user's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ipyllm.events import (
    Event,
    Finish,
    Notice,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    ToolResult,
)
from ipyllm.run.cancel import nothing
from ipyllm.run.plan import PlainPlan, Plan
from ipyllm.structured.text_calls import TextCalls
from ipyllm.tools.call import Outcome, Prepared, Refusal, prepare, run_calls
from ipyllm.wire.call_slots import by_service
from ipyllm.wire.said import Saying

if TYPE_CHECKING:
    from ipyllm.request import Message
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply
    from ipyllm.run.source import Source
    from ipyllm.tools.tool import Tool

__all__ = ("Ask", "ToolLoop")

Ask = Callable[["Run", int, Prepared], "bool | None"]
"""Whether this call may be made; None: there was nobody to ask."""

_CALLED = (
    "tool_calls",
    "stop",
)  # ends after which calls are to be made: some services say the second


class ToolLoop:
    """
    A `Plan`: the model's calls are made and answered, for up to `max_rounds` requests.

    * `inner`: what else is done with the text.
    * `ask`: asked before each call; None: calls are made without a question.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        *,
        inner: Plan | None = None,
        max_rounds: int = 8,
        ask: Ask | None = None,
    ) -> None:
        self._tools = tools
        self._inner = inner or PlainPlan()
        self._left = max_rounds - 1
        self._limit = max_rounds
        self._ask = ask
        self._added: list[dict[str, Any]] = []
        self._wrong: set[str] = set()  # tools whose arguments were refused in the turn before
        self._poke: Callable[[], None] = nothing
        self.begin()

    def begin(self) -> None:
        """As `Plan.begin`."""
        self._inner.begin()
        self._begin_reading()

    def _begin_reading(self) -> None:
        self._found = TextCalls({name: tool.parameters for name, tool in self._tools.items()})
        self._saying = Saying(len(self._added))
        self._told = False  # what this turn said is among what was added
        self._own: dict[int, tuple[str, list[str]]] = {}  # calls to be made: name, arguments
        self._native = 0

    def feed(self, events: list[Event]) -> list[Event]:
        """Find the calls, those in the text too."""
        out: list[Event] = []
        for event in events:
            for read in self._read(event):
                self._note(read)
                out.append(read)
            if isinstance(event, Finish):
                out.append(self._end(event))
        return self._inner.feed(out)

    def _read(self, event: Event) -> list[Event]:
        match event:
            case TextDelta(text):
                return [self._after_native(found) for found in self._found.feed(text)]
            case Finish():
                return [self._after_native(found) for found in self._found.close()]
            case _:
                self._native += isinstance(event, ToolCallStart)
                return [event]

    def _note(self, event: Event) -> None:
        self._saying.add(event)
        match event:
            case ToolCallStart(index, ident, name) if not by_service(ident):
                self._own[index] = (name, [])
            case ToolCallDelta(index, json) if index in self._own:
                self._own[index][1].append(json)
            case _:
                pass

    def _end(self, finish: Finish) -> Finish:
        """Calls that were found in the text end a turn that the service says has none."""
        return Finish("tool_calls", finish.raw) if self._calls_follow(finish) else finish

    def _calls_follow(self, finish: Finish) -> bool:
        return bool(self._own) and finish.reason in ("tool_calls", "stop")

    def _after_native(self, event: Event) -> Event:
        """Calls found in the text are numbered after the service's own."""
        match event:
            case ToolCallStart(index, ident, name):
                # Without an id of its own, one that differs from those of other turns.
                ident = "" if ident.startswith("call_") else ident
                ident = ident or f"call_{len(self._added)}_{index}"
                return ToolCallStart(index + self._native, ident, name)
            case ToolCallDelta(index, json) if self._native:
                return ToolCallDelta(index + self._native, json)
            case ToolCallEnd(index) if self._native:
                return ToolCallEnd(index + self._native)
            case _:
                return event

    def wants_more(self, finish: Finish) -> bool:
        """After calls, as long as there are rounds left."""
        return self._calls_follow(finish) or self._inner.wants_more(finish)

    def go_on(self, run: Run) -> Source | Finish:
        """Make the calls, and ask again with what they gave."""
        if not self._own:
            return self._asked_again(run)
        calls = self._prepared()
        wrong = {call.name for call in calls if isinstance(call, Refusal)}
        again = sorted(wrong & self._wrong)
        first = len(run.completion.tool_calls) - len(self._own)
        if again or not self._left:
            why = f"{again[0]} was called wrongly twice" if again else f"{self._limit} rounds"
            skipped = [ToolResult(first + i, "skipped", why) for i in range(len(calls))]
            run.say([*skipped, Notice("tool_loop", why)])
            return Finish("tool_calls", f"stopped: {why}")
        self._left -= 1
        self._wrong = wrong
        outcomes = self._made(run, calls, first)
        following = self._answered(outcomes)
        stopped = any(outcome.state == "interrupted" for outcome in outcomes)
        if stopped or run.cancelled_at is not None:
            return Finish("interrupted")
        self.begin()
        return run.source.more(following)

    def _asked_again(self, run: Run) -> Source | Finish:
        following = self._inner.go_on(run)
        self._begin_reading()
        return following

    def _prepared(self) -> list[Prepared | Refusal]:
        calls = self._own.values()
        return [prepare(self._tools, name, "".join(arguments)) for name, arguments in calls]

    def _made(self, run: Run, calls: list[Prepared | Refusal], first: int) -> list[Outcome]:
        allowed = [self._asked(run, first + i, call) for i, call in enumerate(calls)]

        def tell(position: int, outcome: Outcome | None) -> None:
            run.say([_result(first + position, outcome)])

        self._poke = run.poke
        try:
            run.say([Notice("phase", "calling")])
            return run_calls(allowed, run.step, tell, lambda: run.is_stopping)
        finally:
            self._poke = nothing

    def _asked(self, run: Run, index: int, call: Prepared | Refusal) -> Prepared | Refusal:
        if self._ask is None or isinstance(call, Refusal) or run.cancelled_at is not None:
            return call
        run.say([ToolResult(index, "asking"), Notice("phase", "asking")])
        allowed = self._ask(run, index, call)
        if allowed:
            return call
        why = "There is nobody to ask." if allowed is None else "The user refused this call."
        return Refusal(call.tool.name, why)

    def _answered(self, outcomes: Sequence[Outcome]) -> list[Message]:
        message = self._saying.message()
        results: list[dict[str, Any]] = []
        for call, outcome in zip(message["tool_calls"], outcomes, strict=True):
            result = {"role": "tool", "tool_call_id": call["id"], "content": outcome.content}
            if outcome.state != "done":
                result["is_error"] = True
            results.append(result)
        self._added += [message, *results]
        self._told = True
        return [message, *results]

    def settle(self, reply: Reply) -> None:
        """The conversation with every call and result."""
        # A turn that was stopped among its calls is in there already.
        last = [] if self._told else [self._saying.message()]
        reply.messages[-1:] = [*self._added, *last]
        self._inner.settle(reply)

    def cancel(self) -> None:
        """Interrupt the function that runs."""
        self._poke()
        self._inner.cancel()


def _result(index: int, outcome: Outcome | None) -> ToolResult:
    if outcome is None:
        return ToolResult(index, "running")
    return ToolResult(index, outcome.state, outcome.shown, outcome.error, outcome.seconds)
