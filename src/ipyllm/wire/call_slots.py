"""Which tool call a fragment belongs to, where services disagree on how to say so."""

from __future__ import annotations

import json
from typing import Any, cast

from ipyllm.events import Event, ToolCallDelta, ToolCallEnd, ToolCallStart

__all__ = ("CallSlots",)


class CallSlots:
    """
    Puts the fragments of tool calls in their slots.

    The index may be missing or null (Gemini, old Ollama), start at 1, or be the same for
    two calls with other ids; the arguments may be an object (whole), null, or no fragment.
    """

    __slots__ = ("_open", "_slots")

    def __init__(self) -> None:
        self._slots: dict[object, int] = {}  # the service's key -> our index
        self._open: list[int] = []

    def add(self, call: dict[str, Any]) -> list[Event]:
        function = call.get("function")
        function = cast("dict[str, Any]", function) if isinstance(function, dict) else call
        name, ident = _text(function.get("name")), _text(call.get("id"))
        out: list[Event] = []
        index = self._slot(call.get("index"), ident, name)
        if index is None:
            index = len(self._slots)
            out += self.end()
            self._slots[self._key(call.get("index"), ident, index)] = index
            self._open.append(index)
            out.append(ToolCallStart(index, ident, name))
        arguments = function.get("arguments")
        if isinstance(arguments, (dict, list)):
            arguments = json.dumps(arguments, ensure_ascii=False)
        if text := _text(arguments):
            out.append(ToolCallDelta(index, text))
        return out

    def end(self) -> list[Event]:
        """The open calls end: the next one begins, or the answer is over."""
        ended: list[Event] = [ToolCallEnd(index) for index in self._open]
        self._open.clear()
        return ended

    def _key(self, index: Any, ident: str, ours: int) -> object:
        return (index, ident) if isinstance(index, int) else (None, ident or ours)

    def _slot(self, index: Any, ident: str, name: str) -> int | None:
        """Our index of the call this fragment belongs to; None: it begins one."""
        if isinstance(index, int):
            known = [ours for (theirs, _), ours in self._keys() if theirs == index]
            same = [ours for (theirs, i), ours in self._keys() if theirs == index and i == ident]
            if not known or (ident and name and not same):
                return None
            return (same or known)[-1]
        if ident and (None, ident) in self._slots:
            return self._slots[None, ident]
        if ident or name or not self._slots:
            return None
        return len(self._slots) - 1

    def _keys(self) -> list[tuple[tuple[Any, Any], int]]:
        return cast("list[tuple[tuple[Any, Any], int]]", list(self._slots.items()))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
