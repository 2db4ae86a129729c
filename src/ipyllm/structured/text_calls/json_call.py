"""
A call that is one JSON object: `{"name": ..., "arguments": {...}}`, its members in any order.

`parameters` says the same as `arguments`; `{"type": "function", "function": {...}}` around it is
seen through; arguments that are a JSON string are unwrapped.
"""

from __future__ import annotations

from collections.abc import Collection

from ipyllm.structured.text_calls.ends import Ends, drop
from ipyllm.structured.text_calls.json_value import Unescape, pass_value, read_string
from ipyllm.structured.text_calls.out import Out
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("JsonCall", "read_calls")

# What a call that has no marker may consist of.
_KEYS = ("name", "arguments", "parameters", "function", "id", "type")


class JsonCall:
    """
    Reads one call.

    `names`: without a marker around it, a call is known only by a name among these and an object
    of arguments, and what has other members is none. None: the marker has said what it is.
    """

    __slots__ = ("_ends", "_held", "_name", "_names", "_opened", "_out", "_tape", "_whole")

    def __init__(self, tape: Tape, out: Out, ends: Ends, names: Collection[str] | None) -> None:
        self._tape = tape
        self._out = out
        self._ends = ends
        self._names = names
        self._name = ""
        self._held: list[str] | None = None  # arguments that came before the name
        self._opened = False
        self._whole = False  # its arguments are

    def read(self) -> Wait[bool]:
        """Read on from `{`; False: it is no call, and the tape's record has what it is."""
        self._tape.skip(1)
        fine = yield from self._members()
        if fine and self._name and self._names is None:
            self._open()
        if not self._opened:
            return False
        if self._whole:
            return True
        if fine or (yield from self._ends.until(self._tape, self._out.arguments)):
            self._out.end()
        return True

    def _members(self) -> Wait[bool]:
        """Read on to the end of the object; False: it does not go on like a call."""
        while True:
            yield from self._tape.space()
            match (yield from self._tape.peek()):
                case "}":
                    self._tape.skip(1)
                    return True
                case ",":
                    self._tape.skip(1)
                case '"' | "'":
                    if not (yield from self._member()):
                        return False
                case _:
                    return False

    def _member(self) -> Wait[bool]:
        tape = self._tape
        key = yield from read_string(tape)
        if key is None or (self._names is not None and key not in _KEYS):
            return False
        yield from tape.space()
        if (yield from tape.peek()) != ":":
            return False
        tape.skip(1)
        yield from tape.space()
        first = yield from tape.peek()
        match key:
            case "function" if first == "{":
                tape.skip(1)
                return (yield from self._members())
            case "name" if first and first in "\"'" and not self._name:
                return self._named((yield from read_string(tape)))
            case "arguments" | "parameters" if self._held is None and not self._whole:
                return (yield from self._arguments(first))
            case _:
                return (yield from pass_value(tape, drop, self._ends))

    def _named(self, name: str | None) -> bool:
        if not name or (self._names is not None and name not in self._names):
            return False
        self._name = name
        if self._names is None or self._held is not None:
            self._open()
        return True

    def _open(self) -> None:
        if self._opened:
            return
        self._opened, self._tape.record = True, None
        self._out.open(self._name)
        if self._held is not None:
            self._out.arguments("".join(self._held))
            self._whole = True
            self._out.end()

    def _arguments(self, first: str) -> Wait[bool]:
        tape, out = self._tape, self._out
        if self._names is not None and first != "{":
            return False
        if self._name:
            self._open()
            sink = out.arguments
        else:
            self._held = []
            sink = self._held.append
        scalar: list[str] = []
        direct = bool(first) and first in '{["'
        wanted = (Unescape(sink) if first == '"' else sink) if direct else scalar.append
        whole = yield from pass_value(tape, wanted, self._ends)
        if "".join(scalar) != "null":  # null: there are none
            sink("".join(scalar))
        if whole and self._name:
            self._whole = True
            out.end()
        return whole


def read_calls(
    tape: Tape, out: Out, ends: Ends, names: Collection[str] | None = None
) -> Wait[bool]:
    """One call, or a list of calls; False: there is none, the tape's record has what came."""
    if (yield from tape.peek()) != "[":
        call = JsonCall(tape, out, ends, names)
        return (yield from tape.peek()) == "{" and (yield from call.read())
    tape.skip(1)
    seen = False
    while True:
        if seen:
            tape.record = []
        yield from tape.space()
        match (yield from tape.peek()):
            case "{":
                if not (yield from JsonCall(tape, out, ends, names).read()):
                    break
                seen = True
            case "," if seen:
                tape.skip(1)
            case "]" if seen:
                tape.skip(1)
                tape.record = None
                return True
            case _:
                break
    if seen:  # the list goes on with something else
        out.say(tape.recorded())
    return seen
