"""
Tool calls in plain text: found wherever the text is cut, none where there is none, in linear time.

The corpus and the ordinary texts are those of tests/structured.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

from harness import ROOT, Row

from ipyllm.events import TextDelta, ToolCallDelta, ToolCallEnd, ToolCallStart
from ipyllm.structured.text_calls import TextCalls

sys.path.insert(0, str(ROOT / "tests" / "structured"))

from text_calls_corpus import TOOLS, Case, cases, ordinary

MB = 1_000_000
TOKEN = 4  # characters
REPEATS = 7
SLOWER = 0.5  # of decoding the JSON of the same deltas


def rows() -> list[Row]:
    texts = ordinary()
    return [_corpus(cases()), _false_positives(texts), *_speed("\n".join(texts.values()))]


def _corpus(corpus: list[Case]) -> Row:
    wrong: list[str] = []
    count = 0
    for case in corpus:
        text = case.text
        ways = [[text], list(text), *([text[:at], text[at:]] for at in range(1, len(text)))]
        count += len(ways)
        wrong += [case.label for pieces in ways if not _as_wanted(case, _told(pieces))]
    print("\n".join(sorted(set(wrong))))
    figure = f"{len(corpus)} texts of all formats, {count:,} ways to cut them, {len(wrong)} wrong"
    goal = "the same prose and calls for every cut in two and character by character"
    return Row(goal, figure, not wrong)


def _false_positives(texts: dict[str, str]) -> Row:
    changed = [
        label
        for label, text in texts.items()
        if _told([text[at : at + TOKEN] for at in range(0, len(text), TOKEN)]) != (text, [])
    ]
    print("\n".join(changed))
    size = sum(map(len, texts.values())) / MB
    figure = f"{len(texts)} texts, {size:.1f} MB, {len(changed)} changed"
    goal = "CommonMark's examples, READMEs and sources come out character by character as they are"
    return Row(goal, figure, not changed)


def _speed(text: str) -> list[Row]:
    one = (text * (1 + MB // len(text)))[:MB]
    ten = (text * (1 + 10 * MB // len(text)))[: 10 * MB]
    pieces = [one[at : at + TOKEN] for at in range(0, MB, TOKEN)]
    frames = [json.dumps({"choices": [{"index": 0, "delta": {"content": p}}]}) for p in pieces]
    ours, decoded, joined = _interleaved(
        lambda: _drain(pieces),
        lambda: [json.loads(frame) for frame in frames],
        lambda: "".join(pieces),
    )
    share = median(a / b for a, b in zip(ours, decoded, strict=True))
    each = 1e6 * median(ours) / len(pieces)
    figure = (
        f"{share:.2f} x ({each:.2f} us a token of {TOKEN} characters, {median(ours):.2f} s CPU a MB; "
        f'"".join alone {1e3 * median(joined):.1f} ms)'
    )
    goal = f"telling prose from calls costs at most {SLOWER} x json.loads of the same deltas"
    blocks = [ten[at : at + TOKEN] for at in range(0, len(ten), TOKEN)]
    short, long = _interleaved(lambda: _drain(pieces), lambda: _drain(blocks), repeats=3)
    grown = median(b / a for a, b in zip(short, long, strict=True))
    return [
        Row(goal, figure, share <= SLOWER),
        Row("linear: 10 MB takes 10 x as long as 1 MB", f"{grown:.1f} x", grown < 13),
    ]


def _drain(pieces: Iterable[str]) -> None:
    calls = TextCalls(TOOLS)
    for piece in pieces:
        calls.feed(piece)
    calls.close()


def _interleaved(*works: Callable[[], Any], repeats: int = REPEATS) -> list[list[float]]:
    took: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for times, work in zip(took, works, strict=True):
            started = time.process_time()
            work()
            times.append(time.process_time() - started)
    return took


def _as_wanted(case: Case, found: tuple[str, list[tuple[str, str, bool]]]) -> bool:
    prose, calls = found
    if not case.by_value:
        return prose == case.prose and calls == list(case.calls)
    return prose == case.prose and _values(calls) == _values(case.calls)


def _values(calls: Iterable[tuple[str, str, bool]]) -> list[tuple[str, Any, bool]]:
    return [(name, json.loads(raw), ended) for name, raw, ended in calls]


def _told(pieces: Iterable[str]) -> tuple[str, list[tuple[str, str, bool]]]:
    calls = TextCalls(TOOLS)
    events = [event for piece in pieces for event in calls.feed(piece)] + calls.close()
    ended = {event.index for event in events if isinstance(event, ToolCallEnd)}
    found: list[tuple[str, str, bool]] = []
    for start in events:
        if isinstance(start, ToolCallStart):
            deltas = [
                e.json for e in events if isinstance(e, ToolCallDelta) and e.index == start.index
            ]
            found.append((start.name, "".join(deltas), start.index in ended))
    return "".join(event.text for event in events if isinstance(event, TextDelta)), found
