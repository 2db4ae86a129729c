"""
Messages of an endpoint nobody described: JSON or plain text, over a WebSocket.

What such messages usually look like is taken for what it says; any other is a `Notice`, so that
people see what came. Plain text arrives as a JSON string; the close of the socket as
`{"type": "closed", "code": 1000}`, and a regular close is the end of an answer.
Events of OpenAI's Responses and Realtime APIs are read as those.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ipyllm.dialects import Dialect
from ipyllm.events import (
    Event,
    Finish,
    FinishReason,
    Notice,
    ReasoningDelta,
    TextDelta,
    Usage,
)
from ipyllm.wire.chat_shape import arguments
from ipyllm.wire.complaint import Complaint
from ipyllm.wire.fields import count, dicts, dig, text
from ipyllm.wire.json_stream import JsonStream
from ipyllm.wire.responses import ResponsesGrammar
from ipyllm.wire.surrogates import SurrogateJoiner

if TYPE_CHECKING:
    from ipyllm.request import Request

__all__ = ("MESSAGES",)

_SHOWN = 200  # characters of an unknown message that are repeated

# Where messages have their text, their reasoning and other messages; the first that has some counts.
_TEXTS = (
    *("content", "text", "token", "response", "output_text", "output", "answer", "chunk"),
    *("completion", "generated_text", "transcript"),
)
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thought")
_INNER = ("delta", "message", "data", "payload", "result", "content_block")
_KINDS = ("type", "event", "kind", "op")
_WORDS = ("finish_reason", "stop_reason", "done_reason", "finishReason")
_FLAGS = (
    *("done", "finished", "stop", "is_end", "is_final", "final", "end", "complete", "completed"),
    *("is_finished", "isFinished", "end_of_stream", "eos", "last"),
)

_TELLING = {*_WORDS, *_FLAGS}

_END = re.compile(
    r"((message|response|run|stream|generation|chat|completion|answer|turn)[._\-: ]?)?"
    r"(done|end(ed)?|stop(ped)?|completed?|finish(ed)?|eos|eot|final)|\[done\]",
    re.IGNORECASE,
)
_FAILED = re.compile(r"(^|[._\-: ])(error|fail(ed|ure)?|exception)$", re.IGNORECASE)
# Of something else than the answer.
_QUIET = re.compile(
    r"(^|[^a-z])(start|begin|status|info|log|ping|pong|heartbeat|keep.?alive|connect|ready|session"
    r"|progress|input|user|tool|function|audio|image|usage|metric|meta|system|echo|ack|created"
    r"|queue|signature|subscri|welcome)",
    re.IGNORECASE,
)
_ALIVE = re.compile("ping|pong|heartbeat|keep.?alive", re.IGNORECASE)
_THINKS = re.compile("reason|think|thought", re.IGNORECASE)
_WHOLE = re.compile(r"[._\-](done|stop|end|complete|completed)$", re.IGNORECASE)
_REASONS: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "limit": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "refusal",
    "error": "error",
}
_COUNTS = (
    ("prompt_tokens", "completion_tokens"),
    ("input_tokens", "output_tokens"),
    ("prompt_eval_count", "eval_count"),
    ("tokens_evaluated", "tokens_predicted"),
    ("promptTokenCount", "candidatesTokenCount"),
)


def _body(request: Request) -> dict[str, Any]:
    """The first message to send."""
    messages = [dict(message) for message in request.messages]
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    out: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    if request.tools:
        out["tools"] = list(request.tools)
    return out | dict(request.params)


_PLAIN = msgspec.json.Decoder(str)


class _Grammar:
    """Any messages: an end is what says so, or a regular close after something of an answer."""

    __slots__ = ("_closed", "_finish", "_joiner", "_openai", "_raw", "finished", "seen")

    def __init__(self) -> None:
        self._joiner = SurrogateJoiner()
        self._openai = ResponsesGrammar()
        self._finish: FinishReason | None = None
        self._raw = ""
        self._closed = False
        self.seen = False
        self.finished = False

    def plain(self, data: bytes, out: list[Event]) -> bool:
        """As `Grammar.plain`: a message of plain text."""
        if not data.startswith(b'"'):
            known = data.startswith(b'{"type":"response.') and self._openai.plain(data, out)
            self.seen = self.seen or self._openai.seen
            return known
        try:
            said = _PLAIN.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        if said.startswith("[DONE]"):
            return False
        self._answer(said, out)
        return True

    def payload(self, payload: dict[str, Any], out: list[Event]) -> bool:
        """As `Grammar.payload`."""
        kind = _kind(payload)
        if kind == "closed" and "code" in payload:
            self._closed = payload["code"] == 1000
            self.finished = True
            return True
        if kind.startswith(("response.", "session.")):
            return self._theirs(payload, out)
        if kind == "error" and payload.get("error"):
            return self._theirs(payload, out)
        if payload == {"text": "[DONE]"}:
            self.done(out)
            return True
        if _is_failure(payload, kind):
            return self._failed(payload, kind, out)
        known = self._said(payload, kind, out)
        known = self._counted(payload, out) or known
        known = self._ended(payload, kind) or known
        if not known:
            out.append(Notice("message", _short(payload)))
        return True

    def done(self, out: list[Event]) -> None:
        """As `Grammar.done`."""
        del out
        self._closed = self.finished = True

    def close(self, out: list[Event]) -> Finish:
        """As `Grammar.close`."""
        if rest := self._joiner.close():
            out.append(TextDelta(rest))
        theirs = self._openai.close(out)
        if theirs.reason != "truncated":
            return theirs
        if self._finish:
            return Finish(self._finish, self._raw)
        return Finish("stop") if self._closed and self.seen else Finish("truncated")

    def _theirs(self, payload: dict[str, Any], out: list[Event]) -> bool:
        known = self._openai.payload(payload, out)
        self.seen = self.seen or self._openai.seen
        self.finished = self.finished or self._openai.finished
        return known

    def _failed(self, payload: dict[str, Any], kind: str, out: list[Event]) -> bool:
        complaint = Complaint.of(payload) or Complaint.of({"error": payload.get("data")})
        complaint = complaint or Complaint(_short(payload))
        self._finish, self._raw, self.finished = "error", kind, True
        out.append(complaint.event(payload))
        return True

    def _said(self, payload: dict[str, Any], kind: str, out: list[Event]) -> bool:
        """Give the text and the reasoning of a message; False if it has place for neither."""
        status = text(payload.get("status"))
        if self.seen and (_END.fullmatch(kind) or _is(_WHOLE, kind) or _END.fullmatch(status)):
            return True  # what came in pieces, once more
        if (payload.get("role") or dig(payload, "message", "role")) in ("user", "system", "tool"):
            return False
        if _is(_QUIET, kind) and not _is(_THINKS, kind):
            return bool(_ALIVE.search(kind))
        found, thought = _words(payload, _THOUGHTS), _words(payload, _TEXTS)
        if _is(_THINKS, kind):
            found, thought = found or thought, None
        if found:
            self.seen = True
            out.append(ReasoningDelta(text(found)))
        if thought:
            self._answer(thought, out)
        return found is not None or thought is not None

    def _answer(self, said: str, out: list[Event]) -> None:
        if said and (piece := self._joiner.feed(said)):
            out.append(TextDelta(piece))
        self.seen = self.seen or bool(said)

    def _counted(self, payload: dict[str, Any], out: list[Event]) -> bool:
        places = (payload.get("usage"), payload.get("usageMetadata"), payload)
        for found in (*places, dig(payload, "message", "usage"), dig(payload, "data", "usage")):
            for read, written in _COUNTS if isinstance(found, dict) else ():
                counts = count(dig(found, read)), count(dig(found, written))
                if counts != (None, None):
                    raw = cast("dict[str, Any]", found) if found is not payload else {}
                    out.append(Usage(*counts, raw=raw))
                    return True
        return False

    def _ended(self, payload: dict[str, Any], kind: str) -> bool:
        choice = next(iter(dicts(payload.get("choices"))), None)
        self._raw = text(dig(payload, "delta", "stop_reason")) or self._raw  # Anthropic's way
        ends = [payload, choice, dig(payload, "data"), dig(payload, "message")]
        ends = [end for end in dicts(ends) if end.keys() & _TELLING]
        raws = (text(dig(end, word)) for end in ends for word in _WORDS)
        raw = next(filter(None, raws), "")
        status = text(payload.get("status"))
        says = next((said for said in (kind, status) if _END.fullmatch(said)), "")
        flags = any(dig(end, flag) is True for end in ends for flag in _FLAGS)
        if not (raw or says or flags):
            return choice is not None
        self._raw = raw or self._raw or says
        self._finish = _REASONS.get(self._raw, "stop")
        self.finished = True
        return True


@lru_cache(maxsize=64)  # a stream has a handful of types; four searches in each message cost 6 us
def _is(pattern: re.Pattern[str], kind: str) -> bool:
    return bool(pattern.search(kind))


def _kind(payload: dict[str, Any]) -> str:
    return next(filter(None, (text(payload.get(key)) for key in _KINDS)), "")[:100]


def _is_failure(payload: dict[str, Any], kind: str) -> bool:
    if _is(_FAILED, kind) or _is(_FAILED, text(payload.get("status"))[:100]):
        return True
    # API Gateway and the like: a message beside no type, and no text.
    said = isinstance(payload.get("message"), str) or bool(payload.get("detail"))
    return said and not kind and not payload.keys() & {*_TEXTS, *_THOUGHTS, "choices", *_FLAGS}


def _words(found: Any, names: tuple[str, ...], depth: int = 0) -> str | None:
    """The text under one of these names, here or one message further in; None if there is none."""
    if isinstance(found, str):
        return found if depth else None
    if isinstance(found, list):  # parts
        parts = [_words(part, names, depth) for part in dicts(cast("list[Any]", found))]
        return "".join(filter(None, parts)) if parts else None
    if not isinstance(found, dict) or depth > 3:
        return None
    message = cast("dict[str, Any]", found)
    said: str | None = None
    for name in names:
        if name not in message:
            continue
        if (one := _words(message.get(name), names, depth + 1)) is not None:
            said = one
        if said:
            return said
    inner = [message[name] for name in _INNER if name in message] + dicts(message.get("choices"))[
        :1
    ]
    for one in inner:
        # A plain string there is text of the answer, never what was thought.
        if isinstance(one, str) and names is _THOUGHTS:
            continue
        if (further := _words(one, names, depth + 1)) is not None:
            said = said or further
        if said:
            return said
    return said


def _short(payload: dict[str, Any]) -> str:
    return arguments(payload)[:_SHOWN]


MESSAGES = Dialect(
    path=lambda _: "",
    body=_body,
    decoder=lambda: JsonStream(_Grammar()),
    models="",
    typed=False,
    tools=False,  # `body` sends them on, but nothing tells a call from any other message
)
