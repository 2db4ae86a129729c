"""
From what a model wrote to what a function gave: the arguments checked, the calls made.

Plain functions run in the caller's thread, one after the other. Async ones run together, on an
event loop and a thread of their own, when it is the first one's turn: never two threads of the
user's code at once. What they print goes where it always goes.
"""

from __future__ import annotations

import asyncio
import difflib
import inspect
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from ipyllm.run.cancel import Step
from ipyllm.structured.checker import check
from ipyllm.structured.invalid import Invalid
from ipyllm.structured.nulls import without_nulls
from ipyllm.tools.awaiting import AWAITED, Awaiting
from ipyllm.tools.plain import joined
from ipyllm.tools.result import LONGEST, Content, Result, cut, result_of
from ipyllm.tools.tool import Tool
from ipyllm.tools.trace import trace_of

__all__ = ("Outcome", "Prepared", "Refusal", "prepare", "run_calls")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call that can be made: `given` as the model wrote it, `arguments` in the hinted types."""

    tool: Tool
    given: dict[str, Any]
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that cannot be made, and why, in words for the model."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of a call.

    * `content`: of the message for the model.
    * `shown`: Markdown for the card, bounded.
    * `error`: the traceback of a function that raised, without our own frames.
    * `seconds`: how long the function ran.
    """

    state: Literal["done", "failed", "refused", "interrupted", "skipped"]
    content: Content
    shown: str
    error: str = ""
    seconds: float = 0.0


def prepare(tools: Mapping[str, Tool], name: str, arguments: str) -> Prepared | Refusal:
    """The call, or why there is none; raises nothing, whatever the model wrote."""
    tool = tools.get(name)
    if tool is None:
        return Refusal(name, _unknown(tools, name))
    given = _object(arguments)
    if isinstance(given, str):
        return Refusal(name, f"The arguments of {name} are {given}.")
    try:
        given = cast("dict[str, Any]", without_nulls(tool.parameters, given))
        if wrong := _wrong(tool, given):
            return Refusal(name, wrong)
        return Prepared(tool, given, _built(tool, given))
    except Invalid as exc:
        return Refusal(name, exc.message)
    except Exception as exc:  # noqa: BLE001 - validators are the user's own code
        return Refusal(name, f"The arguments of {name} were not taken: {_line(exc)}")


def run_calls(
    calls: Sequence[Prepared | Refusal],
    step: Step,
    tell: Callable[[int, Outcome | None], None] = lambda _index, _outcome: None,
    stopping: Callable[[], bool] = lambda: False,
) -> list[Outcome]:
    """
    Make the calls; their outcomes in the order of the calls.

    * `step`: runs a piece of the user's code; False if an interrupt ended it.
    * `tell`: called with a call's position as it begins (None) and as it ends.
    * `stopping`: whether there was an interrupt. Asked within each step: one that came just before
      it interrupts nothing.
    """

    def guarded(work: Callable[[], object]) -> bool:
        began: list[bool] = []

        def unless_stopped() -> None:
            if not stopping():
                began.append(True)
                work()

        return step(unless_stopped) and bool(began)

    return _Round(calls, guarded, tell).outcomes()


