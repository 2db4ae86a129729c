"""
OpenAI Chat Completions, and the many services that speak it with an accent.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from ipyllm.dialects import Dialect
from ipyllm.events import (
    ChoiceDelta,
    Event,
    Finish,
    FinishReason,
    Logprobs,
    Notice,
    Progress,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    Usage,
)
from ipyllm.structured.response_format import named
from ipyllm.wire.call_slots import CallSlots
from ipyllm.wire.chat_shape import parts
from ipyllm.wire.fields import count, dicts, dig, text
from ipyllm.wire.json_stream import JsonStream
from ipyllm.wire.logprobs import token_logprobs
from ipyllm.wire.said import without_carried
from ipyllm.wire.surrogates import SurrogateJoiner

if TYPE_CHECKING:
    from ipyllm.request import Message, Request

__all__ = ("CHAT",)

# Every name under which a service was seen to send reasoning beside `content`.
_REASONING = ("reasoning_content", "reasoning", "thinking")

# "The `reasoning_content` in the thinking mode must be passed back to the API" with its calls, DeepSeek
# says, Moonshot and Z.ai too; others refuse what they do not know.
_REMEMBERING = re.compile(r"deepseek|kimi|glm", re.IGNORECASE)

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "refusal",
    "error": "error",
}


def _body(request: Request) -> dict[str, Any]:
    """The JSON to send: streaming, with usage at the end."""
    messages = _messages(request)
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    out: dict[str, Any] = {
        "model": request.model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        out["tools"] = list(request.tools)
    if request.schema is not None:
        out["response_format"] = {"type": "json_schema", "json_schema": named(request)}
    return out | dict(request.params)


def _messages(request: Request) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    pictures: list[dict[str, Any]] = []  # of the results just before
    for message in request.messages:
        if message.get("role") == "tool":
            out.append(_result(message, pictures))
            continue
        _show(pictures, out)
        calls = message.get("role") == "assistant" and message.get("tool_calls")
        out.append(_assistant(message, request.model) if calls else without_carried(message))
    _show(pictures, out)
    return out


def _assistant(message: Message, model: str) -> dict[str, Any]:
    """An answer with calls: `content` is null where there is no text; many refuse an empty one."""
    calls: Iterable[dict[str, Any]] = message["tool_calls"]
    if "gemini" not in model:  # Google's signature; others refuse what they do not know
        calls = [{key: call[key] for key in call if key != "extra_content"} for call in calls]
    out = without_carried(message)
    if _REMEMBERING.search(model) and "reasoning_content" in message:
        out["reasoning_content"] = message["reasoning_content"]
    return out | {"content": message.get("content") or None, "tool_calls": list(calls)}


def _result(message: Message, pictures: list[dict[str, Any]]) -> dict[str, Any]:
    """
    A result, as text; what else there is in it goes to `pictures`.

    "For tool messages, only type `text` is supported."
    """
    out = {key: value for key, value in message.items() if key != "is_error"}
    if not isinstance(message.get("content"), list):
        return out
    found = parts(message["content"])
    pictures += [part for part in found if part.get("type") != "text"]
    words = [text(part.get("text")) for part in found if part.get("type") == "text"]
    return out | {"content": "\n".join(words) or "(see below)"}


def _show(pictures: list[dict[str, Any]], out: list[dict[str, Any]]) -> None:
    """A message of the user with what the results had beside text; between results none may stand."""
    if pictures:
        out.append({"role": "user", "content": list(pictures)})
        pictures.clear()


class _PlainDelta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What nearly every delta is: a piece of text, beside fields that are null."""

    content: str | None = None
    role: str | None = None
    refusal: None = None
    tool_calls: None = None
    reasoning_content: None = None
    reasoning: None = None


class _PlainChoice(msgspec.Struct, gc=False):
    delta: _PlainDelta
    index: Literal[0] = 0
    finish_reason: None = None
    logprobs: None = None


class _PlainChunk(msgspec.Struct, gc=False):
    choices: tuple[_PlainChoice]
    usage: None = None
    error: None = None
    prompt_progress: None = None
    timings: None = None
    x_groq: None = None


# One call in C for the one shape that is 99 % of a stream: 0.6 us instead of 9 for JSON,
# dictionaries and the looks into them. Whatever does not fit it takes the long way.
_PLAIN = msgspec.json.Decoder(_PlainChunk)


