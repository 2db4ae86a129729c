"""From what was asked for to the request and the plan that see to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from ipyllm.errors import UsageError
from ipyllm.run.typed import Typed
from ipyllm.structured.schema import shape
from ipyllm.tools.loop import Ask, ToolLoop
from ipyllm.tools.tool import Tool, tools_of

if TYPE_CHECKING:
    from ipyllm.request import Request
    from ipyllm.run.plan import Plan
    from ipyllm.run.pump import Run
    from ipyllm.tools.call import Prepared

__all__ = ("Approve", "Wanted", "planned")

Approve = Callable[[str, dict[str, Any]], object]
"""Asked with a function's name and its arguments; whether the call may be made."""

_SHORT = 200  # characters of the arguments in a question


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What an answer should be beside text.

    * `tools`: functions that are called; or, all of them, mappings that are only declared.
    * `max_rounds`: requests at most, of those that tools make.
    * `approve`: ask before each call: where the answer is shown, or this function.
    * `schema`: the type, the class or the JSON Schema the answer has to fit; None for text.
    * `abort`: cut the stream as soon as it cannot fit any more.
    * `retries`: how often to ask again after an answer that does not.
    """

    tools: Sequence[object] = ()
    max_rounds: int = 8
    approve: bool | Approve = False
    schema: object = None
    abort: bool = True
    retries: int = 0


def planned(
    request: Request, wanted: Wanted, names: Mapping[str, Any] | None = None
) -> tuple[Request, Plan | None]:
    """
    The request with tools and schema, and the plan; None where it is only text.

    Raises:
        UsageError: something wanted is no tool, or nothing JSON has.
    """
    plan: Plan | None = None
    if wanted.schema is not None:
        form = shape(wanted.schema, names)
        request = replace(request, schema=form.schema, schema_name=form.name)
        plan = Typed(form, abort=wanted.abort, retries=wanted.retries)
    declared = sum(isinstance(one, Mapping) for one in wanted.tools)
    if declared:
        if declared < len(wanted.tools):
            raise UsageError(
                "Some tools are functions and some are only declared.",
                hint="Give functions, so that all calls can be answered; or schemas alone.",
            )
        return replace(request, tools=cast("Sequence[Mapping[str, Any]]", wanted.tools)), plan
    if wanted.tools:
        tools = tools_of(wanted.tools, names)
        request = replace(request, tools=[tool.definition for tool in tools.values()])
        plan = _loop(tools, plan, wanted)
    return request, plan


def _loop(tools: Mapping[str, Tool], inner: Plan | None, wanted: Wanted) -> ToolLoop:
    if wanted.max_rounds < 1:
        raise UsageError("There has to be at least one round.", hint="--max-rounds 1 or more.")
    return ToolLoop(tools, inner=inner, max_rounds=wanted.max_rounds, ask=_ask(wanted.approve))


def _ask(approve: bool | Approve) -> Ask | None:  # noqa: FBT001 - as the user gave it
    if approve is False:
        return None
    if approve is True:
        return _ask_where_it_is_shown
    decide = approve
    return lambda _run, _index, call: bool(decide(call.tool.name, call.given))


def _ask_where_it_is_shown(run: Run, index: int, call: Prepared) -> bool | None:
    return run.ask(index, _question(call))


def _question(call: Prepared) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in call.given.items())
    shown = given if len(given) <= _SHORT else given[:_SHORT] + "\N{HORIZONTAL ELLIPSIS}"
    return f"Run {call.tool.name}({shown})?"
