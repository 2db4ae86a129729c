"""An answer of several requests, and one that is cut by its plan or its budget."""

from __future__ import annotations

import pytest

from ipyllm.errors import UsageError
from ipyllm.events import (
    Finish,
    Notice,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Turn,
    Usage,
)
from ipyllm.run.budget import Budget, Spending
from ipyllm.run.plan import PlainPlan
from ipyllm.run.pump import Run
from ipyllm.run.sink import NullSink
from ipyllm.run.typed import Typed
from ipyllm.structured.schema import shape
from ipyllm.testing import FakeClock, ScriptedSource

PERSON = shape({"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]})
BAD = [TextDelta('{"age": '), TextDelta('"old"'), TextDelta("}"), Finish("stop")]
GOOD = [TextDelta('{"age": '), TextDelta("7}"), Finish("stop")]


def answered(source, **options):
    run = Run(source, NullSink(), **options)
    run.start()
    return run.pump()


def test_a_structured_answer_has_its_value():
    reply = answered(ScriptedSource(GOOD), plan=Typed(PERSON))
    assert (reply, reply.value, reply.finish_reason) == ('{"age": 7}', {"age": 7}, "stop")
    assert reply.violation is None
    assert reply.transcript == [("value", '{"age": 7}')]


def test_prose_and_fences_around_the_value_stay_text():
    said = [TextDelta("Here:\n```json\n"), *GOOD[:-1], TextDelta("\n```\nBye"), Finish("stop")]
    reply = answered(ScriptedSource(said), plan=Typed(PERSON))
    assert reply.value == {"age": 7}
    assert ("value", '{"age": 7}') in reply.transcript
    assert reply.startswith("Here:")
    assert reply.endswith("Bye")


def test_the_stream_is_cut_when_it_cannot_become_valid():
    """What came stays; the source is told to stop."""
    never = Never()
    source = ScriptedSource(BAD[:2], never, [TextDelta("more")])
    reply = answered(source, plan=Typed(PERSON))
    assert (reply, reply.finish_reason, reply.value) == ('{"age": "old"', "invalid", None)
    assert reply.violation.message.startswith("$.age")
    assert reply.raw_events[-1] == Finish("invalid", f"type: {reply.violation.message}")


class Never:
    """A step that is never over."""

    def __new__(cls):
        import threading

        return threading.Event()


def test_without_abort_it_streams_to_its_end():
    reply = answered(ScriptedSource(BAD), plan=Typed(PERSON, abort=False))
    assert (reply, reply.finish_reason) == ('{"age": "old"}', "invalid")


def test_it_is_asked_again_with_what_was_wrong():
    then = ScriptedSource(GOOD)
    reply = answered(
        ScriptedSource(BAD, then=then),
        plan=Typed(PERSON, retries=1),
        asked=[{"role": "user", "content": "Who?"}],
    )
    assert (reply, reply.value, reply.finish_reason) == ('{"age": 7}', {"age": 7}, "stop")
    assert [message["role"] for message in then.told] == ["assistant", "user"]
    assert "$.age" in then.told[1]["content"]
    roles = [message["role"] for message in reply.messages]
    assert roles == ["user", "assistant", "user", "assistant"]
    assert next(event for event in reply.raw_events if isinstance(event, Turn)) == Turn(2, "retry")
    assert len(reply.timing.turns) == 1


def test_no_more_tries_than_asked_for():
    source = ScriptedSource(BAD, then=ScriptedSource(BAD))
    reply = answered(source, plan=Typed(PERSON, retries=1))
    assert (reply.finish_reason, reply.value) == ("invalid", None)


@pytest.mark.parametrize("reason", ["length", "truncated"])
def test_a_value_that_a_limit_cut_keeps_that_reason(reason):
    """Asking again would be cut again."""
    said = [TextDelta('{"age": '), Finish(reason)]
    reply = answered(ScriptedSource(said), plan=Typed(PERSON, retries=3))
    assert (reply.finish_reason, reply.value) == (reason, None)
    assert reply.violation


def test_an_answer_without_json_is_invalid():
    reply = answered(ScriptedSource([TextDelta("No."), Finish("stop")]), plan=Typed(PERSON))
    assert (reply, reply.finish_reason) == ("No.", "invalid")


def words(count):
    return [TextDelta("w ") for _ in range(count)]


def spending(budget):
    return lambda started: Spending(budget, started=started)


def test_a_budget_of_tokens_cuts_exactly_there():
    """What came in the same read is in the events, and counts for nothing."""
    source = ScriptedSource(words(5), words(20), Never())
    reply = answered(source, budget=spending(Budget(tokens=12)))
    assert (reply, reply.finish_reason) == (12 * "w ", "budget")
    assert reply.raw_events[-1] == Finish("budget", "12 of 12 tokens")
    assert reply.raw_events[-2] == Notice("beyond_budget", 13 * "w ")


def test_an_answer_that_just_fits_ends_as_it_ends():
    source = ScriptedSource([*words(12), Usage(output_tokens=12), Finish("stop")])
    reply = answered(source, budget=spending(Budget(tokens=12)))
    assert (reply, reply.finish_reason) == (12 * "w ", "stop")


def test_a_budget_of_seconds_ends_an_answer_that_stalls():
    clock = FakeClock()
    source = ScriptedSource(words(2), lambda: clock.advance(10.5), Never())
    reply = answered(source, budget=spending(Budget(seconds=10)), clock=clock)
    assert (reply, reply.finish_reason) == ("w w ", "budget")
    assert reply.raw_events[-1].raw == "10.5 of 10 s"


def test_usage_of_several_turns_adds_up():
    """And so do tokens, with the time between the turns left out of the rate."""
    clock = FakeClock()

    def later():
        clock.advance(1.0)

    second = ScriptedSource(
        later, [TextDelta('{"age"')], later, [TextDelta(": 7}"), Usage(3, 20), Finish("stop")]
    )
    first = ScriptedSource(
        later,
        [TextDelta("no ")],
        later,
        [TextDelta("json"), Usage(10, 11), Finish("stop")],
        then=second,
    )
    reply = answered(first, plan=Typed(PERSON, retries=1), clock=clock)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (13, 31)
    assert (reply.timing.tokens, reply.timing.estimated) == (31, False)
    assert reply.timing.turns == (1.0,)
    assert (reply.timing.ttft, reply.timing.total) == (1.0, 4.0)
    assert list(reply.timing.gaps) == [1.0, 1.0, 1.0]
    assert reply.timing.decode_rate == pytest.approx(29 / 2.0)


def test_a_call_of_a_later_turn_has_the_next_number():
    class Again(Typed):
        def wants_more(self, finish):
            return finish.reason == "tool_calls"

        def go_on(self, run):
            return run.source.more([])

    calls = [ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{}"), ToolCallEnd(0)]
    second = ScriptedSource([*calls, Finish("stop")])
    first = ScriptedSource([*calls, Finish("tool_calls")], then=second)
    reply = answered(first, plan=Again(PERSON, abort=False))
    assert [call.name for call in reply.tool_calls] == ["f", "f"]
    assert [channel for channel, _ in reply.transcript] == ["tool:0", "turn", "tool:1"]


def test_a_budget_needs_something_to_give():
    with pytest.raises(UsageError):
        Budget.parse(["nothing"])


class Failing(PlainPlan):
    """A plan with a bug."""

    def __init__(self, where):
        self.where = where

    def feed(self, events):
        if self.where == "feed" and any(event == TextDelta("b") for event in events):
            raise ZeroDivisionError("in feed")
        return events

    def wants_more(self, finish):
        return self.where == "go_on"

    def go_on(self, run):
        raise ZeroDivisionError("in go_on")


@pytest.mark.parametrize("where", ["feed", "go_on"])
def test_what_a_plan_raises_loses_nothing_of_the_answer(where):
    """It is raised by whoever shows the answer, once that is settled."""
    source = ScriptedSource([TextDelta("a")], [TextDelta("b")], [Finish("stop")])
    run = Run(source, NullSink(), plan=Failing(where))
    run.start()
    reply = run.pump()
    assert (reply, reply.finish_reason) == ("ab", "error")
    assert str(run.bug) == f"in {where}"


def test_a_stop_just_before_the_next_request_keeps_it_from_being_sent():
    """The cancel finds no request to cancel, and none begins after it."""
    sent: list[int] = []
    source = ScriptedSource(BAD, then=ScriptedSource(lambda: sent.append(1), GOOD))
    run = Run(source, NullSink(), plan=Typed(PERSON, retries=1))

    def stop(events):
        if any(isinstance(event, Turn) for event in events):
            run.cancel()

    run.tee = stop
    run.start()
    reply = run.pump()
    assert (reply.finish_reason, sent) == ("interrupted", [])


def test_a_budget_cuts_within_the_arguments_of_a_call():
    pieces = [ToolCallDelta(0, f"{number}") for number in range(9)]
    source = ScriptedSource([ToolCallStart(0, "c", "f"), *pieces], Never())
    reply = answered(source, budget=spending(Budget(tokens=4)))
    assert reply.finish_reason == "budget"
    assert reply.tool_calls[0].arguments == "012"
