"""
llama.cpp's own `/completion`: a prompt in, its continuation out.

https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md#post-completion-given-a-prompt-it-returns-the-predicted-completion
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

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
    TextDelta,
    Usage,
)
from ipyllm.structured.response_format import closed
from ipyllm.wire.chat_shape import arguments
from ipyllm.wire.fields import count, dicts, dig, text
from ipyllm.wire.json_stream import JsonStream
from ipyllm.wire.logprobs import is_logprob
from ipyllm.wire.surrogates import SurrogateJoiner
from ipyllm.wire.transcript import transcript

if TYPE_CHECKING:
    from ipyllm.request import Request

__all__ = ("COMPLETION",)

_REASONS: dict[str, FinishReason] = {"eos": "stop", "word": "stop", "limit": "length"}
_COUNTS = ("tokens_evaluated", "tokens_predicted", "tokens_cached", "timings")


def _body(request: Request) -> dict[str, Any]:
    """The JSON to send: a prompt (see `transcript`), streaming, with progress while it is read."""
    out: dict[str, Any] = {"model": request.model} if request.model else {}
    if "prompt" not in request.params:
        out["prompt"] = transcript(request, "llama.cpp's /completion")
    if request.schema is not None and "grammar" not in request.params:  # the two exclude each other
        out["json_schema"] = closed(request.schema)
    return out | {"stream": True, "return_progress": True} | dict(request.params)


class _PlainPiece(msgspec.Struct):
    content: str
    stop: bool
    index: int = 0
    error: None = None
    prompt_progress: None = None
    timings: None = None
    completion_probabilities: None = None


# As in `openai_chat`: what 99 % of a stream is, decoded in one call.
_PLAIN = msgspec.json.Decoder(_PlainPiece)


class _Grammar:
    """
    Pieces of one continuation, or of one for each prompt of a list.

    `finished` is never set, but by a `[DONE]` nobody sends: after the last piece of one prompt those
    of another may follow, and the server closes anyway.
    """

    __slots__ = ("_joiner", "_others", "_stops", "finished", "seen")

    def __init__(self) -> None:
        self._joiner = SurrogateJoiner()
        self._others: dict[int, SurrogateJoiner] = {}  # of the prompts after the first
        self._stops: dict[int, str] = {}  # why each stopped
        self.seen = False
        self.finished = False

    def plain(self, data: bytes, out: list[Event]) -> bool:
        """As `Grammar.plain`."""
        try:
            piece = _PLAIN.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        if piece.stop or piece.index:
            return False
        self._answer(piece.content, out)
        return True

    def payload(self, payload: dict[str, Any], out: list[Event]) -> bool:
        """As `Grammar.payload`."""
        if not payload.keys() & {"content", "stop", "prompt_progress"}:
            return False
        index = count(payload.get("index")) or 0
        progress = payload.get("prompt_progress")
        if isinstance(progress, dict) and index == 0:
            read, total = count(dig(progress, "processed")), count(dig(progress, "total"))
            out.append(Progress(read or 0, total or 0))
        content = payload.get("content")
        content = content if isinstance(content, str) else ""
        if index == 0:
            self._first(payload, content, out)
        elif content:
            joiner = self._others.setdefault(index, SurrogateJoiner())
            if piece := joiner.feed(content):
                out.append(ChoiceDelta(index, piece))
        if payload.get("stop") is True:
            self._stops[index] = _stop(payload)
        return True

    def done(self, out: list[Event]) -> None:
        """As `Grammar.done`."""
        del out
        self.finished = True

    def close(self, out: list[Event]) -> Finish:
        """As `Grammar.close`."""
        if rest := self._joiner.close():
            out.append(TextDelta(rest))
        raw = self._stops.get(0)
        if raw is None or self._others.keys() - self._stops.keys():
            return Finish("truncated")  # the answer, or that to another prompt, was cut off
        return Finish(_REASONS.get(raw, "stop"), raw)

    def _first(self, payload: dict[str, Any], content: str, out: list[Event]) -> None:
        self._answer(content, out)
        if tokens := _logprobs(payload.get("completion_probabilities")):
            out.append(Logprobs(tokens))
        if payload.get("stop") is True:
            out.append(_usage(payload))
        if payload.get("timings"):
            out.append(Notice("timings", arguments(payload["timings"])))

    def _answer(self, content: str, out: list[Event]) -> None:
        if content and (piece := self._joiner.feed(content)):
            out.append(TextDelta(piece))
        self.seen = self.seen or bool(content)


def _stop(payload: dict[str, Any]) -> str:
    if kind := text(payload.get("stop_type")):
        return kind
    # Builds of before December 2024 say it in booleans.
    return next((kind for kind in _REASONS if payload.get(f"stopped_{kind}") is True), "")


def _logprobs(listed: Any) -> tuple[tuple[str, float], ...]:
    out: list[tuple[str, float]] = []
    for one in dicts(listed):
        token = text(one.get("token")) or text(one.get("content"))
        logprob = one.get("logprob")
        if not is_logprob(logprob):
            logprob = _log(one.get("prob"), one.get("probs"), token)
        if logprob is not None:
            out.append((token, float(logprob)))
    return tuple(out)


def _log(prob: Any, probs: Any, token: str) -> float | None:
    """Of a probability: of the token (`post_sampling_probs`), or in a list of them (old builds)."""
    if prob is None:
        prob = next((p.get("prob") for p in dicts(probs) if p.get("tok_str") == token), None)
    return math.log(prob) if is_logprob(prob) and prob > 0 else None


def _usage(payload: dict[str, Any]) -> Usage:
    return Usage(
        input_tokens=count(payload.get("tokens_evaluated")),
        output_tokens=count(payload.get("tokens_predicted")),
        cached_tokens=count(dig(payload, "timings", "cache_n")),
        raw={name: payload[name] for name in _COUNTS if name in payload},
    )


COMPLETION = Dialect(
    path=lambda _: "/completion",
    body=_body,
    decoder=lambda: JsonStream(_Grammar()),
    models="/v1/models",
    tools=False,
)
