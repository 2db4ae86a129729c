"""Which tool call a fragment belongs to, where services disagree on how to say so."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

from ipyllm.events import Event, ToolCallDelta, ToolCallEnd, ToolCallStart
from ipyllm.wire.fields import text
from ipyllm.wire.surrogates import SurrogateJoiner

__all__ = ("CallSlots", "by_service")

# Anthropic's `server_tool_use` and `mcp_tool_use`; `mcp_call` of Responses.
_THEIRS = ("srvtoolu_", "mcptoolu_", "mcp_")


def by_service(ident: str) -> bool:
    """If the service runs the call of this id itself: its result is in the answer already."""
    return ident.startswith(_THEIRS)


@dataclass(slots=True)
class _Slot:
    ident: str
    name: str = ""
    started: bool = False
    fragments: list[str] = field(default_factory=list[str])
    joiner: SurrogateJoiner = field(default_factory=SurrogateJoiner)


class CallSlots:
    """
    Puts the fragments of tool calls in their slots.

    The index may be missing or null (Gemini, old Ollama), start at 1, or be the same for
    two calls with other ids; the arguments may be an object (whole), null, or no fragment;
    the name may come after them.
    """

    __slots__ = ("_keys", "_open", "_slots")

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._keys: list[tuple[Any, str]] = []  # the service's (index, id) of each
        self._open: list[int] = []

    def add(self, call: dict[str, Any]) -> list[Event]:
        """One fragment: `{index?, id?, function: {name?, arguments?}}`, or the same without `function`."""
        function = call.get("function")
        function = cast("dict[str, Any]", function) if isinstance(function, dict) else call
        name, ident = text(function.get("name")), text(call.get("id"))
        out: list[Event] = []
        index = self._find(call.get("index"), ident, name)
        if index is None:
            index = self._begin(call.get("index"), ident, out)
        slot = self._slots[index]
        slot.name = slot.name or name
        arguments = function.get("arguments")
        if isinstance(arguments, (dict, list)):
            arguments = json.dumps(arguments, ensure_ascii=False)
        piece = slot.joiner.feed(arguments) if isinstance(arguments, str) and arguments else ""
        if piece:
            slot.fragments.append(piece)
        if slot.started:
            if piece:
                out.append(ToolCallDelta(index, piece))
        elif slot.name:
            out += self._start(index)
        return out

    def end(self) -> list[Event]:
        """The answer is over: so are its calls."""
        out: list[Event] = []
        for index in self._open:
            slot = self._slots[index]
            if half := slot.joiner.close():
                slot.fragments.append(half)
                if slot.started:
                    out.append(ToolCallDelta(index, half))
            if not slot.started:
                out += self._start(index)
            out.append(ToolCallEnd(index))
        self._open.clear()
        return out

    def _begin(self, theirs: Any, ident: str, out: list[Event]) -> int:
        # Parallel calls may come in turns: only those whose arguments are whole end here.
        for index in [i for i in self._open if _is_whole(self._slots[i])]:
            self._open.remove(index)
            self._slots[index].fragments.clear()
            out.append(ToolCallEnd(index))
        self._slots.append(_Slot(ident))
        self._keys.append((theirs if isinstance(theirs, int) else None, ident))
        self._open.append(len(self._slots) - 1)
        return len(self._slots) - 1

    def _start(self, index: int) -> list[Event]:
        slot = self._slots[index]
        slot.started = True
        held = "".join(slot.fragments)
        start = ToolCallStart(index, slot.ident, slot.name)
        return [start, ToolCallDelta(index, held)] if held else [start]

    def _find(self, theirs: Any, ident: str, name: str) -> int | None:
        """Our index of the call this fragment belongs to; None: it begins one."""
        if isinstance(theirs, int):
            known = [i for i, key in enumerate(self._keys) if key[0] == theirs]
            same = [i for i in known if self._keys[i][1] == ident]
            if not known or (ident and name and not same):
                return None
            return (same or known)[-1]
        if ident and (None, ident) in self._keys:
            return self._keys.index((None, ident))
        if ident or name or not self._slots:
            return None
        return len(self._slots) - 1


def _is_whole(slot: _Slot) -> bool:
    try:
        json.loads("".join(slot.fragments))
    except (ValueError, RecursionError):
        return False
    return slot.started
