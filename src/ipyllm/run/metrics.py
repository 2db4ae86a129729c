"""
When things happened, and how fast: no clock of its own, every time is handed in.

Definitions (seconds, from the moment the request was sent):
`ttfr` first decoded frame, `ttft` first non-empty token of any kind, `ttfa` first answer text.
Comments, pings, role-only chunks and empty strings stop none of these clocks.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from ipyllm.events import (
    Event,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Turn,
    Usage,
    ValueDelta,
)

__all__ = ("Meter", "Timing")


@dataclass(frozen=True, slots=True)
class Timing:
    """
    Times of one answer, in seconds; None where it did not come so far.

    * `connect`: name lookup, TCP and TLS; None on a connection that was open already.
    * `headers`: request sent -> response headers.
    * `ttfr`, `ttft`, `ttfa`: request sent -> first frame, first token, first answer text.
    * `total`: request sent -> end.
    * `decode_rate`: tokens/s after the first token, (tokens - 1) / (last - first); of several
      requests, tokens and times between first and last token of each.
    * `tokens`: output tokens; `estimated` when they are counted deltas, not the service's usage.
    * `load`: start of the embedded or the browser's model, apart from all of these.
    * `waited`: on attempts that came to nothing, and the pauses after them; not part of the others.
    * `turns`: request sent -> first token, of each request after the first (tools, retries).
    * `gaps`: one per delta after the first; deltas of one read share its time (gap 0). That of a
      turn's first token is its `turns` entry.
    """

    connect: float | None = None
    headers: float | None = None
    ttfr: float | None = None
    ttft: float | None = None
    ttfa: float | None = None
    total: float | None = None
    decode_rate: float | None = None
    tokens: int = 0
    estimated: bool = True
    load: float | None = None
    waited: float | None = None
    turns: tuple[float, ...] = ()
    gaps: array[float] = field(default_factory=lambda: array("f"))

    def __repr__(self) -> str:
        """What is known, rounded to a tenth of a millisecond."""
        known = {name: getattr(self, name) for name in self.__slots__ if name != "gaps"}
        known["turns"] = self.turns or None
        shown = (
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in known.items()
            if value is not None
        )
        return f"Timing({', '.join(shown)})"


class Meter:
    """Watches events go by; `timing()` gives what is known so far."""

    __slots__ = (
        "_earlier",
        "_first",
        "_first_text",
        "_frame",
        "_gap",
        "_gaps",
        "_idle",
        "_last",
        "_streamed_reasoning",
        "_turns",
        "_usage",
        "deltas",
    )

    def __init__(self) -> None:
        self._frame: float | None = None
        self._first: float | None = None
        self._first_text: float | None = None
        self._last = 0.0
        self._gaps = array("f")
        self._usage: Usage | None = None
        self._streamed_reasoning = False
        self._turns: list[float] = []
        self._earlier = (0, 0, False)  # of the turns before: deltas, tokens, estimated
        self._gap: float | None = (
            None  # the next one, where it is not the time since the last token
        )
        self._idle = 0.0  # seconds between the turns' tokens
        self.deltas = 0  # deltas that carried something

    def observe(self, event: Event, now: float) -> None:
        """One event, decoded at `now`."""
        if self._frame is None:
            self._frame = now
        match event:
            case TextDelta() | RefusalDelta() | ValueDelta():
                if self._first_text is None:
                    self._first_text = now
                self._token(now)
            case ReasoningDelta():
                self._streamed_reasoning = True
                self._token(now)
            case ToolCallDelta():
                self._token(now)
            case ToolCallStart(name=name) if name:
                self._token(now)
            case Usage():
                self._usage = event
            case Turn():
                self._turn(event.ttft, now)
            case _:
                pass

    def _turn(self, ttft: float | None, now: float) -> None:
        if ttft is not None:
            self._turns.append(ttft)
            self._gap = ttft
            self._idle += now - self._last
            return
        tokens, estimated = self._count()
        self._earlier = (self.deltas, tokens, estimated)
        self._usage, self._streamed_reasoning = None, False

    def _token(self, now: float) -> None:
        self.deltas += 1
        if self._first is None:
            self._first = now
        else:
            self._gaps.append(now - self._last if self._gap is None else self._gap)
        self._gap = None
        self._last = now

    @property
    def last(self) -> float:
        """When the newest token came."""
        return self._last

    @property
    def started(self) -> bool:
        """Whether any token came."""
        return self._first is not None

    def timing(
        self,
        *,
        sent: float,
        end: float,
        connect: float | None = None,
        headers: float | None = None,
        load: float | None = None,
        waited: float | None = None,
    ) -> Timing:
        """Everything relative to `sent`, as of `end`."""
        tokens, estimated = self._count()
        span = self._last - self._first - self._idle if self._first is not None else 0.0
        first = 1 + len(self._turns)  # tokens that nothing came before
        return Timing(
            connect=connect,
            headers=_since(sent, headers),
            ttfr=_since(sent, self._frame),
            ttft=_since(sent, self._first),
            ttfa=_since(sent, self._first_text),
            total=end - sent,
            # Tokens that all came in one read have no rate.
            decode_rate=(tokens - first) / span if span > 0 and tokens > first else None,
            tokens=tokens,
            estimated=estimated,
            load=load,
            waited=waited,
            turns=tuple(self._turns),
            gaps=self._gaps[:],
        )

    def _count(self) -> tuple[int, bool]:
        before, told, estimated = self._earlier
        tokens, guessed = self._count_turn(self.deltas - before)
        return told + tokens, estimated or guessed

    def _count_turn(self, deltas: int) -> tuple[int, bool]:
        usage = self._usage
        if usage is None or not usage.output_tokens:
            return deltas, True
        # Reasoning that is billed but not streamed came before the first token we saw:
        # counting it would make the rate of what did stream a lie.
        # Gemini and xAI bill it beside the output: more of it than of output shows that.
        hidden = 0 if self._streamed_reasoning else usage.reasoning_tokens or 0
        hidden = hidden if hidden <= usage.output_tokens else 0
        return max(usage.output_tokens - hidden, 0) or deltas, usage.estimated


def _since(sent: float, moment: float | None) -> float | None:
    return None if moment is None else max(moment - sent, 0.0)
