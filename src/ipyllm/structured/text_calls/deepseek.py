r"""
DeepSeek: `<|tool▁calls▁begin|><|tool▁call▁begin|>...<|tool▁call▁end|><|tool▁calls▁end|>`.

R1 and V3 write `function<|tool▁sep|>NAME\n```json\n{...}\n```` into it, V3.1 `NAME<|tool▁sep|>{...}`.
The bars are full-width (U+FF5C); the models spell `▁` also as `_` and as a space.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ipyllm.structured.text_calls.ends import Ends, drop
from ipyllm.structured.text_calls.json_value import pass_value
from ipyllm.structured.text_calls.out import Out
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("OPEN", "deepseek")


_BAR = "\N{FULLWIDTH VERTICAL LINE}"


def _spelled(marker: str) -> tuple[str, ...]:
    return tuple(f"<{_BAR}{marker.replace('_', mark)}{_BAR}>" for mark in "▁_ ")


_LIST = _spelled("tool_calls_begin")
_CALL = _spelled("tool_call_begin")
_SEP = _spelled("tool_sep")
_END = _spelled("tool_call_end")
_ALL_END = _spelled("tool_calls_end")
_ENDS = Ends(*_END, *_ALL_END, hard=True)
_WORD = re.compile(r"[^<\n]+")
_FENCE = re.compile(r"[`\w]+")
OPEN = (*_LIST, *_CALL)


def deepseek(tape: Tape, out: Out, _tools: Collection[str]) -> Wait[bool]:
    """Read on from the first marker."""
    opening = yield from tape.literal(*OPEN)
    listed = opening in _LIST
    if listed:
        tape.skip(len(opening))
    seen = False
    while (yield from _call(tape, out)):
        seen = True
        tape.record = []
    if seen:
        end = (yield from tape.literal(*_ALL_END)) if listed else ""
        text = tape.recorded()
        tape.skip(len(end))
        out.say("" if end else text)
    return seen


def _call(tape: Tape, out: Out) -> Wait[bool]:
    yield from tape.space()
    opening = yield from tape.literal(*_CALL)
    tape.skip(len(opening))
    name = (yield from tape.run(_WORD, 128)) if opening else ""
    sep = yield from tape.literal(*_SEP)
    if not name or not sep:
        return False
    tape.skip(len(sep))
    yield from tape.space()
    if name == "function" and (yield from tape.peek()) not in ("{", "`"):
        name = yield from tape.run(_WORD, 128)  # what came first was the call's type
    if not name:
        return False
    tape.record = None
    out.open(name.strip())
    yield from _arguments(tape, out)
    return True


def _arguments(tape: Tape, out: Out) -> Wait[None]:
    yield from tape.space()
    if (yield from tape.peek()) == "`":
        yield from tape.run(_FENCE, 32)
        yield from tape.space()
    whole = (yield from tape.peek()) == "{" and (yield from pass_value(tape, out.arguments, _ENDS))
    # What follows the object is its fence; what is no object is passed on.
    if (yield from _ENDS.until(tape, drop if whole else out.arguments)) or whole:
        out.end()
    end = yield from tape.literal(*_END)
    tape.skip(len(end))
