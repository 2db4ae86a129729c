"""One JSON value, passed on as it comes: by brackets and strings, so that its end is known."""

from __future__ import annotations

import json
import re

from ipyllm.structured.text_calls.ends import Ends, Sink
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("Unescape", "pass_value", "read_string")

_LONE = re.compile("[\ud800-\udfff]")
_NAME = 256  # characters of a name or a key
_PLAIN = {'"': re.compile(r'[^"\\\r\n]+'), "'": re.compile(r"[^'\\\r\n]+")}
_SCALAR = re.compile(r"[^\s,}\]<\[]+")
# An escape that is whole, with the other half of a surrogate pair.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|u[0-9a-fA-F]{4}|[^u])")
# One that may become one. A high half waits for its low one.
_HALF = re.compile(
    r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?\Z"
)


def pass_value(tape: Tape, sink: Sink, ends: Ends) -> Wait[bool]:
    """Pass one value on, as it is written; False: a marker or the end came before its end."""
    first = yield from tape.peek()
    if first and first in '{["':
        return (yield from _brackets(tape, sink, ends))
    begun = False
    while True:
        if found := _SCALAR.match(tape.text, tape.at):
            sink(tape.take(found.end()))
            begun = True
        if tape.at == len(tape.text):
            if not (yield from tape.grow()):
                return False
        elif tape.text[tape.at] not in "<[":
            return begun
        elif (yield from ends.here(tape)):
            return False
        else:
            sink(tape.skip(1))


def _brackets(tape: Tape, sink: Sink, ends: Ends) -> Wait[bool]:
    depth, quoted, torn, scan = 0, False, False, tape.at
    while True:
        hit = (ends.inside if quoted else ends.outside).search(tape.text, scan)
        if hit is None or hit.group() == "\\":
            sink(tape.take(hit.start() if hit else len(tape.text)))
            if not (yield from tape.grow()):
                sink(tape.take(len(tape.text)))
                return False
            scan = tape.at
            continue
        scan, char = hit.end(), hit.group()
        if char in ends.first:
            sink(tape.take(hit.start()))
            inside = ends.inside_string(tape, torn=torn)
            if (yield from inside) if quoted else (yield from ends.here(tape)):
                return False
            scan = tape.at + 1
        if quoted:
            torn = torn or char == "\n"
            quoted = char != '"'
        elif char == '"':
            quoted, torn = True, False
        else:
            depth += (char in "{[") - (char in "}]")
        if not depth and not quoted and char in '"}]':
            sink(tape.take(scan))
            return True


def read_string(tape: Tape) -> Wait[str | None]:
    """A short string, its value; None: it is none, or too long, or broken."""
    quote = tape.skip(1)
    pieces: list[str] = []
    left = _NAME
    while left > 0:
        pieces.append((yield from tape.run(_PLAIN[quote], left)))
        left -= len(pieces[-1]) + 1
        char = yield from tape.peek()
        if char == quote:
            tape.skip(1)
            return _decoded("".join(pieces))
        if char != "\\" or not (yield from tape.peek(1)):
            return None
        pieces.append(tape.skip(2))
    return None


def _decoded(raw: str) -> str | None:
    if "\\" not in raw:
        return raw
    try:
        return _LONE.sub("\N{REPLACEMENT CHARACTER}", json.loads(f'"{raw}"'))
    except ValueError:
        return None


class Unescape:
    """A sink for a JSON string as it is written, quotes and all; passes on what it says."""

    __slots__ = ("_begun", "_held", "_sink")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._begun = False
        self._held = ""

    def __call__(self, raw: str) -> None:
        if raw and not self._begun:
            self._begun, raw = True, raw[1:]
        raw = self._held + raw
        half = _HALF.search(raw, max(0, len(raw) - 12))
        # A backslash that is itself escaped begins nothing.
        while half and _is_escaped(raw, half.start()):
            half = _HALF.search(raw, half.start() + 1)
        cut = half.start() if half else len(raw)
        raw, self._held = raw[:cut], raw[cut:]
        text = _ESCAPE.sub(lambda found: _decoded(found.group()) or found.group(), _bare(raw))
        self._sink(text)


def _is_escaped(raw: str, at: int) -> bool:
    before = raw[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _bare(raw: str) -> str:
    """Without the closing quote: the only one that is not escaped."""
    return raw[:-1] if raw.endswith('"') and not _is_escaped(raw, len(raw) - 1) else raw
