"""
Ollama's own API: `/api/chat` and `/api/generate`.

https://docs.ollama.com/api
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from ipyllm.dialects import Dialect
from ipyllm.errors import UsageError
from ipyllm.events import (
    Event,
    Finish,
    FinishReason,
    Logprobs,
    Notice,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from ipyllm.request import Request
from ipyllm.structured.response_format import closed
from ipyllm.wire import chat_shape
from ipyllm.wire.fields import count, dicts, dig, text
from ipyllm.wire.json_stream import JsonStream
from ipyllm.wire.logprobs import token_logprobs
from ipyllm.wire.said import without_carried
from ipyllm.wire.surrogates import SurrogateJoiner

__all__ = ("CHAT", "GENERATE")

_API = "Ollama's API"

_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}

# --- what is asked -------------------------------------------------------------------------------

# What is beside `options` in a request; every other parameter goes into them.
_TOP = {
    "context",
    "format",
    "height",
    "images",
    "keep_alive",
    "logprobs",
    "messages",
    "model",
    "options",
    "prompt",
    "raw",
    "shift",
    "steps",
    "stream",
    "suffix",
    "system",
    "template",
    "think",
    "tools",
    "top_logprobs",
    "truncate",
    "width",
}


def _chat_body(request: Request) -> dict[str, Any]:
    called = chat_shape.names(request.messages)
    messages = [_message(message, called) for message in request.messages]
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    out: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    if request.tools:
        out["tools"] = [dict(tool) for tool in request.tools]
    return out | _format(request) | _params(request.params)


def _generate_body(request: Request) -> dict[str, Any]:
    if request.tools:
        raise UsageError("/api/generate takes no tools.", hint="/api/chat does: API ollama_chat.")
    system = [request.system] if request.system else list[str]()
    turns: list[tuple[str, str]] = []
    images: list[str] = []
    for message in request.messages:
        role = message["role"]
        if role not in ("system", "developer", "user", "assistant") or message.get("tool_calls"):
            what = f"{role} with tool_calls" if message.get("tool_calls") else role
            raise chat_shape.strange({"role": what}, "/api/generate")
        words, seen = _content(message)
        images += seen
        if role in ("system", "developer"):
            system.append(words)
        else:
            turns.append((role, words))
    prompt = turns[0][1] if len(turns) == 1 else _conversation(turns)
    out: dict[str, Any] = {"model": request.model, "prompt": prompt, "stream": True}
    if system:
        out["system"] = "\n\n".join(system)
    if images:
        out["images"] = images
    return out | _format(request) | _params(request.params)


def _format(request: Request) -> dict[str, Any]:
    return {} if request.schema is None else {"format": closed(request.schema)}


def _conversation(turns: list[tuple[str, str]]) -> str:
    """One prompt for several turns: the API has one, and the model's template is the server's."""
    if not turns:
        return ""
    said = [f"{role.capitalize()}: {words}" for role, words in turns]
    if turns[-1][0] == "user":
        said.append("Assistant:")  # else the model goes on with what it said
    return "\n\n".join(said)


def _params(params: Mapping[str, Any]) -> dict[str, Any]:
    top = {key: value for key, value in params.items() if key in _TOP}
    options = {key: value for key, value in params.items() if key not in _TOP}
    return top | ({"options": {**(top.get("options") or {}), **options}} if options else {})


def _message(message: Mapping[str, Any], called: Mapping[str, str]) -> dict[str, Any]:
    role = message["role"]
    if role not in ("system", "developer", "user", "assistant", "tool"):
        raise chat_shape.strange(message, _API)
    out = without_carried(message) | {"role": "system" if role == "developer" else role}
    out.pop("is_error", None)
    out["content"], images = _content(message)
    if images:
        out["images"] = images
    if message.get("tool_calls"):
        out["tool_calls"] = [_called(call) for call in chat_shape.calls(message)]
        if thought := text(message.get("reasoning_content")):
            out["thinking"] = thought
    name = called.get(text(message.get("tool_call_id"))) or text(message.get("name"))
    if role == "tool" and name and not message.get("tool_name"):
        out["tool_name"] = name
    return out


def _called(call: chat_shape.Call) -> dict[str, Any]:
    raw = {key: value for key, value in call.raw.items() if key != "extra_content"}
    return raw | {"function": {**call.raw["function"], "arguments": call.arguments}}


def _content(message: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The text of a message, and its images in base64."""
    words: list[str] = []
    images: list[str] = list(message.get("images") or ())
    for part in chat_shape.parts(message.get("content")):
        if part.get("type") == "text":
            words.append(text(part.get("text")))
            continue
        media = chat_shape.media(part)
        if media is None or part.get("type") != "image_url":
            raise chat_shape.strange(part, _API)
        if not media.base64:
            raise UsageError(
                f"{_API} takes images as data, not by address: {media.url[:60]!r}.",
                hint="Give the image as a file.",
            )
        images.append(media.base64)
    return "\n".join(words), images


