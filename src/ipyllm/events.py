"""
What a stream is made of: frozen events, the same for every API.

Events are deltas, never snapshots: whoever wants the whole adds them up
(`ipyllm.run.completion`). A decoder gives them in the order of the wire.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = (
    "ChoiceDelta",
    "Event",
    "Finish",
    "FinishReason",
    "Logprobs",
    "Notice",
    "Progress",
    "ReasoningDelta",
    "RefusalDelta",
    "StreamError",
    "TextDelta",
    "ToolCallDelta",
    "ToolCallEnd",
    "ToolCallStart",
    "ToolResult",
    "ToolState",
    "Turn",
    "Usage",
    "ValueDelta",
)

FinishReason = Literal[
    "stop",
    "length",
    "tool_calls",
    "content_filter",
    "refusal",
    "interrupted",
    "truncated",  # the stream ended without its API's proof of a finished answer
    "budget",
    "invalid",
    "error",
]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer. Never empty, never half a surrogate pair."""

    text: str


@dataclass(frozen=True, slots=True)
class ValueDelta:
    """More of a structured answer: its JSON alone, without the prose and fences around it. Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of what the model thinks before it answers. Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More of the model's words for why it will not answer. Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ChoiceDelta:
    """More of another choice (`n=2`), whose text is kept beside the answer. Never empty."""

    index: int  # of the choice, from 1; choice 0 is the answer
    text: str


@dataclass(frozen=True, slots=True)
class Logprobs:
    """How likely the tokens just streamed were: (token, natural logarithm of its probability)."""

    tokens: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ToolCallStart:
    """A call begins; its arguments follow."""

    index: int  # position among the turn's calls, from 0
    id: str  # the service's own id; "" where it gives none
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of one call's arguments, as raw JSON text. Never empty."""

    index: int
    json: str


@dataclass(frozen=True, slots=True)
class ToolCallEnd:
    """One call's arguments are whole, as far as the service says."""

    index: int


ToolState = Literal["asking", "running", "done", "failed", "refused", "interrupted", "skipped"]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """
    How far a call is, and what it gave. Said by the run, which makes the call, and by no service.

    * `text`: the result as people read it (Markdown), or why there is none.
    * `error`: the traceback of a call that failed.
    * `seconds`: how long the function ran.
    """

    index: int
    state: ToolState
    text: str = ""
    error: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """
    Another request of the same answer. Said by the run, like `ToolResult`.

    Indices of calls go on from turn to turn.

    * `number`: 2 for the second request.
    * `reason`: `tools`, results of calls were sent; `retry`, the answer was not what was asked for.
    * `ttft`: seconds from this request to its first token; None as it begins, then said once more.
    """

    number: int
    reason: Literal["tools", "retry"]
    ttft: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """
    Tokens as the service counts them; None where it does not say. Last one wins.

    * `estimated`: worked out from what it does say.
    * `context_used`, `context_window`: of a model that keeps the conversation itself, the browser's.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    raw: dict[str, Any] = field(default_factory=dict[str, Any])
    estimated: bool = False
    context_used: int | None = None
    context_window: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the prompt has been read (prefill), in tokens."""

    processed: int
    total: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something said beside the answer: `ping`, `comment`, `timings`, `rate_limit`, ..."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer is over. `raw`: the service's own word for why, "" where it said none."""

    reason: FinishReason
    raw: str = ""


@dataclass(frozen=True, slots=True)
class StreamError:
    """
    The service, the wire or a limit ended the answer early.

    * `kind`: name of the class in `ipyllm.errors` this maps to.
    * `status`: HTTP status, where there was one.
    * `code`: the service's own code.
    * `retry_after`: seconds the service asks to wait.
    * `retry`: whether asking again can help, where that is known.
    """

    kind: str
    message: str
    status: int | None = None
    code: str = ""
    retry_after: float | None = None
    raw: Any = None
    retry: bool | None = None


Event = (
    TextDelta
    | ValueDelta
    | ReasoningDelta
    | RefusalDelta
    | ChoiceDelta
    | Logprobs
    | ToolCallStart
    | ToolCallDelta
    | ToolCallEnd
    | ToolResult
    | Turn
    | Usage
    | Progress
    | Notice
    | Finish
    | StreamError
)
