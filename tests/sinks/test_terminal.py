"""Tokens to a terminal as they come."""

from __future__ import annotations

import io

from ipyllm.events import Finish, ReasoningDelta, TextDelta
from ipyllm.run.batch import Batch
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Timing
from ipyllm.run.pump import Run
from ipyllm.run.reply import Reply
from ipyllm.sinks.terminal import TerminalSink
from ipyllm.testing import ScriptedSource


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def replied(text: str, timing: Timing) -> Reply:
    completion = Completion()
    completion.add(TextDelta(text))
    completion.add(Finish("stop"))
    return Reply.of(completion, timing, model="a/b")


def test_text_is_written_as_it_comes():
    """Each batch at once, nothing around it."""
    out = io.StringIO()
    sink = TerminalSink(out)
    sink.emit(Batch((("text", "Hel"),)))
    assert out.getvalue() == "Hel"
    sink.emit(Batch((("text", "lo"),)))
    assert out.getvalue() == "Hello"


def test_the_last_line_has_the_numbers():
    """Model, first token, rate, tokens, and the note."""
    out = io.StringIO()
    timing = Timing(ttft=0.25, decode_rate=31.4, tokens=9, estimated=False)
    TerminalSink(out).settle(replied("Hi", timing), "stopped at the token limit")
    assert (
        out.getvalue()
        == "\n[a/b · first token 250 ms · 31 tok/s · 9 tok · stopped at the token limit]\n"
    )


def test_an_estimate_is_marked():
    """Counted deltas are about as many tokens; a line that ended is not ended again."""
    out = io.StringIO()
    TerminalSink(out).settle(replied("Hi\n", Timing(decode_rate=31.4, tokens=9)), "")
    assert out.getvalue() == "[a/b · ~31 tok/s · ~9 tok]\n"


def test_reasoning_is_dim_and_apart_from_the_answer():
    """A terminal shows at a glance where the answer begins."""
    out = Terminal()
    sink = TerminalSink(out)
    sink.emit(Batch((("reasoning", "hm"), ("text", "Hi"))))
    assert out.getvalue() == "\x1b[2mhm\x1b[0m\n\nHi"


def test_without_a_terminal_there_are_no_colours():
    """A log file gets text."""
    out = io.StringIO()
    sink = TerminalSink(out)
    sink.emit(Batch((("reasoning", "hm"), ("text", "Hi"))))
    sink.settle(replied("Hi", Timing()), "")
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().startswith("hm\n\nHi\n")


def test_an_answer_that_ends_while_thinking_leaves_the_terminal_plain():
    """The dim colour does not stay on."""
    out = Terminal()
    sink = TerminalSink(out)
    sink.emit(Batch((("reasoning", "hm"),)))
    sink.settle(replied("", Timing()), "")
    assert out.getvalue().count("\x1b[2m") == out.getvalue().count("\x1b[0m")


def test_a_whole_run():
    """From a source to the screen."""
    out = io.StringIO()
    run = Run(
        ScriptedSource([ReasoningDelta("hm")], [TextDelta("Hi"), Finish("stop")]), TerminalSink(out)
    )
    run.start()
    run.settle(run.pump(), "")
    assert out.getvalue().startswith("hm\n\nHi\n[scripted/model · ")


def test_a_models_escape_sequences_do_not_drive_the_terminal():
    """It could set the title, or write the clipboard."""
    out = Terminal()
    TerminalSink(out).emit(Batch((("text", "a\x1b]0;owned\x07b\tc\n"),)))
    assert out.getvalue() == "a]0;ownedb\tc\n"
