"""
OpenAI's legacy completions: a prompt in, its continuation out. Also of vLLM and llama.cpp.

https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

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
    TextDelta,
    Usage,
)
from ipyllm.wire.chat_shape import arguments
from ipyllm.wire.fields import count, dicts, dig, text
from ipyllm.wire.json_stream import JsonStream
from ipyllm.wire.logprobs import is_logprob, token_logprobs
from ipyllm.wire.surrogates import SurrogateJoiner
from ipyllm.wire.transcript import transcript

if TYPE_CHECKING:
    from ipyllm.request import Request

__all__ = ("COMPLETIONS",)

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "error": "error",
}


def _body(request: Request) -> dict[str, Any]:
    """The JSON to send: a prompt (see `transcript`), streaming, with usage at the end."""
    out: dict[str, Any] = {"model": request.model}
    if "prompt" not in request.params:
        out["prompt"] = transcript(request, "The completions API")
    out |= {"stream": True, "stream_options": {"include_usage": True}}
    return out | dict(request.params)


class _PlainChoice(msgspec.Struct):
    text: str
    index: int = 0
    finish_reason: None = None
    logprobs: None = None
    reasoning: None = None


class _PlainChunk(msgspec.Struct):
    choices: tuple[_PlainChoice]
    usage: None = None
    error: None = None
    prompt_progress: None = None
    timings: None = None


# As in `openai_chat`: what 99 % of a stream is, decoded in one call.
_PLAIN = msgspec.json.Decoder(_PlainChunk)


class _Grammar:
    """Completion chunks, or one whole completion."""

    __slots__ = ("_joiner", "_others", "_reasons", "finished", "seen")

    def __init__(self) -> None:
        self._joiner = SurrogateJoiner()
        self._others: dict[int, SurrogateJoiner] = {}  # of the choices beside the answer
        self._reasons: dict[int, str] = {}  # finish_reason of each choice; held: usage comes later
        self.seen = False
        self.finished = False

    def plain(self, data: bytes, out: list[Event]) -> bool:
        """As `Grammar.plain`."""
        try:
            (choice,) = _PLAIN.decode(data).choices
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        if choice.index:
            return False
        self._answer(choice.text, out)
        return True

    def payload(self, payload: dict[str, Any], out: list[Event]) -> bool:
        """As `Grammar.payload`."""
        if not payload.keys() & {"choices", "usage", "prompt_progress"}:
            return False
        progress = payload.get("prompt_progress")
        if isinstance(progress, dict):
            read, total = count(dig(progress, "processed")), count(dig(progress, "total"))
            out.append(Progress(read or 0, total or 0))
        for choice in dicts(payload.get("choices")):
            self._choice(choice, out)
        if isinstance(usage := payload.get("usage"), dict):
            out.append(_usage(cast("dict[str, Any]", usage)))
        if payload.get("timings"):
            out.append(Notice("timings", arguments(payload["timings"])))
        return True

    def done(self, out: list[Event]) -> None:
        """As `Grammar.done`."""
        del out
        self.finished = True

    def close(self, out: list[Event]) -> Finish:
        """As `Grammar.close`."""
        if rest := self._joiner.close():
            out.append(TextDelta(rest))
        raw = self._reasons.get(0, "")
        if self.finished:  # some give a finish_reason to their last choice only
            raw = raw or next(iter(self._reasons.values()), "")
        elif self._others.keys() - self._reasons.keys():
            raw = ""  # another choice was cut off
        if raw:
            return Finish(_REASONS.get(raw, "stop"), raw)
        # As with chat: `[DONE]` proves an answer, but nothing followed by `[DONE]` is none.
        return Finish("stop") if self.finished and self.seen else Finish("truncated")

    def _choice(self, choice: dict[str, Any], out: list[Event]) -> None:
        index = count(choice.get("index")) or 0
        piece = choice.get("text")
        if not isinstance(piece, str):  # chat's shape at the address of completions
            piece = dig(choice, "delta", "content") or dig(choice, "message", "content")
        if index == 0:
            if thought := text(choice.get("reasoning")):
                self.seen = True
                out.append(ReasoningDelta(thought))
            self._answer(piece if isinstance(piece, str) else "", out)
            if tokens := _logprobs(choice.get("logprobs")):
                out.append(Logprobs(tokens))
        elif isinstance(piece, str) and piece:
            joiner = self._others.setdefault(index, SurrogateJoiner())
            if piece := joiner.feed(piece):
                out.append(ChoiceDelta(index, piece))
        if reason := text(choice.get("finish_reason")):
            self._reasons[index] = reason

    def _answer(self, piece: str, out: list[Event]) -> None:
        if piece and (whole := self._joiner.feed(piece)):
            out.append(TextDelta(whole))
        self.seen = self.seen or bool(piece)


def _logprobs(logprobs: Any) -> tuple[tuple[str, float], ...]:
    if listed := token_logprobs(dig(logprobs, "content")):  # llama.cpp: as in chat
        return listed
    tokens, values = dig(logprobs, "tokens"), dig(logprobs, "token_logprobs")
    if not (isinstance(tokens, list) and isinstance(values, list)):
        return ()
    # The first token of an echoed prompt has none: null.
    pairs = zip(cast("list[Any]", tokens), cast("list[Any]", values), strict=False)
    return tuple((text(token), float(value)) for token, value in pairs if is_logprob(value))


def _usage(usage: dict[str, Any]) -> Usage:
    return Usage(
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        reasoning_tokens=count(dig(usage, "completion_tokens_details", "reasoning_tokens")),
        cached_tokens=count(dig(usage, "prompt_tokens_details", "cached_tokens")),
        raw=usage,
    )


COMPLETIONS = Dialect(
    path=lambda _: "/completions",
    body=_body,
    decoder=lambda: JsonStream(_Grammar()),
    # llama.cpp takes `json_schema`, vLLM `response_format`, and OpenAI refuses both.
    typed=False,
    tools=False,
)
