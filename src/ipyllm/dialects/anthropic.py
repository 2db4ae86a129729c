"""
Anthropic Messages; also as llama.cpp, vLLM and Ollama serve it.

https://docs.anthropic.com/en/api/messages-streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import msgspec

from ipyllm.dialects import Dialect
from ipyllm.events import (
    Event,
    Finish,
    FinishReason,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from ipyllm.request import Request
from ipyllm.structured.response_format import closed, in_words
from ipyllm.wire import chat_shape
from ipyllm.wire.fields import count, dicts, dig, text
from ipyllm.wire.json_stream import JsonStream
from ipyllm.wire.surrogates import SurrogateJoiner

__all__ = ("MESSAGES",)

_API = "Anthropic's API"
_MAX_TOKENS = 4096  # the API demands a limit; every model it has takes this one

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",  # the limit of rounds among its own tools
    "tool_use": "tool_calls",
    "refusal": "refusal",
}

# --- what is asked -------------------------------------------------------------------------------

_OWN = {
    "compaction",
    "container_upload",
    "document",
    "fallback",
    "image",
    "redacted_thinking",
    "search_result",
    "text",
    "thinking",
    "tool_reference",
}


def _body(request: Request) -> dict[str, Any]:
    out: dict[str, Any] = {"model": request.model, "max_tokens": _MAX_TOKENS, "stream": True}
    system: list[Any] = [request.system] if request.system else []
    messages: list[dict[str, Any]] = []
    results: list[dict[str, Any]] | None = None  # of the tool messages just before
    for message in request.messages:
        match message["role"]:
            case "system" | "developer":
                system.append(message.get("content"))
                continue
            case "tool":
                if results is None:
                    results = []
                    messages.append({"role": "user", "content": results})
                results.append(_result(message))
                continue
            case "user":
                messages.append({"role": "user", "content": _content(message.get("content"))})
            case "assistant":
                messages.append(_assistant(message))
            case _:
                raise chat_shape.strange(message, _API)
        results = None
    if system:
        out["system"] = _system(system)
    out["messages"] = messages
    if request.tools:
        out["tools"] = [_tool(tool) for tool in request.tools]
    params = dict(request.params)
    if request.schema is not None and "output_format" not in params:  # its name in the beta
        shape = {"format": {"type": "json_schema", "schema": closed(in_words(request.schema))}}
        out["output_config"] = shape
        if isinstance(own := params.get("output_config"), dict):  # it may only say the effort
            params["output_config"] = shape | cast("dict[str, Any]", own)
    return out | params


def _system(contents: list[Any]) -> str | list[dict[str, Any]]:
    if all(isinstance(content, str) for content in contents):
        return "\n\n".join(contents)
    return [_block(part) for content in contents for part in chat_shape.parts(content)]


def _assistant(message: Mapping[str, Any]) -> dict[str, Any]:
    uses = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
        for call in chat_shape.calls(message)
    ]
    content = message.get("content")
    if not uses:
        return {"role": "assistant", "content": _content(content)}
    # "You must include the complete unmodified block back to the API", before the calls it led to.
    thoughts = dicts(message.get("thinking_blocks"))
    return {
        "role": "assistant",
        "content": [*thoughts, *map(_block, chat_shape.parts(content)), *uses],
    }


def _content(content: Any) -> str | list[dict[str, Any]]:
    if isinstance(content, str) or content is None:
        return content or ""
    return [_block(part) for part in chat_shape.parts(content)]


def _result(message: Mapping[str, Any]) -> dict[str, Any]:
    out = {
        "type": "tool_result",
        "tool_use_id": text(message.get("tool_call_id")),
        "content": _content(message.get("content")),
    }
    return out | ({"is_error": message["is_error"]} if "is_error" in message else {})


def _block(part: dict[str, Any]) -> dict[str, Any]:
    kind = text(part.get("type"))
    if kind in _OWN or kind.endswith(("tool_use", "tool_result")):
        return part
    media = chat_shape.media(part)
    if media is None or media.mime.startswith("audio/"):
        raise chat_shape.strange(part, _API)
    source = {"type": "base64", "media_type": media.mime, "data": media.base64}
    if media.url:
        source = {"type": "url", "url": media.url}
    block = {"type": "image" if kind == "image_url" else "document", "source": source}
    return block | {key: value for key, value in part.items() if key == "cache_control"}


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = chat_shape.function(tool)
    if function is None:
        return dict(tool)
    out = {key: function[key] for key in ("name", "description", "strict") if function.get(key)}
    return out | {"input_schema": function.get("parameters") or {"type": "object"}}


# --- what comes back -----------------------------------------------------------------------------


class _PlainText(msgspec.Struct, tag="text_delta"):
    text: str


class _PlainThinking(msgspec.Struct, tag="thinking_delta"):
    thinking: str


class _PlainDelta(msgspec.Struct):
    type: Literal["content_block_delta"]  # a tag may be missing; this may not
    delta: _PlainText | _PlainThinking
    error: None = None


# One call in C for what is 99 % of a stream; whatever does not fit it takes the long way.
_PLAIN = msgspec.json.Decoder(_PlainDelta)


@dataclass(slots=True)
class _Slot:
    """A tool call on its way."""

    index: int  # ours
    input: str  # given whole at the start; "" if it comes in fragments
    fragments: bool = False


class _Grammar:
    """Events of one message, or one whole message."""

    __slots__ = ("_calls", "_joiner", "_open", "_raw", "_usage", "finished", "seen")

    def __init__(self) -> None:
        self._joiner = SurrogateJoiner()
        self._open: dict[int | None, _Slot] = {}  # their index of the content block -> the call
        self._calls = 0
        self._usage: dict[str, Any] = {}  # what was said of it so far: the last word counts
        self._raw = ""
        self.seen = False
        self.finished = False

    def plain(self, data: bytes, out: list[Event]) -> bool:
        """As `Grammar.plain`."""
        try:
            delta = _PLAIN.decode(data).delta
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        if isinstance(delta, _PlainText):
            self._answer(delta.text, out)
        elif delta.thinking:
            self.seen = True
            out.append(ReasoningDelta(delta.thinking))
        return True

    def payload(self, payload: dict[str, Any], out: list[Event]) -> bool:
        """As `Grammar.payload`."""
        match payload.get("type"):
            case "content_block_delta":
                self._delta(payload, out)
            case "content_block_start":
                self._start(count(payload.get("index")), payload.get("content_block"), out)
            case "content_block_stop":
                self._stop(count(payload.get("index")), out)
            case "message_start":
                # A second one (a fallback to another model) begins its blocks anew.
                self._stop_all(out)
                self._message(payload.get("message"), out)
            case "message_delta":
                self._reason(payload.get("delta"), out)
                self._count(payload.get("usage"), out)
            case "message_stop":
                self.finished = True
            case "message":  # the whole of it: the service does not stream after all
                self._message(payload, out)
                self.finished = True
            case "ping":
                out.append(Notice("ping", ""))
            case str(kind) if kind != "error":
                # "New event types may be added, and your code should handle unknown types
                # gracefully." Before anything came, it may be a proxy's error.
                return self.seen or bool(self._usage)
            case _:
                return False
        return True

    def done(self, out: list[Event]) -> None:
        """As `Grammar.done`: not of this API, but proxies that also speak OpenAI's send it."""
        del out
        self.finished = bool(self._raw)

    def close(self, out: list[Event]) -> Finish:
        """As `Grammar.close`."""
        if rest := self._joiner.close():
            out.append(TextDelta(rest))
        self._stop_all(out)
        if not self.finished:
            return Finish("truncated", self._raw)
        return Finish(_REASONS.get(self._raw, "stop"), self._raw)

    def _message(self, message: Any, out: list[Event]) -> None:
        for block in dicts(dig(message, "content")):  # there at once after a server's tool paused
            self._start(None, block, out)
            self._stop(None, out)
        self._reason(message, out)
        self._count(dig(message, "usage"), out)

    def _start(self, theirs: int | None, block: Any, out: list[Event]) -> None:
        kind = text(dig(block, "type"))
        if kind.endswith("tool_use"):  # tool_use, server_tool_use, mcp_tool_use
            self._stop(theirs, out)
            self.seen = True
            given = dig(block, "input")
            self._open[theirs] = _Slot(self._calls, chat_shape.arguments(given) if given else "")
            out.append(ToolCallStart(self._calls, text(dig(block, "id")), text(dig(block, "name"))))
            self._calls += 1
        elif kind == "text":
            self._answer(dig(block, "text"), out)
        elif kind == "thinking":
            self._thought(dig(block, "thinking"), out)
            self._signed(dig(block, "signature"), out)
        elif kind == "redacted_thinking" and (sealed := text(dig(block, "data"))):
            out.append(Notice("redacted_thinking", sealed))

    def _delta(self, payload: dict[str, Any], out: list[Event]) -> None:
        delta = payload.get("delta")
        match dig(delta, "type"):
            case "text_delta":
                self._answer(dig(delta, "text"), out)
            case "thinking_delta":
                self._thought(dig(delta, "thinking"), out)
            case "input_json_delta":
                slot = self._open.get(count(payload.get("index")))
                piece = text(dig(delta, "partial_json"))
                if slot is not None and piece:
                    slot.fragments = True
                    out.append(ToolCallDelta(slot.index, piece))
            case "signature_delta":
                self._signed(dig(delta, "signature"), out)
            case _:
                pass  # citations, compactions: nothing to show

    def _stop(self, theirs: int | None, out: list[Event]) -> None:
        slot = self._open.pop(theirs, None)
        if slot is None:
            return
        # Some servers put the whole input at the start. If fragments come as well, it is the same.
        if slot.input and not slot.fragments:
            out.append(ToolCallDelta(slot.index, slot.input))
        out.append(ToolCallEnd(slot.index))

    def _stop_all(self, out: list[Event]) -> None:
        for theirs in list(self._open):
            self._stop(theirs, out)

    def _answer(self, words: Any, out: list[Event]) -> None:
        if isinstance(words, str) and words:
            self.seen = True
            if piece := self._joiner.feed(words):
                out.append(TextDelta(piece))

    def _thought(self, words: Any, out: list[Event]) -> None:
        if thought := text(words):
            self.seen = True
            out.append(ReasoningDelta(thought))

    def _signed(self, signature: Any, out: list[Event]) -> None:
        if seal := text(signature):
            out.append(Notice("signature", seal))

    def _reason(self, delta: Any, out: list[Event]) -> None:
        self._raw = text(dig(delta, "stop_reason")) or self._raw
        if words := text(dig(delta, "stop_details", "explanation")):
            self.seen = True
            out.append(RefusalDelta(words))

    def _count(self, usage: Any, out: list[Event]) -> None:
        if not isinstance(usage, dict):
            return
        said = cast("dict[str, Any]", usage)
        self._usage = self._usage | {key: said[key] for key in said if said[key] is not None}
        out.append(
            Usage(
                input_tokens=count(self._usage.get("input_tokens")),
                output_tokens=count(self._usage.get("output_tokens")),
                reasoning_tokens=count(
                    dig(self._usage, "output_tokens_details", "thinking_tokens")
                ),
                cached_tokens=count(self._usage.get("cache_read_input_tokens")),
                raw=self._usage,
            )
        )


MESSAGES = Dialect(
    path=lambda _: "/v1/messages",
    body=_body,
    decoder=lambda: JsonStream(_Grammar()),
    auth="x-api-key",
    headers=(("anthropic-version", "2023-06-01"),),
    models="/v1/models",
)
