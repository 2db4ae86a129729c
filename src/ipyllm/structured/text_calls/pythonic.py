"""
Calls as Llama 3.2 and 4 write them: `[get_weather(city="Berlin"), now()]`.

Between `<|python_start|>` and `<|python_end|>`, or, with names of tools only, as the beginning of
an answer. One call's arguments become JSON when its bracket closes: in one piece.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Collection

from ipyllm.structured.text_calls.out import Out
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("PYTHON_START", "python_marked", "pythonic", "read_python_call")

PYTHON_START = "<|python_start|>"
_PYTHON_END = "<|python_end|>"
_NAME = re.compile(r"[\w.\-]+")
_OUTSIDE = re.compile(r"""["'()\[\]{}]""")
_INSIDE = {quote: re.compile(rf"\\.|\\\Z|{quote}", re.DOTALL) for quote in "\"'"}
_JSON_WORDS = {"true": True, "false": False, "null": None}


def python_marked(tape: Tape, out: Out, _tools: Collection[str]) -> Wait[bool]:
    """Read on after `<|python_start|>`."""
    yield from tape.space()
    if (yield from tape.peek()) != "[" or not (yield from pythonic(tape, out, None)):
        return False
    out.say((yield from tape.past(_PYTHON_END)))
    return True


def pythonic(tape: Tape, out: Out, tools: Collection[str] | None) -> Wait[bool]:
    """Read on from `[`; `tools`: which names are calls, None for any."""
    tape.skip(1)
    seen = False
    while True:
        if seen:
            tape.record = []
        yield from tape.space()
        name = yield from tape.run(_NAME, 128)
        char = yield from tape.peek()
        if char == "(" and name and (tools is None or name in tools):
            yield from read_python_call(tape, out, name)
            seen = True
        elif char and char in ",]" and seen and not name:
            tape.skip(1)
            if char == "]":
                tape.record = None
                return True
        else:
            break
    if seen:
        out.say(tape.recorded())
    return seen


def read_python_call(tape: Tape, out: Out, name: str) -> Wait[bool]:
    """Read on from the `(` of a call that is one."""
    tape.record = None
    out.open(name)
    pieces: list[str] = []
    if (yield from _to_bracket(tape, pieces)):
        out.arguments(_as_json("".join(pieces)))
        out.end()
    else:
        out.arguments("".join(pieces).removeprefix("("))
    return True


def _to_bracket(tape: Tape, pieces: list[str]) -> Wait[bool]:
    depth, quote = 0, ""
    while True:
        hit = (_INSIDE[quote[0]] if quote else _OUTSIDE).search(tape.text, tape.at)
        if hit is None or hit.group() == "\\":
            pieces.append(tape.take(hit.start() if hit else len(tape.text)))
            if not (yield from tape.grow()):
                return False
            continue
        pieces.append(tape.take(hit.start()))
        char = hit.group()
        if quote:
            if (yield from tape.literal(quote)):
                char, quote = quote, ""
        elif char in "\"'":
            char = quote = (yield from tape.literal(char * 3)) or char
            if quote == char[0] and (yield from tape.literal(char * 2)):
                char, quote = char * 2, ""
        else:
            depth += (char in "([{") - (char in ")]}")
        pieces.append(tape.skip(len(char)))
        if not depth:
            return True


def _as_json(source: str) -> str:
    """The arguments of `(key=value, ...)` as JSON; as they are if they are no plain values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an escape Python does not know is kept
            call = ast.parse("f" + source, mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            return source[1:-1]
        values = {word.arg: ast.literal_eval(_Words().visit(word.value)) for word in call.keywords}
        found = json.dumps(values, ensure_ascii=False, allow_nan=False)
        found.encode()  # no half of a surrogate pair may come out
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return source[1:-1]
    return found


class _Words(ast.NodeTransformer):
    """Takes JSON's words for Python's."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(_JSON_WORDS[node.id]) if node.id in _JSON_WORDS else node
