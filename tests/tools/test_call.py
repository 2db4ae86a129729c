from __future__ import annotations

import _thread
import asyncio
import contextvars
import datetime as dt
import enum
import json
import signal
import threading
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.run.cancel import Interrupts
from ipyllm.tools import Outcome, Prepared, Refusal, prepare, run_calls, tools_of


class Unit(enum.Enum):
    C = "celsius"


@dataclass
class Place:
    lat: float


def weather(city: str, days: int = 3, unit: Unit = Unit.C):
    return f"{city} {days} {unit.name}"


def typed(place: Place, day: dt.date, unit: Unit):
    return [type(place).__name__, type(day).__name__, type(unit).__name__]


def nothing(): ...
def anything(x, y=None): ...
def listed(x: list[int], mode: Literal["a", "b"] = "a"): ...
def more(x: int, **others): ...


def fails():
    raise ValueError("no such city")


def leaves():
    raise SystemExit(1)


def stops():
    raise KeyboardInterrupt


def yields():
    yield "a"
    yield "b"


async def slow():
    await asyncio.Event().wait()


async def double(x: int):
    await asyncio.sleep(0)
    return x * 2


async def afails():
    raise ValueError("async")


async def ayields():
    yield 1
    yield 2


def gives_coroutine():
    return double(4)


TOOLS = tools_of(
    [
        *(weather, typed, nothing, anything, listed, more, fails, leaves, stops, yields),
        *(slow, double, afails, ayields, gives_coroutine),
    ]
)


def step(work):
    """As `Interrupts.run`, for an interrupt that the work makes itself."""
    try:
        work()
    except KeyboardInterrupt:
        return False
    return True


def made(*calls, using=step):
    return run_calls([prepare(TOOLS, name, given) for name, given in calls], using)


