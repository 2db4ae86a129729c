"""Where prose stops and a tool call starts, in the text of a model that has no other way to call."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from ipyllm.errors import UsageError
from ipyllm.events import Event
from ipyllm.structured.text_calls import deepseek, function_tag, hermes, llama, mistral, pythonic
from ipyllm.structured.text_calls.markdown import code
from ipyllm.structured.text_calls.out import Out
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("ALL", "TextCalls")

_Reader = Callable[[Tape, Out, Collection[str]], Wait[bool]]
_MARKED: dict[str, tuple[_Reader, tuple[str, ...]]] = {
    "hermes": (hermes.hermes, (hermes.OPEN,)),
    "function": (function_tag.function, (function_tag.OPEN,)),
    "llama": (llama.python_tag, (llama.PYTHON_TAG,)),
    "mistral": (mistral.mistral, (mistral.OPEN,)),
    "deepseek": (deepseek.deepseek, deepseek.OPEN),
    "pythonic": (pythonic.python_marked, (pythonic.PYTHON_START,)),
}
ALL = (*_MARKED, "bare", "fenced")
_THOUGHT = "</think>"
# What may begin a marker; code in Markdown.
_HOT = re.compile(r"[`~]|<(?=[tf|\uff5c/]|\Z)|\[(?=T|\Z)")


class TextCalls:
    """
    Takes an answer's text, cut anywhere, and gives what is said and what is called.

    * `tools`: names of the tools; a mapping to their JSON Schemas gives Qwen3-Coder's arguments
      their types. Formats without a marker (`fenced`, `bare`, the bare `pythonic` list) are calls
      only with one of these names; formats with one are calls whatever the name, so that the
      model can be told that there is no such tool.
    * `formats`: which to look for, of `ALL`.

    Only what may still become a call is held back. Nothing is a call in code spans and fences
    (`fenced` is the exception). What a marker does not make a call is prose, marker and all. A call that the
    end of the text cuts off has no `ToolCallEnd`. Broken JSON is passed on as it is, up to the
    format's end marker. White space directly before a call is no prose. Ids are made here,
    `call_0`, except Mistral's.
    """

    __slots__ = ("_formats", "_out", "_reading", "_started", "_tape", "_tools")

    def __init__(self, tools: Collection[str] = (), formats: Collection[str] = ALL) -> None:
        if unknown := sorted(set(formats) - set(ALL)):
            raise UsageError(
                f"No such format of tool calls: {', '.join(unknown)}.",
                hint=f"One of: {', '.join(ALL)}",
            )
        self._tools = tools
        self._formats = frozenset(formats)
        self._tape = Tape()
        self._out = Out()
        self._started = {
            opening: reader
            for name, (reader, openings) in _MARKED.items()
            if name in self._formats
            for opening in openings
        }
        self._reading = self._answer()

    def feed(self, text: str) -> list[Event]:
        """Take more text."""
        self._tape.feed(text)
        next(self._reading, None)
        return self._out.events()

    def close(self) -> list[Event]:
        """The text is over: give what was held."""
        self._tape.closed = True
        next(self._reading, None)
        self._out.close()
        return self._out.events()

    def _answer(self) -> Wait[None]:
        tape, out = self._tape, self._out
        while True:
            if out.fresh:
                out.say((yield from tape.space()))
                yield from self._first()
            hit = _HOT.search(tape.text, tape.at)
            out.say(tape.take(hit.start() if hit else len(tape.text)))
            if hit is None:
                if not (yield from tape.grow()):
                    return
            elif hit.group() in "`~":
                yield from code(tape, out, self._tools if "fenced" in self._formats else ())
            else:
                yield from self._marker()

    def _marker(self) -> Wait[None]:
        tape, out = self._tape, self._out
        found = yield from tape.literal(*self._started, _THOUGHT)
        reader = self._started.get(found)
        if reader is None:
            out.say(tape.skip(len(found) or 1))
            out.fresh = found == _THOUGHT  # what follows a thought begins the answer
            return
        tape.record = []
        if found not in deepseek.OPEN:
            tape.skip(len(found))
        if not (yield from reader(tape, out, self._tools)):
            out.say(tape.recorded())

    def _first(self) -> Wait[None]:
        """What is a call only where an answer begins with it."""
        tape, out = self._tape, self._out
        char = yield from tape.peek()
        if (
            not char
            or char not in "{["
            or not self._tools
            or (yield from tape.literal(mistral.OPEN))
        ):
            return
        ahead = 1
        while (yield from tape.peek(ahead)).isspace() and ahead < 32:
            ahead += 1
        json = char == "{" or (yield from tape.peek(ahead)) == "{"
        if ("bare" if json else "pythonic") not in self._formats:
            return
        tape.record = []
        reader = llama.bare if json else pythonic.pythonic
        if not (yield from reader(tape, out, self._tools)):
            out.say(tape.recorded())
