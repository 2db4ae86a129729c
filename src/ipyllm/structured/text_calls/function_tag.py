r"""
`<function=NAME>`: Llama's with JSON in it, Qwen3-Coder's with `<parameter=KEY>\nVALUE\n</parameter>`.

Qwen's values have no type. Where `tools` is a mapping, NAME to JSON Schema, a parameter that is a
string there stays one; else what reads as JSON (no string) is that, all other values are strings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, cast

from ipyllm.structured.text_calls.ends import Ends, Sink
from ipyllm.structured.text_calls.json_value import pass_value
from ipyllm.structured.text_calls.out import Out
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("OPEN", "function", "function_tag")

OPEN = "<function="
_CLOSE = "</function>"
_CALL_CLOSE = "</tool_call>"
_PARAMETER = "<parameter="
_PARAMETER_CLOSE = "</parameter>"
_ENDS = Ends(_CLOSE, _CALL_CLOSE)
_NAME = re.compile(r"[^<>\n]+")
_LITERALS = {"True": "true", "False": "false", "None": "null"}
_JSON_START = tuple('{[-0123456789tfnTFN"')


def function(tape: Tape, out: Out, tools: Collection[str]) -> Wait[bool]:
    """Read on after `<function=`. Qwen3-Coder likes to forget the `<tool_call>`, not its end."""
    if not (yield from function_tag(tape, out, tools)):
        return False
    out.say((yield from tape.past(_CALL_CLOSE)))
    return True


def function_tag(tape: Tape, out: Out, tools: Collection[str]) -> Wait[bool]:
    """Read on after `<function=`, up to `</function>`."""
    name = (yield from tape.run(_NAME, 128)).strip(" \"'")
    if not name or (yield from tape.peek()) != ">":
        return False
    tape.skip(1)
    yield from tape.space()
    first = yield from tape.peek()
    known = (yield from tape.literal(_PARAMETER, _CLOSE)) or first == "{"
    if not known and (first or name not in tools):
        return False
    tape.record = None
    out.open(name)
    if first == "{":
        yield from _json(tape, out)
    else:
        yield from _parameters(tape, out, _strings(tools, name))
    return True


def _json(tape: Tape, out: Out) -> Wait[None]:
    whole = yield from pass_value(tape, out.arguments, _ENDS)
    if whole or (yield from _ENDS.until(tape, out.arguments)):
        out.end()
    tape.record = []
    yield from tape.space()
    end = yield from tape.literal(_CLOSE)
    text = tape.recorded()
    tape.skip(len(end))
    if not end and not (yield from tape.literal(_CALL_CLOSE)):
        out.say(text)


def _parameters(tape: Tape, out: Out, strings: Collection[str]) -> Wait[None]:
    before = "{"
    while True:
        yield from tape.space()
        found = yield from tape.literal(_PARAMETER, _CLOSE, _CALL_CLOSE)
        if found != _PARAMETER:
            break
        tape.skip(len(found))
        key = (yield from tape.run(_NAME, 128)).strip(" \"'")
        if (yield from tape.peek()) != ">":
            break
        tape.skip(1)
        out.arguments(f"{before}{json.dumps(key, ensure_ascii=False)}: ")
        before = ", "
        if not (yield from _value(tape, out.arguments, text=key in strings)):
            return
    if not found or found == _PARAMETER:  # no XML: what the model meant is not known
        if not (yield from _ENDS.until(tape, out.arguments)):
            return
        found = yield from tape.literal(_CLOSE, _CALL_CLOSE)
    else:
        out.arguments("{}" if before == "{" else "}")
    out.end()
    if found == _CLOSE:
        tape.skip(len(found))


def _value(tape: Tape, sink: Sink, *, text: bool) -> Wait[bool]:
    """One value as JSON; False: the end came first."""
    if (yield from tape.peek()) == "\n":
        tape.skip(1)
    if not text and (yield from tape.peek()).startswith(_JSON_START):
        pieces: list[str] = []
        whole = yield from _to_close(tape, pieces.append)
        sink(_guess("".join(pieces)) if whole else "".join(pieces))
        return whole
    sink('"')
    whole = yield from _to_close(tape, lambda piece: sink(_escaped(piece)))
    sink('"' if whole else "")
    return whole


def _to_close(tape: Tape, sink: Sink) -> Wait[bool]:
    newline = ""  # one line break before the tag is not the value's
    while True:
        place = tape.text.find("<", tape.at)
        piece = newline + tape.take(place if place >= 0 else len(tape.text))
        newline = "\n" if piece.endswith("\n") else ""
        sink(piece.removesuffix("\n"))
        if place < 0:
            if not (yield from tape.grow()):
                return False
            continue
        tag = yield from _close(tape)
        if tag is not None:
            tape.skip(len(tag))
            return True
        sink(newline + tape.skip(1))
        newline = ""


def _close(tape: Tape) -> Wait[str | None]:
    """The tag a value ends with, "" where it was forgotten; None: it goes on."""
    found = yield from tape.literal(_PARAMETER_CLOSE, _CLOSE)
    if not found:
        return None
    # A value may write about tags: only what goes on like a call ends it.
    ahead = len(found)
    while (yield from tape.peek(ahead)).isspace() and ahead < 256:
        ahead += 1
    last = (yield from tape.peek(ahead)) == ""
    after = (_CALL_CLOSE,) if found == _CLOSE else (_PARAMETER, _CLOSE, _CALL_CLOSE)
    if not last and not (yield from tape.literal(*after, ahead=ahead)):
        return None
    return found if found == _PARAMETER_CLOSE else ""


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _guess(text: str) -> str:
    bare = text.strip()
    if bare in _LITERALS:
        return _LITERALS[bare]
    try:
        value = json.loads(bare, parse_constant=_refuse)
    except (ValueError, RecursionError):
        value = ""
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) else bare


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _strings(tools: Collection[str], name: str) -> Collection[str]:
    """The parameters that are strings, as far as there is a schema."""
    schemas = _object(tools)
    properties = _object(_object(schemas.get(name)).get("properties"))
    return [key for key, value in properties.items() if _object(value).get("type") == "string"]


def _object(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
