"""A race in a terminal: one after the other, though they stream at once."""

from __future__ import annotations

import io

from ipyllm.events import Finish, TextDelta
from ipyllm.run.pump import Run
from ipyllm.run.race import Lane, Race
from ipyllm.run.reply import Reply
from ipyllm.sinks.in_turn import InTurn
from ipyllm.testing import ScriptedSource


def opened(*names: str) -> tuple[InTurn, list[Run], io.StringIO]:
    out = io.StringIO()
    stage = InTurn(len(names), out)
    steps = [TextDelta("Hello from "), Finish("stop")]
    runs = [
        Run(ScriptedSource([TextDelta("Hello "), TextDelta(name), *steps[1:]], label=name), sink)
        for name, sink in zip(names, stage.sinks, strict=True)
    ]
    stage.open(runs)
    return stage, runs, out


def ended(run: Run) -> Reply:
    run.start()
    reply = run.pump()
    run.settle(reply, "")
    return reply


def test_what_comes_before_its_turn_is_kept_until_it_is():
    """The second may be over first."""
    stage, runs, out = opened("one", "two")
    second = ended(runs[1])
    assert out.getvalue() == "one\n\n"
    first = ended(runs[0])
    said = [line for line in out.getvalue().splitlines() if line and not line.startswith("[")]
    assert said == ["one", "Hello one", "two", "Hello two"]
    stage.settle(Race([first, second], [Lane("one", "done"), Lane("two", "done")]))
    assert out.getvalue().endswith("\none: \ntwo: \n")


def test_whose_turn_it_is_is_written_as_it_comes():
    """The first at once, then the second at once."""
    _, runs, out = opened("one", "two")
    ended(runs[0])
    assert "Hello one" in out.getvalue()
    assert out.getvalue().endswith("two\n\n")
    ended(runs[1])
    assert out.getvalue().count("Hello two") == 1


def test_a_question_of_one_that_was_stopped_is_not_asked():
    """It would wait for a turn that may not come."""
    stage, runs, out = opened("one", "two")
    runs[1].cancel()
    assert stage.sinks[1].ask(runs[1], 0, "Really?") is False
    assert "Really?" not in out.getvalue()
