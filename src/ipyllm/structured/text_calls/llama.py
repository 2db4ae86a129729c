"""
Llama 3: `<|python_tag|>{"name": ..., "parameters": {...}}`, several with `;` between; and bare JSON.

Bare JSON is a call only where the answer begins with it, its name is a tool's and its arguments
are an object: then nothing else can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ipyllm.structured.text_calls.ends import Ends
from ipyllm.structured.text_calls.json_call import read_calls
from ipyllm.structured.text_calls.out import Out
from ipyllm.structured.text_calls.pythonic import read_python_call
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("PYTHON_TAG", "bare", "python_tag")

PYTHON_TAG = "<|python_tag|>"
_ENDS = Ends(PYTHON_TAG, "<|eom_id|>", "<|eot_id|>", hard=True)
_BETWEEN = re.compile(r"[\s;]+")
_BUILTIN = re.compile(r"[\w.]+")


def python_tag(tape: Tape, out: Out, _tools: Collection[str]) -> Wait[bool]:
    """Read on after the marker: JSON, or `NAME.call(key=value)` of Llama 3.1's own tools."""
    yield from tape.space()
    if (yield from tape.peek()) in ("{", "["):
        return (yield from _series(tape, out, None))
    name = yield from tape.run(_BUILTIN, 128)
    if not name.endswith(".call") or (yield from tape.peek()) != "(":
        return False
    return (yield from read_python_call(tape, out, name.removesuffix(".call")))


def bare(tape: Tape, out: Out, tools: Collection[str]) -> Wait[bool]:
    """Read on from the `{` or `[` an answer begins with."""
    return (yield from _series(tape, out, tools))


def _series(tape: Tape, out: Out, names: Collection[str] | None) -> Wait[bool]:
    seen = False
    while (yield from read_calls(tape, out, _ENDS, names)):
        seen = True
        tape.record = []
        yield from tape.run(_BETWEEN, 1024)
        again = yield from tape.literal(PYTHON_TAG)
        tape.skip(len(again))
        yield from tape.space()
    if seen:
        out.say(tape.recorded())
    return seen
