"""The tool loop: stream, call, answer, continue."""

from __future__ import annotations

import threading

import pytest

from ipyllm.events import (
    Finish,
    Notice,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    ToolResult,
    Turn,
)
from ipyllm.run.pump import Run
from ipyllm.run.sink import NullSink
from ipyllm.run.typed import Typed
from ipyllm.structured.schema import shape
from ipyllm.testing import ScriptedSource
from ipyllm.tools import tools_of
from ipyllm.tools.loop import ToolLoop


def get_weather(city: str) -> str:
    """Weather of a city."""
    if city == "Atlantis":
        raise LookupError("no such city")
    return f"sunny in {city}"


TOOLS = tools_of([get_weather])
ASKED = [{"role": "user", "content": "Weather?"}]


def call(arguments='{"city": "Berlin"}', index=0, ident="c1", name="get_weather"):
    return [ToolCallStart(index, ident, name), ToolCallDelta(index, arguments), ToolCallEnd(index)]


def answered(*turns, plan=None, **options):
    """The reply of a model that says these turns, one after the other, and its sources."""
    sources: list[ScriptedSource] = []
    for steps in reversed(turns):
        sources.insert(0, ScriptedSource(*steps, then=sources[0] if sources else None))
    run = Run(sources[0], NullSink(), plan=plan or ToolLoop(TOOLS), asked=ASKED, **options)
    run.start()
    return run.pump(), sources


