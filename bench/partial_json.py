"""
JSON that arrives in pieces: time for its length, beside `json.loads` and jiter; 10,000 values, cut.

A stream is 200 tokens/s of 4 characters, looked at 30 times a second. Its alternative is what the SDKs
do: have jiter parse the whole buffer at each look. Not named json.py: it would hide Python's own.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from random import Random
from statistics import median
from typing import Any

from harness import ROOT, Row

sys.path.insert(0, str(ROOT / "tests"))

import jiter
from structured.json_cases import generated, unlike_jiter, written

from ipyllm.structured.partial_json import PartialJson

LOOK = 27  # characters between two looks: 200 tokens/s x 4 / 30
ROUNDS = 5
VALUES = 10_000
SAMPLE = 100  # of 1 MB, jiter is timed at each 100th look


def rows() -> list[Row]:
    return [
        linear(),
        open_string(),
        *against_json(),
        stream(100_000, 1, 10),
        stream(1_000_000, SAMPLE, 100),
        alike(),
    ]


def document(size: int) -> str:
    """Records as models write them: about `size` characters."""
    dice = Random(1)
    out: list[str] = []
    length = 0
    while length < size:
        out.append(json.dumps(_record(dice, len(out)), ensure_ascii=False))
        length += len(out[-1]) + 2
    return f'{{"rows": [{", ".join(out)}]}}'


def _record(dice: Random, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Sensor {number}",
        "active": dice.random() < 0.5,
        "score": round(100 * dice.random(), 3),
        "tags": dice.choices(["alpha", "beta", "gamma", "delta"], k=3),
        "place": {"street": f"{number} Main Street", "city": "Köln", "zip": None},
        "note": f'It says "{dice.randrange(1000)} €",\nwhich is more than it said before.',
    }


def fed(text: str, size: int, *, edits: bool = True, look: bool = True) -> Any:
    parser = PartialJson(edits=edits)
    for at in range(0, len(text), size):
        parser.feed(text[at : at + size])
        if look:
            _ = parser.value
    parser.close()
    return parser.value


def reparsed(text: str, every: int) -> None:
    for end in range(LOOK, len(text) + LOOK, LOOK * every):
        jiter.from_json(text[:end].encode(), partial_mode="trailing-strings")


def seconds(work: Callable[[], Any]) -> float:
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def pairs(
    ours: Callable[[], Any], other: Callable[[], Any], rounds: int = ROUNDS
) -> tuple[float, float]:
    """Medians of interleaved rounds, in seconds."""
    times = [(seconds(ours), seconds(other)) for _ in range(rounds)]
    return median(a for a, _ in times), median(b for _, b in times)


def linear() -> Row:
    small, large = document(1_000_000), document(10_000_000)
    long, short = pairs(lambda: fed(large, LOOK), lambda: fed(small, LOOK), 3)
    growth = long / short / 10
    figure = f"{growth:.2f} x ten times ({long:.2f} s against {short:.2f} s)"
    return Row(
        f"10 MB of JSON <= 1.5 x ten times 1 MB, {LOOK} characters a look", figure, growth <= 1.5
    )


def open_string() -> Row:
    small, large = (json.dumps(["x" * size]) for size in (1_000_000, 10_000_000))
    long, short = pairs(lambda: fed(large, LOOK), lambda: fed(small, LOOK), 3)
    growth = long / short / 10
    figure = f"{growth:.2f} x ten times ({long:.2f} s against {short:.2f} s)"
    return Row("the same for one string of 10 MB, seen at each look", figure, growth <= 1.5)


def against_json() -> list[Row]:
    text = document(1_000_000)
    out: list[Row] = []
    cases = (
        ("fed 27 characters a time", LOOK, True, 60),
        ("fed whole", len(text), True, 60),
        ("fed 27 characters a time, no edits", LOOK, False, 40),
        ("fed whole, no edits", len(text), False, 40),
    )
    for name, size, edits, goal in cases:
        ours, other = pairs(
            lambda size=size, edits=edits: fed(text, size, edits=edits, look=False),
            lambda: json.loads(text),
        )
        figure = f"{ours / other:.0f} x ({1e3 * ours:.0f} ms against {1e3 * other:.0f} ms)"
        out.append(Row(f"1 MB {name}: <= {goal} x one json.loads", figure, ours / other <= goal))
    return out


def stream(size: int, every: int, goal: int) -> Row:
    text = document(size)
    ours, jiters = pairs(lambda: fed(text, LOOK), lambda: reparsed(text, every), 3)
    ratio = jiters * every / ours
    sampled = f", timed at each {every}th look" if every > 1 else ""
    figure = f"1/{ratio:.0f} ({ours:.2f} s against {jiters * every:.2f} s{sampled})"
    asked = f"{size // 1000:,} KB at 200 tokens/s, 30 looks/s: CPU <= 1/{goal} of jiter's"
    return Row(asked, figure, ratio >= goal)


def alike() -> Row:
    started = time.monotonic()
    with ProcessPoolExecutor(2) as pool:
        halves = list(pool.map(_alike, ((seed, VALUES // 2) for seed in (1, 2))))
    bad = [line for lines, _ in halves for line in lines]
    print("\n".join(bad[:20]))
    prefixes = sum(count for _, count in halves)
    took = time.monotonic() - started
    figure = f"{prefixes:,} prefixes, {len(bad)} values unlike; {took:.0f} s"
    return Row(f"{VALUES:,} generated values: `value` is jiter's at every prefix", figure, not bad)


def _alike(job: tuple[int, int]) -> tuple[list[str], int]:
    seed, count = job
    dice, bad, prefixes = Random(seed), list[str](), 0
    for _ in range(count):
        text = written([generated(dice), generated(dice)], dice)
        prefixes += len(text) + 1
        if said := unlike_jiter(text, range(len(text) + 1)):
            bad.append(said)
    return bad, prefixes
