"""
What a service complains of, in all the shapes error JSON comes in, and which error of ours it is.

Seen in recordings: `{"error": {...}}`, `{"error": "text"}` (Ollama, xAI), `{"detail": ...}`
(Mistral, FastAPI), `{"message": ...}` (Cohere, Bedrock, Azure), a list with one of them (Gemini).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, cast

from ipyllm.events import StreamError

__all__ = ("Complaint",)

# Compiled when the first error comes: 5 ms that a start does not need.
# Status says too little: a prompt that is too long, a wrong key (Gemini, xAI) and a model that
# does not exist (OpenAI Responses) all come as 400, and an error inside a stream as 200.
_WORDS: tuple[tuple[str, str], ...] = (
    ("RateLimited", "throttl|too many tokens, please wait"),  # Bedrock
    (
        "ContextTooLong",
        (
            "context_length|context[_ ]window|context_size|context length|context size"
            "|prompt (is )?too long|input (is )?too long|token count .*exceeds|too many (input )?tokens"
            "|exceeds? the (maximum|max) (number of )?(input )?tokens|context limit|tokens exceed the"
            "|maximum (prompt|model) length|model token limit|inputs. (tokens \\+|must have less than)"
        ),
    ),
    (
        "AuthError",
        (
            "invalid.api.key|incorrect api key|api.key.(not valid|invalid)|authentication"
            "|unauthenticated|unauthorized|permission.(denied|error)"
        ),
    ),
    (
        "RateLimited",
        "rate.?limit|too many requests|insufficient_quota|quota|resource_exhausted|billing_error",
    ),
    ("Overloaded", "overloaded|unavailable|loading model|at capacity"),
    ("ContentFiltered", "content.?(filter|policy)|responsibleai|moderation_blocked"),
    ("NotFound", "model_not_found|not_found|model .{0,200}(not found|does not exist)"),
    ("BadRequest", "invalid_request|invalid_argument|bad.?request|tool_use_failed|unsupported"),
)
_STATUS = {
    401: "AuthError",
    402: "RateLimited",
    403: "AuthError",
    404: "NotFound",
    408: "Timeout",
    429: "RateLimited",
    503: "Overloaded",
    529: "Overloaded",
}
# How they say the limit and what was asked; `more` is what has to fit beside it.
_N = r"(?P<{}>[0-9][0-9,]*)"
_ASKED, _LIMIT, _MORE = _N.format("asked"), _N.format("limit"), _N.format("more")
_SAYS = "(requested|resulted in|contains|has)"
_TOO_LONG = (
    rf"context length by {_ASKED} tokens",  # Ollama
    rf"too long: {_ASKED} tokens > {_LIMIT} maximum",  # Anthropic
    rf"context limit: {_ASKED} \+ {_MORE} > {_LIMIT}",  # Anthropic, with max_tokens
    rf"\({_ASKED} > {_LIMIT} - {_MORE}\)",  # vLLM, with max_tokens
    rf"context length is {_LIMIT} tokens.*?total of (at least )?{_ASKED}",  # vLLM
    # OpenAI, DeepSeek, OpenRouter, Together, old vLLM
    rf"context length (is|of) {_LIMIT} tokens.*?{_SAYS}( about| at least)? {_ASKED}",
    rf"limit of {_LIMIT} tokens\. Your messages resulted in {_ASKED}",  # OpenAI, with data limits
    rf"\({_ASKED} tokens\) exceeds the available context size \({_LIMIT}",  # llama.cpp
    rf"token count (\(|of ){_ASKED}\)? exceeds .*?{_LIMIT}",  # Gemini, Copilot
    rf"contains {_ASKED} tokens.*?model with {_LIMIT} maximum",  # Mistral
    rf"prompt length is {_LIMIT} but the request contains {_ASKED}",  # xAI
    rf"token limit: {_LIMIT} \(requested: {_ASKED}",  # Kimi
    rf"length (of )?{_ASKED}\)? is longer than the maximum model length of {_LIMIT}",  # vLLM
    rf"be <= {_LIMIT}\. Given: {_ASKED} .inputs. tokens and {_MORE}",  # TGI
    rf"less than {_LIMIT} tokens\. Given: {_ASKED}",  # TGI
)
_NAMES = ("code", "type", "status", "error_code")
_SPENT = ("insufficient_quota", "billing", "exceeded your current quota", "credits")
_VAGUE = (None, 200, 400, 413, 422, 500)  # statuses whose words say more than their number


@dataclass(frozen=True, slots=True)
class Complaint:
    """The service's own message, and its code or type ("" if it gives none)."""

    message: str
    code: str = ""
    words: str = field(default="", compare=False)  # all it calls the error beside that
    counts: tuple[int, int] | None = field(default=None, compare=False)  # tokens asked, and taken

    @classmethod
    def of(cls, payload: Any) -> Complaint | None:
        """Find the complaint in decoded JSON; None where there is none."""
        if isinstance(payload, list) and payload:
            return cls.of(cast("list[Any]", payload)[0])
        if not isinstance(payload, dict):
            return None
        found = cast("dict[str, Any]", payload)
        for key in ("error", "errors", "detail", "message", *_exceptions(found)):
            value = found.get(key)
            if isinstance(value, list) and value:
                value = cast("list[Any]", value)[0]
            if isinstance(value, str) and value:
                return cls(value, _code(found), _words(found))
            if isinstance(value, dict) and value:
                inner = cast("dict[str, Any]", value)
                text = inner.get("message") or inner.get("msg") or inner.get("error")
                code = _code(inner) or (key if key.endswith("Exception") else "")
                said = _words(inner) + " " + _words(found)
                return cls(str(text or inner), code, said, _counts(inner))
        return None

    def kind(self, status: int | None = None) -> str:
        """The class in `ipyllm.errors` this is, by its words where the status says too little."""
        if self.code.isdigit() and status in (None, 200) and 400 <= int(self.code) < 600:
            status = int(self.code)
        if status in _VAGUE:
            # The message before a code as vague as `invalid_request_error`.
            said = f"{self.code} {self.words} {self.message[:1000]}"
            for kind, words in _WORDS:
                if re.search(words, said, re.IGNORECASE):
                    return kind
        elif status in _STATUS:
            return _STATUS[status]
        if status is None or status == 200 or status >= 500:
            return "ServerError"
        return "BadRequest" if status >= 400 else "ProtocolError"

    def event(self, raw: Any) -> StreamError:
        """The same as an event: an error inside a stream, whose status was 200."""
        kind, message = self.kind(), self.message
        if kind == "ContextTooLong" and self.over:
            message = f"{message.rstrip().rstrip('.')}: {self.over:,} tokens too many."
        return StreamError(kind, message, code=self.code, raw=raw, retry=self.retry)

    @property
    def over(self) -> int | None:
        """Tokens that are too many for the model, where it says so; at least that many."""
        asked, limit = self.counts or _numbers(self.message[:1000])
        return asked - limit if asked > limit else None

    @property
    def retry(self) -> bool | None:
        """False where it says that no waiting helps: a quota that is spent."""
        spent = f"{self.code} {self.message[:1000]}".lower()
        return False if any(word in spent for word in _SPENT) else None


def _exceptions(found: dict[str, Any]) -> list[str]:
    """Bedrock names the kind where others say `error`: `{"throttlingException": {...}}`."""
    return [key for key in found if key.endswith("Exception")]


def _counts(found: dict[str, Any]) -> tuple[int, int] | None:
    """As llama.cpp has them beside its message."""
    asked, limit = found.get("n_prompt_tokens"), found.get("n_ctx")
    return (asked, limit) if isinstance(asked, int) and isinstance(limit, int) else None


def _numbers(message: str) -> tuple[int, int]:
    for words in _TOO_LONG:
        if found := re.search(words, message, re.IGNORECASE | re.DOTALL):
            said = {
                name: int(number.replace(",", "")) for name, number in found.groupdict().items()
            }
            return said["asked"] + said.get("more", 0), said.get("limit", 0)
    return 0, 0


def _words(found: dict[str, Any]) -> str:
    return " ".join(str(found[key]) for key in _NAMES if isinstance(found.get(key), (str, int)))


def _code(found: dict[str, Any]) -> str:
    for key in ("code", "type", "status"):
        if found.get(key):
            return str(found[key])
    return ""