def test_a_call_is_made_and_answered():
    reply, sources = answered(
        [[TextDelta("Let me see."), *call(), Finish("tool_calls")]],
        [[TextDelta("It is sunny."), Finish("stop")]],
    )
    assert (reply, reply.finish_reason) == ("Let me see.\n\nIt is sunny.", "stop")
    assert reply.tool_calls[0].result == ToolResult(
        0, "done", "sunny in Berlin", "", reply.tool_calls[0].result.seconds
    )
    function = {"name": "get_weather", "arguments": '{"city": "Berlin"}'}
    said = {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    result = {"role": "tool", "tool_call_id": "c1", "content": "sunny in Berlin"}
    assert sources[1].told == [said, result]
    last = {"role": "assistant", "content": "It is sunny."}
    assert reply.messages == [*ASKED, said, result, last]
    assert len(reply.timing.turns) == 1


def test_states_of_a_call_come_in_their_order():
    reply, _ = answered([[*call(), Finish("tool_calls")]], [[TextDelta("ok"), Finish("stop")]])
    said = [event for event in reply.raw_events if isinstance(event, (ToolResult, Turn))]
    assert [getattr(event, "state", event) for event in said[:3]] == [
        "running",
        "done",
        Turn(2, "tools"),
    ]
    assert said[3].ttft is not None


@pytest.mark.parametrize(
    "text",
    [
        'One moment.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Berlin"}}\n</tool_call>',
        '{"name": "get_weather", "parameters": {"city": "Berlin"}}',
    ],
)
def test_a_call_in_the_text_is_one(text):
    """The service says `stop`, and means it: it knows nothing of calls."""
    pieces = [TextDelta(letter) for letter in text]
    reply, sources = answered([[*pieces, Finish("stop")]], [[TextDelta("Sunny."), Finish("stop")]])
    assert reply.tool_calls[0].arguments.replace(" ", "") == '{"city":"Berlin"}'
    assert "tool_call" not in reply
    assert reply.endswith("Sunny.")
    assert [message["role"] for message in sources[1].told] == ["assistant", "tool"]


def test_what_a_function_raises_goes_to_the_model_and_its_traceback_to_the_card():
    reply, sources = answered(
        [[*call('{"city": "Atlantis"}'), Finish("tool_calls")]],
        [[TextDelta("There is none."), Finish("stop")]],
    )
    result = sources[1].told[1]
    assert (result["content"], result["is_error"]) == ("LookupError: no such city", True)
    shown = reply.tool_calls[0].result
    assert shown.state == "failed"
    assert shown.error.startswith("Traceback")
    assert "ipyllm/tools" not in shown.error


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("get_wether", '{"city": "B"}', "get_weather"),
        ("get_weather", '{"city": 7}', "city"),
        ("get_weather", "{", "JSON"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_to_the_model(name, arguments, said):
    _, sources = answered(
        [[*call(arguments, name=name), Finish("tool_calls")]],
        [[TextDelta("Sorry."), Finish("stop")]],
    )
    assert said in sources[1].told[1]["content"]


def test_a_second_wrong_call_of_a_tool_ends_it():
    wrong = [*call('{"city": 7}'), Finish("tool_calls")]
    reply, _ = answered([wrong], [wrong], [[TextDelta("never"), Finish("stop")]])
    assert (reply.finish_reason, reply.tool_calls[1].result.state) == ("tool_calls", "skipped")
    assert "twice" in reply.tool_calls[1].result.text


def test_rounds_are_counted():
    again = [*call(), Finish("tool_calls")]
    reply, _ = answered([again], [again], plan=ToolLoop(TOOLS, max_rounds=2))
    assert [each.result.state for each in reply.tool_calls] == ["done", "skipped"]
    assert reply.finish_reason == "tool_calls"


def test_calls_the_service_makes_itself_are_left_to_it():
    said = [*call(ident="srvtoolu_1", name="web_search"), TextDelta("Found."), Finish("stop")]
    reply, _ = answered([said])
    assert (reply, reply.finish_reason, reply.tool_calls[0].result) == ("Found.", "stop", None)


def test_parallel_calls_are_answered_in_their_order():
    calls = [*call(), *call('{"city": "Oslo"}', 1, "c2")]
    _, sources = answered([[*calls, Finish("tool_calls")]], [[TextDelta("Both."), Finish("stop")]])
    contents = [message["content"] for message in sources[1].told[1:]]
    assert contents == ["sunny in Berlin", "sunny in Oslo"]


def test_a_refused_call_is_not_made():
    asked = []

    def ask(_run, index, prepared):
        asked.append((index, prepared.given))
        return False

    reply, sources = answered(
        [[*call(), Finish("tool_calls")]],
        [[TextDelta("As you wish."), Finish("stop")]],
        plan=ToolLoop(TOOLS, ask=ask),
    )
    assert asked == [(0, {"city": "Berlin"})]
    assert sources[1].told[1]["content"] == "The user refused this call."
    assert reply.tool_calls[0].result.state == "refused"


def test_nobody_to_ask_is_a_refusal():
    plan = ToolLoop(TOOLS, ask=lambda _run, _index, _call: None)
    _, sources = answered(
        [[*call(), Finish("tool_calls")]], [[TextDelta("."), Finish("stop")]], plan=plan
    )
    assert "nobody" in sources[1].told[1]["content"]


def test_a_stop_while_a_function_runs_keeps_all_that_came():
    """Without a way to interrupt the function, as soon as it is over."""
    runs = []

    def slow() -> str:
        """Takes its time."""
        runs[0].cancel()
        return "done"

    source = ScriptedSource([TextDelta("Wait."), *call("{}", name="slow"), Finish("tool_calls")])
    runs.append(Run(source, NullSink(), plan=ToolLoop(tools_of([slow])), asked=ASKED))
    runs[0].start()
    reply = runs[0].pump()
    assert (reply, reply.finish_reason) == ("Wait.", "interrupted")
    assert reply.tool_calls[0].result.state == "done"


def test_an_interrupt_in_a_function_ends_the_answer():
    entered = threading.Event()

    def waits() -> str:
        """Waits."""
        entered.set()
        return "never seen"

    source = ScriptedSource([*call("{}", name="waits"), Finish("tool_calls")])
    run = Run(source, NullSink(), plan=ToolLoop(tools_of([waits])), asked=ASKED)

    def interrupted(step):
        run.cancel()
        return False

    run.step = interrupted
    run.start()
    reply = run.pump()
    assert reply.finish_reason == "interrupted"
    assert reply.tool_calls[0].result.state == "interrupted"
    roles = [message["role"] for message in reply.messages]
    assert roles == [*(message["role"] for message in ASKED), "assistant", "tool"]
    assert not entered.is_set()


def test_a_structured_answer_may_call_first():
    answer = shape(
        {"type": "object", "properties": {"sky": {"type": "string"}}, "required": ["sky"]}
    )
    reply, _ = answered(
        [[*call(), Finish("tool_calls")]],
        [[TextDelta('{"sky": "blue"}'), Finish("stop")]],
        plan=ToolLoop(TOOLS, inner=Typed(answer)),
    )
    assert reply.value == {"sky": "blue"}


def test_signatures_go_back_with_the_call():
    signed = [ToolCallStart(0, "c1", "get_weather"), Notice("signature", "s!"), *call()[1:]]
    _, sources = answered([[*signed, Finish("tool_calls")]], [[TextDelta("."), Finish("stop")]])
    said = sources[1].told[0]["tool_calls"][0]
    assert said["extra_content"] == {"google": {"thought_signature": "s!"}}
