"""
100,000 mutated streams: only events or our own errors come out, in bounded time and memory.

Seeds are the recordings (IPYLLM_WIRE, else ../shared/wire) and the project's own cassettes' bodies.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness import ROOT, Row

from ipyllm.decoding import decode
from ipyllm.dialects import APIS
from ipyllm.errors import IpyllmError
from ipyllm.events import Finish

WIRE = Path(os.environ.get("IPYLLM_WIRE") or ROOT.parent / "shared" / "wire")
STREAMS = 100_000
LIMIT = 5  # seconds for one stream
LARGEST = 24_000  # bytes of a seed
# Pieces that reach far into a decoder: other types, other ends, other frames.
MORSELS = [b"null", b"[]", b"{}", b'""', b"0", b"-1", b"1e999", b"NaN", b"true", b"[[[[[[[["]
MORSELS += [b"\n", b"\n\n", b"\r", b"\r\n\r\n", b"\xef\xbb\xbf", b"\xff", b"\x00", b"\\ud83d"]
MORSELS += [b"data:", b"data: [DONE]\n\n", b"event: error\n", b": ping\n\n", b'{"error":"x"}\n\n']
MORSELS += [b'data: {"error":{"message":"x","code":529}}\n\n', b"\xe2\x80\xa8", b"[" * 2000]
NAMES = {"openai_compat": "openai_chat", "vllm_chat": "openai_chat", "llamacpp_chat": "openai_chat"}
NAMES |= {"vllm_completions": "openai_completions", "llamacpp_completions": "openai_completions"}
NAMES |= {"llamacpp_native": "llamacpp", "llamacpp_anthropic": "anthropic"}
NAMES |= {"llamacpp_responses": "openai_responses", "openai_realtime_ws": "openai_responses"}


def rows() -> list[Row]:
    started = time.monotonic()
    halves = [(seed, STREAMS // 2) for seed in (1, 2)]
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(worker, halves))
    took = time.monotonic() - started
    worst = max(half["slowest"] for half in found)
    grown = max(half["grown"] for half in found)
    bad = [line for half in found for line in half["bad"]]
    print("\n".join(bad[:20]))
    figure = (
        f"{sum(half['count'] for half in found):,} streams of {found[0]['seeds']} seeds, "
        f"{len(bad)} with anything else; slowest {1e3 * worst:.0f} ms; peak memory "
        f"+{grown / 1024:.0f} MB; {took:.0f} s"
    )
    goal = "100,000 mutated streams: only events or our errors, no hang, memory bounded"
    return [Row(goal, figure, not bad and worst < LIMIT and grown < 200 * 1024)]


def worker(job: tuple[int, int]) -> dict[str, Any]:
    seed, count = job
    dice = random.Random(seed)
    seeds = bodies()
    signal.signal(signal.SIGALRM, _too_long)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest, bad = 0.0, []
    for number in range(count):
        api, raw = dice.choice(seeds)
        if dice.random() < 0.1:
            api = dice.choice(list(APIS))  # the wrong grammar
        mutant = mutate(raw, dice, seeds)
        started = time.perf_counter()
        signal.alarm(LIMIT)
        try:
            said = wrong(api, pieces(mutant, dice))
        except Exception as exc:  # noqa: BLE001 - what is looked for
            said = f"{type(exc).__name__}: {exc}"
        signal.alarm(0)
        slowest = max(slowest, time.perf_counter() - started)
        if said:
            bad.append(f"seed {seed}, stream {number}, {api}: {said[:300]}")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"count": count, "seeds": len(seeds), "slowest": slowest, "bad": bad, "grown": grown}


def wrong(api: str, chunks: list[bytes]) -> str:
    """What is not as it must be; "" for nothing."""
    try:
        events = list(decode(api, chunks))
    except IpyllmError:
        return ""
    ends = [event for event in events if isinstance(event, Finish)]
    if len(ends) != 1 or not isinstance(events[-1], Finish):
        return f"{len(ends)} ends"
    for event in events:
        repr(event).encode()  # no half of a surrogate pair may come out
    return ""


def mutate(raw: bytes, dice: random.Random, seeds: list[tuple[str, bytes]]) -> bytes:
    out = bytearray(raw)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        at, end = sorted(dice.randrange(len(out) + 1) for _ in range(2))
        match dice.randrange(8):
            case 0:
                out[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del out[at : min(end, at + 200)]
            case 2:
                out[at:at] = out[at : min(end, at + 500)]
            case 3:
                out[at:at] = dice.choice(MORSELS)
            case 4:
                value = raw.find(b":", at)
                out[value + 1 : value + 1 + dice.randrange(8)] = dice.choice(MORSELS)
            case 5:
                other = dice.choice(seeds)[1]
                cut = dice.randrange(len(other))
                out[at:at] = other[cut : cut + 500]
            case 6:
                del out[at:]
            case _:
                out[at:at] = dice.choice(MORSELS) * dice.randrange(1, 40)
        if not out:
            break
    return bytes(out)


def pieces(raw: bytes, dice: random.Random) -> list[bytes]:
    places = sorted(dice.randrange(len(raw) + 1) for _ in range(dice.choice((0, 1, 10, 60))))
    edges = [0, *places, len(raw)]
    return [raw[a:b] for a, b in pairwise(edges)]


def bodies() -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for path in sorted(WIRE.glob("*/*/*")):
        api = NAMES.get(path.parts[-3], path.parts[-3])
        if api in APIS and path.name.startswith(("body.", "frames.")):
            found.append((api, path.read_bytes()[:LARGEST]))
    if not found:
        sys.exit(f"bench: no recordings in {WIRE}; name their folder in IPYLLM_WIRE")
    return found


def _too_long(*_: object) -> None:
    raise TimeoutError(f"longer than {LIMIT} s")
