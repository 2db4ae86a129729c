"""
Where the JSON of a typed answer is, among the prose and in the fence a model puts around it.

The first value whose root is the wanted one counts; what comes after it is prose, JSON or not.
"""

from __future__ import annotations

import re
from typing import Literal

from ipyllm.structured.text_calls.ends import Ends
from ipyllm.structured.text_calls.json_value import pass_value
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("JsonInText", "Kind", "Root")

Kind = Literal["prose", "json"]
Root = Literal["object", "array"]

_HOT = {"object": re.compile("[`{<]"), "array": re.compile(r"[`\[<]")}
_FIRST = {"object": '"}', "array": '"{[]-0123456789'}
_WORDS = ("true", "false", "null")
_TICKS = re.compile("`+")
_SPAN_STOP = re.compile("[`\n]")
_GAP = re.compile(r"[ \t]+")
_INFO = re.compile(r"[\w\-]+")
_JSON_INFO = ("", "json", "jsonc", "json5")
_BARE = Ends()
_FENCED = Ends("\n```")
_THINK, _THOUGHT = "<think>", "</think>"


class JsonInText:
    """
    Takes an answer's text, cut anywhere, and gives it in pieces: ("prose" or "json", text).

    * `root`: what the wanted value begins with. A `{` counts if `"` or `}` follows, a `[` if a
      value or `]` does, with white space between or without.

    Thoughts (`<think>`), code spans and fences of other languages are prose; the lines of the fence
    around the JSON are in neither. JSON that never ends ends with its fence, else with the text.
    """

    __slots__ = ("_fence", "_fresh", "_pieces", "_reading", "_root", "_tape")

    def __init__(self, root: Root = "object") -> None:
        self._root: Root = root
        self._tape = Tape()
        self._fresh = True  # nothing came yet but white space
        self._fence = ""  # opened a fence that does not begin with the JSON
        self._pieces: list[tuple[Kind, str]] = []
        self._reading = self._answer()

    def feed(self, text: str) -> list[tuple[Kind, str]]:
        """Take more text."""
        self._tape.feed(text)
        next(self._reading, None)
        return self._given()

    def close(self) -> list[tuple[Kind, str]]:
        """The text is over: give what was held."""
        self._tape.closed = True
        next(self._reading, None)
        return self._given()

    def _given(self) -> list[tuple[Kind, str]]:
        """What came, neighbours of one kind put together."""
        given: list[tuple[Kind, list[str]]] = []
        for kind, text in self._pieces:
            if not given or given[-1][0] != kind:
                given.append((kind, []))
            given[-1][1].append(text)
        self._pieces.clear()
        return [(kind, "".join(texts)) for kind, texts in given]

    def _say(self, text: str) -> None:
        if text:
            self._pieces.append(("prose", text))
            self._fresh = self._fresh and text.isspace()

    def _json(self, text: str) -> None:
        if text:
            self._pieces.append(("json", text))

    def _answer(self) -> Wait[None]:
        while not (yield from self._next()):
            if self._tape.closed and self._tape.at == len(self._tape.text):
                return
        yield from self._pass_to(None)

    def _next(self) -> Wait[bool]:
        """Pass on the prose to what may matter, and that; True: it was the JSON."""
        tape = self._tape
        if not (yield from self._pass_to(_HOT[self._root])):
            return False
        match tape.text[tape.at]:
            case "`":
                return (yield from self._code())
            case "<":
                yield from self._thought()
                return False
            case _:
                return (yield from self._root_value(_BARE))

    def _pass_to(self, stop: re.Pattern[str] | None) -> Wait[bool]:
        """Pass on prose; False: the end came first."""
        tape = self._tape
        while (hit := stop.search(tape.text, tape.at) if stop else None) is None:
            self._say(tape.take(len(tape.text)))
            if not (yield from tape.grow()):
                return False
        self._say(tape.take(hit.start()))
        return True

    def _root_value(self, ends: Ends) -> Wait[bool]:
        """Pass on the wanted value, if it is one that comes."""
        tape = self._tape
        if not (yield from self._is_root()):
            self._say(tape.skip(1))
            return False
        yield from pass_value(tape, self._json, ends)
        return True

    def _is_root(self) -> Wait[bool]:
        tape = self._tape
        if (yield from tape.peek()) != ("{" if self._root == "object" else "["):
            return False
        ahead = 1
        while (yield from tape.peek(ahead)).isspace() and ahead < 1024:
            ahead += 1
        char = yield from tape.peek(ahead)
        if char and char in _FIRST[self._root]:
            return True
        return self._root == "array" and bool((yield from tape.literal(*_WORDS, ahead=ahead)))

    def _thought(self) -> Wait[None]:
        tape = self._tape
        if not (yield from tape.literal(_THINK)):
            self._say(tape.skip(1))
            return
        while not (yield from tape.literal(_THOUGHT)):
            self._say(tape.skip(1))
            if not (yield from self._pass_to(_HOT["object"])):
                return

    def _code(self) -> Wait[bool]:
        tape = self._tape
        tape.record = []
        run = yield from tape.run(_TICKS, 1024)
        if len(run) < 3 or len(run) >= len(self._fence) > 0:
            fresh, closes = self._fresh, len(run) >= 3
            self._say(tape.recorded())
            if closes:
                self._fence = ""
            elif not (fresh and (yield from self._is_root())):  # all the answer may be a span
                yield from self._span(run)
            return False
        yield from tape.run(_GAP, 32)
        info = yield from tape.run(_INFO, 32)
        yield from tape.run(_GAP, 32)
        json = info.lower() in _JSON_INFO
        if json:
            yield from tape.space()
        if json and (yield from self._is_root()):
            tape.record = None
            yield from pass_value(tape, self._json, _FENCED)
            yield from self._closing(run)
            return True
        self._say(tape.recorded())
        if json:
            self._fence = run
        else:
            yield from self._other(run)
        return False

    def _span(self, opening: str) -> Wait[None]:
        """Pass on to the run of the same length, or before the line break."""
        tape = self._tape
        while (yield from self._pass_to(_SPAN_STOP)) and tape.text[tape.at] == "`":
            run = yield from tape.run(_TICKS, 1024)
            self._say(run)
            if run == opening:
                return

    def _other(self, opening: str) -> Wait[None]:
        """Pass on a fence of another language, with its closing run."""
        tape = self._tape
        while (yield from self._pass_to(_TICKS)):
            run = yield from tape.run(_TICKS, 1024)
            self._say(run)
            if len(run) >= len(opening):
                return

    def _closing(self, opening: str) -> Wait[None]:
        tape = self._tape
        tape.record = []
        yield from tape.space()
        if (yield from tape.literal(opening)):
            tape.record = None
            yield from tape.run(_TICKS, 1024)
        else:
            self._say(tape.recorded())
