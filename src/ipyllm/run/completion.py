"""
Adds up events to the whole answer, in memory that stays near the text's own size.

50,000 deltas kept as objects are 6 MB; as text, lengths and kinds they are 0.5 MB, and
`events()` can still give them back one by one.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

from ipyllm.events import (
    ChoiceDelta,
    Event,
    Finish,
    Logprobs,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    ToolResult,
    Turn,
    Usage,
    ValueDelta,
)
from ipyllm.run.channels import piece_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Completion", "Fragments")

_FRESH = 512  # fragments before they are joined
_DELTAS = (TextDelta, ReasoningDelta, RefusalDelta, ValueDelta)
_CHANNELS = ("text", "reasoning", "refusal", "value")
_OTHER = len(_DELTAS)


class Fragments:
    """A text that grows by small pieces; joined in steps, so that neither time nor memory is wasted."""

    __slots__ = ("_fresh", "_joined")

    def __init__(self) -> None:
        self._joined: list[str] = []
        self._fresh: list[str] = []

    def add(self, piece: str) -> None:
        """Append."""
        self._fresh.append(piece)
        if len(self._fresh) >= _FRESH:
            self._joined.append("".join(self._fresh))
            self._fresh.clear()

    def __str__(self) -> str:
        if self._fresh or len(self._joined) != 1:
            self._joined = ["".join((*self._joined, *self._fresh))]
            self._fresh.clear()
        return self._joined[
            0
        ]  # the same object each time: an emoji makes a text four bytes a letter


class Completion:
    """
    `add(event)` each event once.

    * `finish`, `error`: None until they came.
    * `results`: how far each call is, by its index.
    * `logprobs`: (token, natural logarithm of its probability), where the service said.
    * `before`: text of an earlier answer that this one goes on with; no event.
    """

    __slots__ = (
        "_calls",
        "_choices",
        "_earlier",
        "_kinds",
        "_lengths",
        "_others",
        "_runs",
        "_start",
        "_usage",
        "before",
        "error",
        "finish",
        "logprobs",
        "results",
    )

    def __init__(self, before: str = "") -> None:
        self._runs: list[tuple[str, Fragments]] = []  # (channel, text) in order of arrival
        self.before = before
        if before:
            self._run("text").add(before)
        self._start = 0  # the run with which the answer begins: what was tried before is none of it
        self._calls: dict[int, tuple[str, str, Fragments]] = {}
        self._choices: dict[int, Fragments] = {}  # those beside the answer
        self.logprobs: list[tuple[str, float]] = []
        self._kinds = bytearray()
        self._lengths = array("I")
        self._others: list[Event] = []
        self._earlier: list[Usage] = []  # of the turns before this one
        self._usage = Usage()
        self.results: dict[int, ToolResult] = {}
        self.finish: Finish | None = None
        self.error: StreamError | None = None

    def add(self, event: Event) -> None:
        """Take one event."""
        match event:
            case TextDelta(text):
                self._delta(0, text)
                return
            case ReasoningDelta(text):
                self._delta(1, text)
                return
            case RefusalDelta(text):
                self._delta(2, text)
                return
            case ValueDelta(text):
                self._delta(3, text)
                return
            case Usage():
                self._merge(event)
            case Finish():
                self.finish = event
            case StreamError():
                self.error = self.error or event
            case Notice(kind="phase"):
                return  # the run's own, not the stream's
            case _:
                self._beside(event)
        self._kinds.append(_OTHER)
        self._others.append(event)

    def _beside(self, event: Event) -> None:
        match event:
            case ChoiceDelta(index, text):
                self._choices.setdefault(index, Fragments()).add(text)
            case Logprobs(tokens):
                self.logprobs += tokens
            case ToolCallStart(index, ident, name):
                self._calls[index] = (ident, name, Fragments())
            case ToolCallDelta(index, json) if index in self._calls:
                self._calls[index][2].add(json)
            case ToolResult(index):
                self.results[index] = event
            case _:
                pass
        if piece := piece_of(event):
            self._run(piece[0]).add(piece[1])
        if isinstance(event, Turn) and event.ttft is None:
            self._turn(event)

    def _turn(self, turn: Turn) -> None:
        self._earlier.append(self._usage)
        self._usage = Usage()
        if turn.reason == "retry":
            self._start = len(self._runs)

    def _delta(self, kind: int, text: str) -> None:
        self._run(_CHANNELS[kind]).add(text)
        self._kinds.append(kind)
        self._lengths.append(len(text))

    def _run(self, channel: str) -> Fragments:
        if not self._runs or self._runs[-1][0] != channel:
            self._runs.append((channel, Fragments()))
        return self._runs[-1][1]

    def _merge(self, new: Usage) -> None:
        old = self._usage
        counts = zip(_counts(old), _counts(new), strict=True)
        newest = (before if now is None else now for before, now in counts)
        self._usage = replace(
            new, **dict(zip(_COUNTS, newest, strict=True)), raw=new.raw or old.raw
        )

    @property
    def usage(self) -> Usage:
        """The last word on each count; of several turns, their sum."""
        if not self._earlier:
            return self._usage
        counts = zip(*map(_counts, (*self._earlier, self._usage)), strict=True)
        return replace(self._usage, **dict(zip(_COUNTS, map(_sum, counts), strict=True)))

    @property
    def text(self) -> str:
        """The answer so far: what was said before calls and what was said after them, as paragraphs."""
        turns: list[list[str]] = [[]]
        for channel, text in self._runs[self._start :]:
            if channel == "turn":
                turns.append([])
            elif channel in ("text", "value"):
                turns[-1].append(str(text))
        return "\n\n".join("".join(said) for said in turns if said)

    @property
    def value(self) -> str:
        """The JSON of a structured answer so far."""
        runs = self._runs[self._start :]
        return "".join(str(text) for channel, text in runs if channel == "value")

    @property
    def choices(self) -> list[str]:
        """The answer, and the texts of the choices beside it (`n=2`)."""
        others = [str(self._choices[index]) for index in sorted(self._choices)]
        return [self.text, *others]

    @property
    def reasoning(self) -> str:
        """What the model thought so far."""
        return self._joined("reasoning")

    @property
    def refusal(self) -> str:
        """The model's words for not answering."""
        return self._joined("refusal")

    @property
    def tool_calls(self) -> list[tuple[str, str, str]]:
        """(id, name, arguments) of each call, in order."""
        return [call for _, call in self.calls()]

    def calls(self) -> list[tuple[int, tuple[str, str, str]]]:
        """The same, each with its index."""
        calls = self._calls.items()
        return [(index, (ident, name, str(text))) for index, (ident, name, text) in calls]

    def transcript(self) -> list[tuple[str, str]]:
        """(channel, text) in order of arrival, as the views show it."""
        return [(channel, str(text)) for channel, text in self._runs]

    def events(self, limit: int | None = None) -> list[Event]:
        """All events again, one by one; or the first `limit` of them."""
        texts = [self._joined(channel) for channel in _CHANNELS]
        at = [len(self.before), *[0] * (len(_DELTAS) - 1)]
        lengths, others = iter(self._lengths), iter(self._others)
        out: list[Event] = []
        for kind in self._kinds[:limit]:
            if kind == _OTHER:
                out.append(next(others))
                continue
            end = at[kind] + next(lengths)
            out.append(_DELTAS[kind](texts[kind][at[kind] : end]))
            at[kind] = end
        return out

    def _joined(self, channel: str) -> str:
        return "".join(str(text) for name, text in self._runs if name == channel)


_COUNTS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")


def _counts(usage: Usage) -> tuple[int | None, ...]:
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        usage.cached_tokens,
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
