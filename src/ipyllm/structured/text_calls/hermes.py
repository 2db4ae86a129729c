r"""
What stands between `<tool_call>` and `</tool_call>`.

Hermes and Qwen: `{"name": ..., "arguments": {...}}`. Qwen3-Coder: `<function=NAME>` and so on
(`function_tag`). Whatever name it has is a call: the markers leave no doubt.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ipyllm.structured.text_calls.ends import Ends
from ipyllm.structured.text_calls.function_tag import function_tag
from ipyllm.structured.text_calls.json_call import read_calls
from ipyllm.structured.text_calls.out import Out
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("OPEN", "hermes")

OPEN = "<tool_call>"
_CLOSE = "</tool_call>"
_ENDS = Ends(_CLOSE)
_TAIL = re.compile(r"[\s}\]]+")  # one bracket too many was seen


def hermes(tape: Tape, out: Out, tools: Collection[str]) -> Wait[bool]:
    """Read on after the opening marker; several calls may stand in one pair."""
    seen = False
    while True:
        if seen:
            tape.record = []
        yield from tape.space() if not seen else tape.run(_TAIL, 1024)
        if (yield from tape.literal(_CLOSE)) and seen:
            tape.skip(len(_CLOSE))
            tape.record = None
            return True
        if (yield from tape.literal("<function=")):
            tape.skip(len("<function="))
            called = yield from function_tag(tape, out, tools)
        else:
            called = yield from read_calls(tape, out, _ENDS)
        if not called:
            break
        seen = True
    if seen:  # its end was forgotten
        out.say(tape.recorded())
    return seen