class _Round:
    def __init__(
        self,
        calls: Sequence[Prepared | Refusal],
        step: Step,
        tell: Callable[[int, Outcome | None], None],
    ) -> None:
        self._calls = calls
        self._step = step
        self._tell = tell
        self._done: dict[int, Outcome] = {}
        self._stopped = False

    def outcomes(self) -> list[Outcome]:
        for index, call in enumerate(self._calls):
            if index in self._done:
                continue
            match call:
                case Refusal(_, message):
                    self._end(index, Outcome("refused", message, message))
                case Prepared() if self._stopped:
                    self._end(index, _SKIPPED)
                case Prepared(tool=tool) if tool.is_async:
                    self._together(index)
                case Prepared():
                    self._alone(index, call)
        return [self._done[index] for index in range(len(self._calls))]

    def _end(self, index: int, outcome: Outcome) -> None:
        self._done[index] = outcome
        self._stopped = self._stopped or outcome.state == "interrupted"
        self._tell(index, outcome)

    def _alone(self, index: int, call: Prepared) -> None:
        self._tell(index, None)
        began = time.perf_counter()
        waited: list[Any] = []
        made: list[Result] = []

        def work() -> None:
            value = _call(call)
            if inspect.isawaitable(value) or inspect.isasyncgen(value):
                waited.append(value)
            else:
                made.append(result_of(_listed(value)))

        outcome = self._guarded(work, made, began)
        if outcome is None:
            self._await({index: waited[0]}, began)
        else:
            self._end(index, outcome)

    def _guarded(
        self, work: Callable[[], None], made: list[Result], began: float
    ) -> Outcome | None:
        """What a piece of the user's code came to; None: to something that has to be awaited."""
        try:
            whole = self._step(work)
        except (Exception, SystemExit, asyncio.CancelledError) as exc:  # noqa: BLE001
            return _failed(exc, time.perf_counter() - began)
        seconds = time.perf_counter() - began
        if not whole:
            return _interrupted(seconds)
        return Outcome("done", made[0].content, made[0].shown, "", seconds) if made else None

    def _together(self, first: int) -> None:
        """All async calls from here on."""
        began = time.perf_counter()
        coroutines: dict[int, Any] = {}
        for index in range(first, len(self._calls)):
            call = self._calls[index]
            if isinstance(call, Prepared) and call.tool.is_async:
                self._tell(index, None)
                try:
                    coroutines[index] = _call(call)
                except Exception as exc:  # noqa: BLE001 - the user's own code
                    self._end(index, _failed(exc, 0.0))
        self._await(coroutines, began)

    def _await(self, coroutines: dict[int, Any], began: float) -> None:
        awaiting = Awaiting(list(coroutines.values()))
        try:
            whole = self._step(awaiting.wait)
        finally:
            awaiting.cancel()  # nothing, where all are over
        for index, ended in zip(coroutines, awaiting.ended(), strict=True):
            seconds = (ended.at if ended else time.perf_counter()) - began
            if ended is None:
                self._end(index, _interrupted(seconds))
            elif ended.error is None:
                self._end(index, self._converted(ended.value, seconds))
            elif _is_stop(ended.error) and (
                not whole or isinstance(ended.error, KeyboardInterrupt)
            ):
                self._end(index, _interrupted(seconds))
            else:
                self._end(index, _failed(ended.error, seconds))

    def _converted(self, value: Any, seconds: float) -> Outcome:
        made: list[Result] = []
        if not self._step(lambda: made.append(result_of(_listed(value)))):
            return _interrupted(seconds)
        return Outcome("done", made[0].content, made[0].shown, "", seconds)


_SKIPPED = Outcome(
    "skipped",
    "Not run: the user interrupted a call before this one.",
    "not run: a call before it was interrupted",
)


def _call(call: Prepared) -> Any:
    return call.tool.function(**call.arguments)


def _listed(value: Any) -> Any:
    """What a generator yields: texts in one piece, other things as a list."""
    if not inspect.isgenerator(value) and not isinstance(value, (map, filter, zip)):
        return value
    return joined([*cast("Any", value)])


def _interrupted(seconds: float) -> Outcome:
    return Outcome("interrupted", "The user interrupted this call.", "interrupted", "", seconds)


def _failed(exc: BaseException, seconds: float) -> Outcome:
    line = _line(exc)
    return Outcome("failed", line, line, trace_of(exc, _call.__code__, AWAITED), seconds)


def _is_stop(exc: BaseException) -> bool:
    return isinstance(exc, (KeyboardInterrupt, asyncio.CancelledError))


def _line(exc: BaseException) -> str:
    try:
        text = str(exc)
    except Exception:  # noqa: BLE001 - the user's own class
        text = ""
    return cut(f"{type(exc).__name__}: {text}" if text else type(exc).__name__, LONGEST)


def _unknown(tools: Mapping[str, Tool], name: str) -> str:
    if not tools:
        return f"There is no tool {name!r}, and no other."
    near = difflib.get_close_matches(name, tools, n=3, cutoff=0.5)
    known = ", ".join([*near, *(each for each in tools if each not in near)])
    return f"There is no tool {name!r}. There are: {known}."


def _object(arguments: str) -> dict[str, Any] | str:
    """The arguments, or what they are instead."""
    if not arguments.strip():
        return {}
    try:
        value = json.loads(arguments, parse_constant=_no_constant)
    except json.JSONDecodeError as exc:
        return f"not JSON: {exc.msg} at character {exc.pos} of {_short(arguments)}"
    except (ValueError, RecursionError) as exc:
        return f"not JSON that can be read: {exc}"
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    return f"no JSON object but {_short(arguments)}"


def _no_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


def _wrong(tool: Tool, given: dict[str, Any]) -> str:
    known = tool.parameters.get("properties", {})
    extra = [each for each in given if each not in known]
    if extra and tool.parameters.get("additionalProperties") is False:
        names = ", ".join(map(repr, extra))
        return f"{tool.name} has no parameter {names}; it has: {', '.join(known) or 'none'}."
    wrong = check(tool.parameters, given)
    return f"The arguments of {tool.name} do not fit: {wrong.message}." if wrong else ""


def _built(tool: Tool, given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tool.builds[name](value, (name,)) if name in tool.builds else value
        for name, value in given.items()
    }


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
