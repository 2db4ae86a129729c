"""
OpenAI Chat Completions, and the many services that speak it with an accent.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ipyllm.events import (
    Event,
    Finish,
    FinishReason,
    Notice,
    Progress,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    TextDelta,
    Usage,
)
from ipyllm.wire.call_slots import CallSlots
from ipyllm.wire.complaint import Complaint
from ipyllm.wire.sse import Frame, SseDecoder
from ipyllm.wire.surrogates import SurrogateJoiner

if TYPE_CHECKING:
    from ipyllm.request import Request

__all__ = ("PATH", "Decoder", "body")

PATH = "/chat/completions"

# Every name under which a service was seen to send reasoning beside `content`.
_REASONING = ("reasoning_content", "reasoning", "thinking")

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


def body(request: Request) -> dict[str, Any]:
    """The JSON to send: streaming, with usage at the end."""
    messages = [dict(message) for message in request.messages]
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
    return out | dict(request.params)


class _PlainDelta(msgspec.Struct, forbid_unknown_fields=True):
    """What nearly every delta is: a piece of text, beside fields that are null."""

    content: str | None = None
    role: str | None = None
    refusal: None = None
    tool_calls: None = None
    reasoning_content: None = None
    reasoning: None = None


class _PlainChoice(msgspec.Struct):
    delta: _PlainDelta
    index: int = 0
    finish_reason: None = None


class _PlainChunk(msgspec.Struct):
    choices: tuple[_PlainChoice]
    usage: None = None
    error: None = None
    prompt_progress: None = None
    timings: None = None
    x_groq: None = None


# One call in C for the one shape that is 99 % of a stream: 0.6 us instead of 9 for JSON,
# dictionaries and the looks into them. Whatever does not fit it takes the long way.
_PLAIN = msgspec.json.Decoder(_PlainChunk)


class Decoder:
    """Chat completion chunks (or one whole chat completion) to events."""

    __slots__ = (
        "_calls",
        "_failed",
        "_joiner",
        "_raw",
        "_seen",
        "_sse",
        "_started",
        "_tail",
        "finished",
    )

    def __init__(self) -> None:
        self._sse = SseDecoder()
        self._joiner = SurrogateJoiner()
        self._calls = CallSlots()
        self._raw: str | None = None  # finish_reason as sent; held: usage comes after it
        self._seen = False  # anything of the answer came
        self._failed = False
        self._started = False  # the first byte that is no white space came
        self._tail = bytearray()  # a body that is no event stream but one JSON object
        self.finished = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Take bytes, cut anywhere. Raises: ProtocolError."""
        if not self._started and (first := chunk.lstrip()[:1]):
            self._started = True
            if first in b"{[":
                self._tail += chunk.lstrip()
                return []
        if self._tail:
            self._tail += chunk
            return []
        out: list[Event] = []
        comments = self._sse.comments
        for frame in self._sse.feed(chunk):
            if not self.finished:
                self._frame(frame, out)
        if self._sse.comments > comments:
            out.append(Notice("comment", ""))
        return out

    def close(self) -> list[Event]:
        """What is still held, and the `Finish`: `truncated` without a proof of the end."""
        out: list[Event] = []
        if self._tail:
            # Error JSON without `data:`, and then `data: [DONE]`, was seen.
            self._frame(Frame("", bytes(self._tail).partition(b"\ndata:")[0]), out)
        for frame in self._sse.close():
            if not self.finished and not _is_cut(frame.data):
                self._frame(frame, out)
        page = b"\n".join(self._sse.unknown)
        if not (self._seen or self._failed or self.finished or b"data".startswith(page)):
            # Error JSON without `data:` inside a 200 event stream was seen.
            self._frame(Frame("", page), out)
        if rest := self._joiner.close():
            out.append(TextDelta(rest))
        out += self._calls.end()
        out.append(Finish(*self._outcome()))
        return out

    def _outcome(self) -> tuple[FinishReason, str]:
        if self._failed:
            return "error", self._raw or ""
        if self._raw:
            return _REASONS.get(self._raw, "stop"), self._raw
        # `[DONE]` after an answer, but never a finish_reason: Snowflake ends so. `[DONE]`
        # and nothing else: vLLM failing before its first token.
        return ("stop", "") if self.finished and self._seen else ("truncated", "")

    def _frame(self, frame: Frame, out: list[Event]) -> None:
        try:
            (choice,) = _PLAIN.decode(frame.data).choices
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._any_frame(frame, out)
            return
        if choice.index == 0 and choice.delta.content:
            self._answer(choice.delta.content, out)

    def _any_frame(self, frame: Frame, out: list[Event]) -> None:
        if frame.data.startswith(b"[DONE]"):
            self.finished = True
            return
        try:
            # bytes to json.loads would be sniffed for an encoding, and fail on a bad byte.
            payload = json.loads(frame.data.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            if self._seen or self._failed:
                out.append(Notice("malformed", frame.data[:200].decode("utf-8", "replace")))
            else:
                seen = frame.data[:200].decode("utf-8", "replace")
                self._fail(out, "ProtocolError", f"The stream is not JSON: {seen!r}", "", None)
            return
        if isinstance(payload, dict):
            self._chunk(cast("dict[str, Any]", payload), out)
        elif complaint := Complaint.of(payload):
            self._fail(out, "ServerError", complaint.message, complaint.code, payload)

    def _chunk(self, chunk: dict[str, Any], out: list[Event]) -> None:
        choices = chunk.get("choices")
        if chunk.get("error") or (
            not choices and chunk.get("object") in (None, "error") and "usage" not in chunk
        ):
            complaint = Complaint.of(chunk)
            if complaint:
                self._fail(out, "ServerError", complaint.message, complaint.code, chunk)
                return
        progress = chunk.get("prompt_progress")
        if isinstance(progress, dict):
            progress = cast("dict[str, Any]", progress)
            out.append(Progress(_int(progress.get("processed")), _int(progress.get("total"))))
        for choice in cast("list[Any]", choices) if isinstance(choices, list) else []:
            if isinstance(choice, dict):
                self._choice(cast("dict[str, Any]", choice), out)
        usage = chunk.get("usage") or _dig(chunk, "x_groq", "usage")
        if isinstance(usage, dict):
            out.append(_usage(cast("dict[str, Any]", usage)))
        if chunk.get("timings"):
            out.append(Notice("timings", json.dumps(chunk["timings"])))

    def _choice(self, choice: dict[str, Any], out: list[Event]) -> None:
        if choice.get("index"):
            return  # choice 0 is the answer
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            self._delta(cast("dict[str, Any]", delta), out)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:  # "" on every chunk: old Ollama
            self._raw = reason

    def _delta(self, delta: dict[str, Any], out: list[Event]) -> None:
        for name in _REASONING:
            if text := _text(delta.get(name)):
                self._seen = True
                out.append(ReasoningDelta(_whole(text)))
                break
        content = delta.get("content")
        if isinstance(content, str):
            self._answer(content, out)
        elif isinstance(content, list):
            self._parts(cast("list[Any]", content), out)
        if text := _text(delta.get("refusal")):
            self._seen = True
            out.append(RefusalDelta(_whole(text)))
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            for call in cast("list[Any]", calls):
                if isinstance(call, dict):
                    self._seen = True
                    out += self._calls.add(cast("dict[str, Any]", call))

    def _answer(self, content: str, out: list[Event]) -> None:
        if content and (text := self._joiner.feed(content)):
            out.append(TextDelta(text))
        self._seen = self._seen or bool(content)

    def _parts(self, parts: list[Any], out: list[Event]) -> None:
        # Mistral: [{"type": "thinking", "thinking": [{"type": "text", ...}]}, {"type": "text", ...}]
        for part in parts:
            thinking = _dig(part, "thinking")
            if isinstance(thinking, list):
                text = "".join(_text(_dig(x, "text")) for x in cast("list[Any]", thinking))
                if text:
                    self._seen = True
                    out.append(ReasoningDelta(_whole(text)))
            else:
                self._answer(_text(_dig(part, "text")), out)

    def _fail(self, out: list[Event], kind: str, message: str, code: str, raw: Any) -> None:
        self._failed = True
        out.append(StreamError(kind, message, code=code, raw=raw))


def _is_cut(data: bytes) -> bool:
    """Whether the stream ended within this event's JSON: half an event is no error of the service."""
    if not data.startswith((b"{", b"[")) or data.startswith(b"[DONE]"):
        return False
    try:
        json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return True
    return False


def _usage(usage: dict[str, Any]) -> Usage:
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        reasoning_tokens=_count(_dig(usage, "completion_tokens_details", "reasoning_tokens")),
        cached_tokens=_count(_dig(usage, "prompt_tokens_details", "cached_tokens")),
        raw=usage,
    )


def _dig(value: Any, *keys: str) -> Any:
    for key in keys:
        value = cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _int(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) else None
