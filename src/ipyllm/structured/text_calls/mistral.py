"""
Mistral: `[TOOL_CALLS] [{"name": ..., "arguments": {...}}]`, and since v11 `[TOOL_CALLS]NAME[ARGS]{...}`.

`[CALL_ID]` and nine letters may stand between; some versions leave `[ARGS]` out.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ipyllm.structured.text_calls.ends import Ends
from ipyllm.structured.text_calls.json_call import read_calls
from ipyllm.structured.text_calls.json_value import pass_value
from ipyllm.structured.text_calls.out import Out
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("OPEN", "mistral")

OPEN = "[TOOL_CALLS]"
_ENDS = Ends(OPEN, "</s>")
_NAME = re.compile(r"[\w.\-/]+")


def mistral(tape: Tape, out: Out, _tools: Collection[str]) -> Wait[bool]:
    """Read on after the marker."""
    yield from tape.space()
    if (yield from tape.peek()) in ("{", "["):
        return (yield from read_calls(tape, out, _ENDS))
    name = yield from tape.run(_NAME, 128)
    ident = ""
    if name and (yield from _skip(tape, "[CALL_ID]")):
        ident = yield from tape.run(_NAME, 128)
    marked = name and (yield from _skip(tape, "[ARGS]"))
    if marked:
        yield from tape.space()
    if not name or (not marked and (yield from tape.peek()) != "{"):
        return False
    tape.record = None
    out.open(name, ident)
    whole = yield from pass_value(tape, out.arguments, _ENDS)
    if whole or (yield from _ENDS.until(tape, out.arguments)):
        out.end()
    return True


def _skip(tape: Tape, marker: str) -> Wait[bool]:
    found = yield from tape.literal(marker)
    tape.skip(len(found))
    return bool(found)
