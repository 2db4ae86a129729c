"""
JSON that can no longer fit its schema: cut at the first impossible character, never before.

The pairs and their marks are those of tests/structured/schema_corpus.py.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import chain
from statistics import median
from typing import Any

from harness import ROOT, Row

from ipyllm.structured.checker import Checker
from ipyllm.structured.partial_json import PartialJson

sys.path.insert(0, str(ROOT / "tests"))

from structured import schema_corpus as corpus

GENERATED = 2000
SIZE = 1_000_000  # characters of the text that is timed
TOKEN = 4  # characters of a piece
REPEATS = 5


def rows() -> list[Row]:
    return [_cuts(), _false_aborts(), _cost()]


def cut(schema: dict[str, Any], text: str) -> int | None:
    """The character with which the checker gives up; None: it takes the text."""
    reader, checker = PartialJson(), Checker(schema)
    for at, char in enumerate(text):
        if checker.feed(reader.feed(char)) is not None:
            return at
    return len(text) if checker.feed(reader.close()) or checker.close() else None


def _cuts() -> Row:
    late, early, exact = list[str](), list[str](), 0
    for case in corpus.invalid():
        found = cut(case.schema, case.text)
        if found == case.at:
            exact += 1
        elif found is None or found > case.at:
            late.append(f"{case.text[: case.at]}«{case.text[case.at :]}: {found}")
        else:
            early.append(case.text)
    print(*(f"later: {line}" for line in late), *(f"too early: {line}" for line in early), sep="\n")
    total = exact + len(late) + len(early)
    goal = "cut at the first impossible character in >= 95 % of 200 pairs, never before"
    figure = (
        f"{exact} of {total} ({100 * exact / total:.1f} %), {len(late)} later, {len(early)} before"
    )
    return Row(goal, figure, total >= 200 and not early and exact >= 0.95 * total)


def _false_aborts() -> Row:
    count, wrong = 0, list[str]()
    for schema, text in chain(corpus.handwritten(), corpus.generated(GENERATED, seed=1)):
        count += 1
        if cut(schema, text) is not None:
            wrong.append(text)
    print(*wrong, sep="\n")
    figure = f"{len(wrong)} of {count:,}, fed character by character"
    return Row("0 false aborts on 2,000 valid texts", figure, count >= 2000 and not wrong)


def _cost() -> Row:
    question = {
        "text": "What do you think of it?",
        "answers": ["yes", "no", "not sure"],
        "kind": "single",
    }
    number = SIZE // len(json.dumps(question))
    text = json.dumps({"title": "t", "questions": [question] * number})
    found = [_seconds(text) for _ in range(REPEATS)]
    floor, reading, both = (median(each) for each in zip(*found, strict=True))
    megabytes = len(text) / 1e6
    ratios = (
        f"{both / floor:.0f} times json.loads of the whole (reading alone {reading / floor:.0f})"
    )
    token = 1e6 * both * TOKEN / len(text)
    figure = (
        f"{both / megabytes:.2f} s of CPU per MB, {token:.1f} us per {TOKEN} characters; {ratios}"
    )
    return Row("(for information) reading and checking while it streams", figure, holds=True)


def _seconds(text: str) -> tuple[float, float, float]:
    schema = corpus.SCHEMAS["survey"]
    pieces = [text[at : at + TOKEN] for at in range(0, len(text), TOKEN)]
    started = time.process_time()
    json.loads(text)
    floor = time.process_time()
    reader = PartialJson()
    for piece in pieces:
        reader.feed(piece)
    read = time.process_time()
    reader, checker = PartialJson(), Checker(schema)
    wrong = [piece for piece in pieces if checker.feed(reader.feed(piece))]
    checked = time.process_time()
    if wrong or checker.feed(reader.close()) or checker.close():
        sys.exit("bench: the text that is timed is valid, and was refused")
    return floor - started, read - floor, checked - read
