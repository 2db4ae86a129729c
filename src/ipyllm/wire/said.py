"""
An answer as the assistant's message of the next request, in the shape of OpenAI's chat.

Some services want more of their answer back than its text and its calls, and refuse the results of
tools without it: https://ai.google.dev/gemini-api/docs/thought-signatures,
https://platform.claude.com/docs/en/build-with-claude/extended-thinking
Decoders tell it as notices, which stand where it stood in the stream: `signature` within a call is the
call's, elsewhere that of the thinking before it; `redacted_thinking`; `reasoning_item`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ipyllm.events import (
    Event,
    Notice,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
)
from ipyllm.wire.call_slots import by_service
from ipyllm.wire.chat_shape import object_of

__all__ = ("CARRIED", "Saying", "said", "without_carried")

CARRIED = ("thinking_blocks", "reasoning_items", "reasoning_content")
"""What stands beside an answer for the service that gave it; nobody else knows these."""


def without_carried(message: Mapping[str, Any]) -> dict[str, Any]:
    """A copy for a service that would refuse what is not its own."""
    return {key: value for key, value in message.items() if key not in CARRIED}


def said(events: Iterable[Event], *, turn: int = 0) -> dict[str, Any]:
    """
    An answer as the assistant's message of the next request.

    Calls the service ran itself are left out, the others have an id each: their own, or one made of
    `turn`, which has to differ from answer to answer. What the service wants to see again is beside
    them: signatures of calls (`extra_content`, the place Google gives them in OpenAI's shape); signed
    thinking, encrypted reasoning, and beside calls plain reasoning too (`CARRIED`).
    """
    answer = Saying(turn)
    for event in events:
        answer.add(event)
    return answer.message()


class Saying:
    """Adds events up to a message."""

    def __init__(self, turn: int) -> None:
        self._turn = turn
        self._text: list[str] = []
        self._thought: list[str] = []  # since the last signature
        self._calls: dict[int, dict[str, Any]] = {}
        self._arguments: dict[int, list[str]] = {}
        self._open: int | None = None  # the call that began last
        self._carried: dict[str, list[Any]] = {}

    def add(self, event: Event) -> None:
        match event:
            case TextDelta(words):
                self._text.append(words)
            case ReasoningDelta(words):
                self._thought.append(words)
            case ToolCallStart(index, ident, name):
                self._open = index
                self._arguments[index] = []
                ident = ident or f"call_{self._turn}_{index}"
                self._calls[index] = {"id": ident, "type": "function", "function": {"name": name}}
            case ToolCallDelta(index, piece) if index in self._arguments:
                self._arguments[index].append(piece)
            case ToolCallEnd(index) if index == self._open:
                self._open = None
            case Notice(kind, words):
                self._carry(kind, words)
            case _:
                pass

    def message(self) -> dict[str, Any]:
        out: dict[str, Any] = {"role": "assistant", "content": "".join(self._text)}
        calls = [
            {**call, "function": {**call["function"], "arguments": self._whole(index)}}
            for index, call in self._calls.items()
            if not by_service(call["id"])
        ]
        if calls:
            out["tool_calls"] = calls
            if self._thought and not self._carried:
                out["reasoning_content"] = "".join(self._thought)
        return out | self._carried

    def _whole(self, index: int) -> str:
        # A call that is no JSON was answered with an error; sent again as it is, servers fail at it.
        arguments = "".join(self._arguments[index])
        if object_of(arguments) is not None:
            return arguments or "{}"
        return json.dumps({"invalid_json": arguments}, ensure_ascii=False)

    def _carry(self, kind: str, words: str) -> None:
        if kind == "signature" and self._open is not None:
            google = {"google": {"thought_signature": words}}
            self._calls[self._open]["extra_content"] = google
        elif kind == "signature":
            thought, self._thought = "".join(self._thought), []
            self._block({"type": "thinking", "thinking": thought, "signature": words})
        elif kind == "redacted_thinking":
            self._block({"type": "redacted_thinking", "data": words})
        elif kind == "reasoning_item":
            self._carried.setdefault("reasoning_items", []).append(json.loads(words))

    def _block(self, block: dict[str, Any]) -> None:
        self._carried.setdefault("thinking_blocks", []).append(block)
