"""What is said and called: the events, and what of the line is known for Markdown."""

from __future__ import annotations

from ipyllm.events import Event, TextDelta, ToolCallDelta, ToolCallEnd, ToolCallStart

__all__ = ("Out",)

_LINE = 128  # characters of a line that are kept: a fence is no longer
_BLANK = 1024  # white space that is held, as it may stand before a call


class Out:
    """
    Puts prose together and numbers calls.

    White space directly before a call, and between the last call and the end, is no prose:
    it is held until something else follows.

    * `line`: how the current line of prose begins.
    * `last`: the character said last.
    * `fresh`: nothing was said yet but white space, and nothing called.
    """

    __slots__ = (
        "_blank",
        "_called",
        "_count",
        "_events",
        "_json",
        "_said",
        "fresh",
        "last",
        "line",
    )

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._said: list[str] = []  # not given out yet
        self._json: list[str] = []
        self._blank: str = ""
        self._called = False  # the last that came was a call
        self._count = 0
        self.fresh = True
        self.last = ""
        self.line = ""

    def say(self, text: str) -> None:
        """More prose."""
        if not text:
            return
        newline = text.rfind("\n") + 1
        if newline:
            self.line = text[newline : newline + _LINE]
        elif len(self.line) < _LINE:
            self.line = (self.line + text[:_LINE])[:_LINE]
        self.last = text[-1]
        text = self._blank + text
        kept = len(text)
        if self.last.isspace():  # held by its own length only, so that no cut makes a difference
            kept = max(len(text.rstrip()), kept - _BLANK)
        if kept:
            self._said.append(text[:kept])
            self._called = self.fresh = False
        self._blank = text[kept:]

    def open(self, name: str, ident: str = "") -> None:
        """A call begins."""
        self._blank = ""
        self._flush()
        self._events.append(ToolCallStart(self._count, ident or f"call_{self._count}", name))
        self._count += 1
        self._called, self.fresh, self.line, self.last = True, False, "", ""

    def arguments(self, json: str) -> None:
        """More of the open call's arguments."""
        if json:
            self._json.append(json)

    def end(self) -> None:
        """The open call is whole."""
        self._flush()
        self._events.append(ToolCallEnd(self._count - 1))

    def events(self) -> list[Event]:
        """What came since this was asked last."""
        self._flush()
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """The answer is over: white space at its end is prose, unless a call came before."""
        if self._blank and not self._called:
            self._said.append(self._blank)
        self._blank = ""

    def _flush(self) -> None:
        """Pieces become one event."""
        if self._json:
            self._events.append(ToolCallDelta(self._count - 1, "".join(self._json)))
            self._json.clear()
        if self._said:
            self._events.append(TextDelta("".join(self._said)))
            self._said.clear()