class _Grammar:
    """Chat completion chunks, or one whole chat completion."""

    __slots__ = ("_calls", "_joiner", "_others", "_reasons", "_thoughts", "finished", "seen")

    def __init__(self) -> None:
        self._joiner = SurrogateJoiner()
        self._thoughts = SurrogateJoiner()
        self._others: dict[int, SurrogateJoiner] = {}  # of the choices beside the answer
        self._calls = CallSlots()
        self._reasons: dict[int, str] = {}  # finish_reason of each choice; held: usage comes later
        self.seen = False
        self.finished = False

    def plain(self, data: bytes, out: list[Event]) -> bool:
        """As `Grammar.plain`."""
        try:
            (choice,) = _PLAIN.decode(data).choices
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        content = choice.delta.content
        if content and content.isascii() and not (self._joiner.high or self._thoughts.high):
            out.append(TextDelta(content))
            self.seen = True
        elif content:
            self._answer(content, out)
        return True

    def payload(self, payload: dict[str, Any], out: list[Event]) -> bool:
        """As `Grammar.payload`."""
        choices = payload.get("choices")
        if (
            not choices
            and payload.get("object") in (None, "error")
            and not payload.keys() & {"usage", "prompt_filter_results", "prompt_progress"}
        ):
            return False
        progress = payload.get("prompt_progress")
        if isinstance(progress, dict):
            read, total = count(dig(progress, "processed")), count(dig(progress, "total"))
            out.append(Progress(read or 0, total or 0))
        for choice in dicts(choices):
            self._choice(choice, out)
        usage = payload.get("usage") or dig(payload, "x_groq", "usage")
        if isinstance(usage, dict):
            out.append(_usage(cast("dict[str, Any]", usage)))
        if payload.get("timings"):
            out.append(Notice("timings", json.dumps(payload["timings"])))
        return True

    def done(self, out: list[Event]) -> None:
        """As `Grammar.done`."""
        del out
        self.finished = True

    def close(self, out: list[Event]) -> Finish:
        """As `Grammar.close`."""
        if rest := self._thoughts.close():
            out.append(ReasoningDelta(rest))
        if rest := self._joiner.close():
            out.append(TextDelta(rest))
        out += self._calls.end()
        raw = self._reasons.get(0, "")
        if self.finished:  # some give a finish_reason to their last choice only
            raw = raw or next(iter(self._reasons.values()), "")
        elif self._others.keys() - self._reasons.keys():
            raw = ""  # another choice was cut off
        if raw:
            return Finish(_REASONS.get(raw, "stop"), raw)
        # `[DONE]` after an answer, but never a finish_reason: Snowflake ends so. `[DONE]`
        # and nothing else: vLLM failing before its first token.
        return Finish("stop") if self.finished and self.seen else Finish("truncated")

    def _choice(self, choice: dict[str, Any], out: list[Event]) -> None:
        index = count(choice.get("index")) or 0
        delta = choice.get("delta")
        if not isinstance(delta, dict) and not (index in self._others if index else self.seen):
            delta = choice.get("message")  # a whole completion; some repeat it at a stream's end
        if index == 0:
            if isinstance(delta, dict):
                self._delta(cast("dict[str, Any]", delta), out)
            if tokens := token_logprobs(dig(choice, "logprobs", "content")):
                out.append(Logprobs(tokens))
        elif content := dig(delta, "content"):
            joiner = self._others.setdefault(index, SurrogateJoiner())
            if isinstance(content, str) and (piece := joiner.feed(content)):
                out.append(ChoiceDelta(index, piece))
        if reason := text(choice.get("finish_reason")):  # "" on every chunk: old Ollama
            self._reasons[index] = reason

    def _delta(self, delta: dict[str, Any], out: list[Event]) -> None:
        for name in _REASONING:
            if isinstance(thought := delta.get(name), str) and thought:
                self.seen = True
                if thought := self._thoughts.feed(thought):
                    out.append(ReasoningDelta(thought))
                break
        content = delta.get("content")
        if isinstance(content, str):
            self._answer(content, out)
        else:
            for part in dicts(content):
                self._part(part, out)
        if words := text(delta.get("refusal")):
            self.seen = True
            out.append(RefusalDelta(words))
        for call in dicts(delta.get("tool_calls")):
            self.seen = True
            out += self._calls.add(call)
            # https://ai.google.dev/gemini-api/docs/thought-signatures#openai
            if signature := text(dig(call, "extra_content", "google", "thought_signature")):
                out.append(Notice("signature", signature))
        if isinstance(call := delta.get("function_call"), dict):  # before there were tools
            self.seen = True
            out += self._calls.add({"index": 0, "function": call})

    def _answer(self, content: str, out: list[Event]) -> None:
        if content and (half := self._thoughts.close()):
            out.append(ReasoningDelta(half))
        if content and (piece := self._joiner.feed(content)):
            out.append(TextDelta(piece))
        self.seen = self.seen or bool(content)

    def _part(self, part: dict[str, Any], out: list[Event]) -> None:
        # Mistral: [{"type": "thinking", "thinking": [{"type": "text", ...}]}, {"type": "text", ...}]
        thinking = part.get("thinking")
        if isinstance(thinking, str):
            thinking = [{"text": thinking}]
        if not isinstance(thinking, list):
            if isinstance(part.get("text"), str):
                self._answer(part["text"], out)
            return
        if thought := "".join(text(item.get("text")) for item in dicts(thinking)):
            self.seen = True
            out.append(ReasoningDelta(thought))


def _usage(usage: dict[str, Any]) -> Usage:
    return Usage(
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        reasoning_tokens=count(dig(usage, "completion_tokens_details", "reasoning_tokens")),
        cached_tokens=count(
            dig(usage, "prompt_tokens_details", "cached_tokens")
            if "prompt_cache_hit_tokens" not in usage
            else usage["prompt_cache_hit_tokens"]  # DeepSeek
        ),
        raw=usage,
    )


CHAT = Dialect(
    path=lambda _: "/chat/completions", body=_body, decoder=lambda: JsonStream(_Grammar())
)