# --- what comes back -----------------------------------------------------------------------------


class _PlainMessage(msgspec.Struct, forbid_unknown_fields=True):
    content: str = ""
    thinking: str = ""
    role: str | None = None


class _PlainLine(msgspec.Struct):
    done: bool
    message: _PlainMessage | None = None
    response: str = ""
    thinking: str = ""
    logprobs: None = None
    error: None = None


# One call in C for what is 99 % of a stream; whatever does not fit it takes the long way.
_PLAIN = msgspec.json.Decoder(_PlainLine)

_KNOWN = {"created_at", "done", "message", "model", "response"}


class _Grammar:
    """Lines of a chat, or of a generated text: they differ in where the text is."""

    __slots__ = ("_calls", "_joiner", "_raw", "finished", "seen")

    def __init__(self) -> None:
        self._joiner = SurrogateJoiner()
        self._calls = 0
        self._raw = ""
        self.seen = False
        self.finished = False

    def plain(self, data: bytes, out: list[Event]) -> bool:
        """As `Grammar.plain`."""
        try:
            line = _PLAIN.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        if line.done:
            return False
        if (message := line.message) is None:
            self._text(line.thinking, line.response, out)
        elif line.response or line.thinking:
            return False
        else:
            self._text(message.thinking, message.content, out)
        return True

    def payload(self, payload: dict[str, Any], out: list[Event]) -> bool:
        """As `Grammar.payload`."""
        message = payload.get("message")
        if isinstance(message, str) or not payload.keys() & _KNOWN:
            return False
        self._text(dig(message, "thinking"), dig(message, "content"), out)
        self._text(payload.get("thinking"), payload.get("response"), out)
        for call in dicts(dig(message, "tool_calls")):
            self._call(call, out)
        if tokens := token_logprobs(payload.get("logprobs")):
            out.append(Logprobs(tokens))
        if payload.get("done") is True:
            self._done(payload, out)
        return True

    def done(self, out: list[Event]) -> None:
        """As `Grammar.done`: not of this API."""

    def close(self, out: list[Event]) -> Finish:
        """As `Grammar.close`."""
        if rest := self._joiner.close():
            out.append(TextDelta(rest))
        if not self.finished:
            return Finish("truncated")
        if self._calls and self._raw in ("", "stop"):
            return Finish("tool_calls", self._raw)
        return Finish(_REASONS.get(self._raw, "stop"), self._raw)  # also load, unload

    def _text(self, thinking: Any, answer: Any, out: list[Event]) -> None:
        if thought := text(thinking):
            self.seen = True
            out.append(ReasoningDelta(thought))
        if isinstance(answer, str) and answer:
            self.seen = True
            if piece := self._joiner.feed(answer):
                out.append(TextDelta(piece))

    def _call(self, call: dict[str, Any], out: list[Event]) -> None:
        # Always whole, with or without an index and an id: so each is a call of its own.
        self.seen = True
        given = dig(call, "function", "arguments")
        index = self._calls
        self._calls += 1
        out.append(ToolCallStart(index, text(call.get("id")), text(dig(call, "function", "name"))))
        if piece := chat_shape.arguments({} if given is None else given):
            out.append(ToolCallDelta(index, piece))
        out.append(ToolCallEnd(index))

    def _done(self, payload: dict[str, Any], out: list[Event]) -> None:
        self.finished = True
        self._raw = text(payload.get("done_reason"))
        raw = {
            key: value
            for key, value in payload.items()
            if key.endswith(("_count", "_duration")) and count(value) is not None
        }
        if not raw:
            return  # a model was loaded or unloaded, no more
        # A count that is 0 is left out: a prompt that was all in the cache.
        prompt, answer = count(raw.get("prompt_eval_count")), count(raw.get("eval_count"))
        out.append(Usage(input_tokens=prompt, output_tokens=answer, raw=raw))
        if any(key.endswith("_duration") for key in raw):
            out.append(Notice("timings", json.dumps(raw)))  # durations in ns


CHAT = Dialect(
    path=lambda _: "/api/chat",
    body=_chat_body,
    decoder=lambda: JsonStream(_Grammar()),
    models="/api/tags",
)
GENERATE = Dialect(
    path=lambda _: "/api/generate",
    body=_generate_body,
    decoder=lambda: JsonStream(_Grammar()),
    models="/api/tags",
    tools=False,
)