REFUSED = {
    "unknown": ("wether", "{}", "There is no tool 'wether'. There are: weather, "),
    "no json": ("weather", '{"city', "The arguments of weather are not JSON: "),
    "nan": ("anything", '{"x": NaN}', "JSON has no NaN"),
    "no object": ("weather", "[1]", "no JSON object but '[1]'"),
    "missing": ("weather", "", "city"),
    "wrong type": ("weather", '{"city": "Rome", "days": "x"}', "$.days: a string, not an integer"),
    "extra": ("weather", '{"city": "Rome", "when": 1}', "has no parameter 'when'; it has: city"),
    "wrong enum": ("weather", '{"city": "Rome", "unit": "K"}', "$.unit"),
    "no date": ("typed", '{"place": {"lat": 1}, "day": "x", "unit": "celsius"}', "$.day"),
    "deep": ("anything", '{"x": ' + "[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize("name, text, message", REFUSED.values(), ids=REFUSED)
def test_a_call_that_cannot_be_made_says_why(name, text, message):
    refusal = prepare(TOOLS, name, text)
    assert isinstance(refusal, Refusal)
    assert message in refusal.message


DONE = {
    "defaults": ("weather", '{"city": "Rome"}', "Rome 3 C"),
    "null is left out": ("weather", '{"city": "Rome", "days": null}', "Rome 3 C"),
    "no arguments": ("nothing", "", "null"),
    "converted": (
        "typed",
        '{"place": {"lat": 1}, "day": "2026-01-02", "unit": "celsius"}',
        '["Place", "date", "Unit"]',
    ),
    "generator": ("yields", "{}", "ab"),
    "async": ("double", '{"x": 2}', "4"),
    "async generator": ("ayields", "{}", "[1, 2]"),
    "coroutine of a plain function": ("gives_coroutine", "{}", "8"),
    "others": ("more", '{"x": 1, "y": [2]}', "null"),
}


@pytest.mark.parametrize("name, text, content", DONE.values(), ids=DONE)
def test_a_call_gives_its_result(name, text, content):
    [outcome] = made((name, text))
    assert ("done", content, "") == (outcome.state, outcome.content, outcome.error)


FAILED = {
    "raises": ("fails", "ValueError: no such city"),
    "exits": ("leaves", "SystemExit: 1"),
    "async": ("afails", "ValueError: async"),
}


@pytest.mark.parametrize("name, line", FAILED.values(), ids=FAILED)
def test_what_a_function_raises_is_told_and_kept(name, line):
    [outcome] = made((name, "{}"))
    assert ("failed", line) == (outcome.state, outcome.content)
    assert outcome.error.endswith(f"{line}\n")
    assert f"in {name}\n" in outcome.error
    assert "ipyllm" not in outcome.error.replace(__file__, "")


def test_after_an_interrupt_nothing_else_is_run():
    states = [
        each.state
        for each in made(("nothing", ""), ("stops", ""), ("nothing", ""), ("double", '{"x": 1}'))
    ]
    assert states == ["done", "interrupted", "skipped", "skipped"]


def test_a_refused_call_does_not_keep_the_others_from_running():
    assert [each.state for each in made(("no", ""), ("nothing", ""))] == ["refused", "done"]


def test_an_interrupt_cancels_what_is_awaited():
    def interrupted(_work):
        return False

    [outcome, after] = made(("slow", ""), ("nothing", ""), using=interrupted)
    assert [outcome.state, after.state] == ["interrupted", "skipped"]


def test_ctrl_c_ends_the_function_that_runs():
    def busy():
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("still here")

    stops = []
    tools = tools_of([busy, nothing])
    with Interrupts(lambda: stops.append(1)) as interrupts:
        calls = [prepare(tools, name, "") for name in ("busy", "nothing")]
        states = [each.state for each in run_calls(calls, interrupts.run)]
    assert (states, stops) == (["interrupted", "skipped"], [1])


def test_ctrl_c_ends_what_is_awaited():
    ended = []

    async def waits():
        _thread.interrupt_main()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    tools = tools_of([waits, nothing])
    with Interrupts(lambda: None) as interrupts:
        stopped = lambda: interrupts.hit  # noqa: E731
        calls = [prepare(tools, name, "") for name in ("waits", "nothing")]
        states = [each.state for each in run_calls(calls, interrupts.run, stopping=stopped)]
    assert (states, ended) == (["interrupted", "skipped"], [1])


def test_an_interrupt_just_before_a_call_keeps_it_from_running():
    with Interrupts(lambda: None) as interrupts:
        signal.raise_signal(signal.SIGINT)
        calls = [prepare(TOOLS, name, "") for name in ("slow", "nothing")]
        outcomes = run_calls(calls, interrupts.run, stopping=lambda: interrupts.hit)
    assert [each.state for each in outcomes] == ["interrupted", "skipped"]


def test_async_calls_of_a_round_run_together_in_the_order_of_the_calls():
    met = []
    here = contextvars.ContextVar("here", default="")
    here.set("cell")

    async def first():
        event = asyncio.Event()
        met.append(event)
        await event.wait()
        return here.get()

    async def second():
        met.pop().set()
        met.append(threading.current_thread())
        return "second"

    tools = tools_of([first, second, nothing])
    calls = [prepare(tools, name, "") for name in ("first", "nothing", "second")]
    told: list = []
    outcomes = run_calls(calls, step, lambda index, outcome: told.append((index, outcome is None)))
    assert [each.content for each in outcomes] == ["cell", "null", "second"]
    assert threading.current_thread() is not met[0]
    assert told == [(0, True), (2, True), (0, False), (2, False), (1, True), (1, False)]


def test_what_a_tool_prints_reaches_the_cell(capsys):
    def shout():
        print("here")

    run_calls([prepare(tools_of([shout]), "shout", "")], step)
    assert capsys.readouterr().out == "here\n"


def test_a_raising_str_of_an_error_is_no_error_of_ours():
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError

    def odd():
        raise Odd

    [outcome] = run_calls([prepare(tools_of([odd]), "odd", "")], step)
    assert isinstance(outcome, Outcome)
    assert (outcome.state, outcome.content) == ("failed", "Odd")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
NAMES = st.sampled_from([*TOOLS]) | st.text(max_size=8)
MEMBERS = st.sampled_from(["x", "y", "mode", "city", "days", "unit", "place", "day"])


@given(NAMES, st.text(max_size=30) | JSON.map(json.dumps))
def test_no_name_and_no_text_makes_prepare_raise(name, text):
    assert isinstance(prepare(TOOLS, name, text), (Prepared, Refusal))


@given(
    st.sampled_from(["weather", "nothing", "anything", "listed", "more"]),
    st.dictionaries(MEMBERS, st.sampled_from(["a", "celsius", 1, None, [1], [], "b"]), max_size=3),
)
def test_arguments_that_fit_the_schema_can_be_called(name, given):
    prepared = prepare(TOOLS, name, json.dumps(given))
    if isinstance(prepared, Prepared):
        [outcome] = run_calls([prepared], step)
        assert outcome.state == "done"
