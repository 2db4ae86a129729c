"""Cassettes: how near a replay comes to the times it was recorded with, and how fast it can be."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from harness import ROOT, Row

sys.path.insert(0, str(ROOT / "src"))


from ipyllm.providers import Target
from ipyllm.request import Request
from ipyllm.run.pump import Run
from ipyllm.run.sink import NullSink
from ipyllm.run.source import HttpSource, Source, source_for
from ipyllm.testing import replay
from ipyllm.transport.limits import Limits
from ipyllm.widget import output
from ipyllm.widget.sink import WidgetSink

TOKENS = 400  # of the timed answer
DELTAS = 60_000  # of the fast one
TARGET = Target("vllm", "m", "openai_chat", "http://offline")
ASKED = Request("m", ({"role": "user", "content": "Hi"},))


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.jsonl"
        return [timed(path), fast(path)]


def timed(path: Path) -> Row:
    """Arrivals as the run sees them, against the recording's; gaps of 0 to 25 ms, some together."""
    random = Random(1)
    times = [200.0]
    while len(times) < TOKENS:
        times.append(round(times[-1] + random.choice((0.0, 0.4, 3.0, 10.0, 25.0)), 2))
    write(path, times)
    off: list[float] = []
    for _ in range(3):
        source = _Watched(path)
        with replay(path, speed=1):
            run = Run(source.made(), NullSink(), clock=time.perf_counter)
            run.start()
            run.pump()
        off += [abs(came - due) for came, due in zip(source.arrived(), times, strict=True)]
    off.sort()
    p95 = off[len(off) * 95 // 100]
    figure = f"p95 {p95:.2f} ms, max {off[-1]:.2f} ms of {len(off)} arrivals"
    return Row("replay at speed 1: arrivals within 5 ms p95 of the recording", figure, p95 <= 5)


class _Watched:
    """A source whose arrivals are kept, in ms since it was sent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sent = 0.0
        self.seen: list[float] = []

    def made(self) -> Source:
        source = source_for("vllm/m", ASKED, Limits())
        asked = source.run

        async def run(deliver: Any, marks: Any) -> None:
            def both(item: Any) -> None:
                if isinstance(item, bytes):
                    self.sent = marks.sent
                    self.seen.append(marks.clock())
                deliver(item)

            await asked(both, marks)

        source.run = run
        return source

    def arrived(self) -> list[float]:
        return [1e3 * (at - self.sent) for at in self.seen[:TOKENS]]


def fast(path: Path) -> Row:
    """Run, coalescer and widget sink; what would go to the page goes nowhere."""
    write(path, [float(n) for n in range(DELTAS)])
    count: list[int] = []
    output.display = lambda *_, **__: _Handle()  # no page
    best = 0.0
    for _ in range(3):
        with replay(path, speed=0):
            run = Run(source_for("vllm/m", ASKED, Limits()), WidgetSink())
            start = time.perf_counter()
            run.start()
            reply = run.pump()
            run.settle(reply, "")
            best = max(best, DELTAS / (time.perf_counter() - start))
        count.append(reply.timing.tokens or 0)
    figure = f"{best:,.0f} deltas/s, best of 3, the recording's lookup and the static HTML included"
    whole = all(tokens == DELTAS for tokens in count)
    return Row(
        "replay at speed 0: >= 20,000 deltas/s into the widget", figure, best >= 2e4 and whole
    )


class _Handle:
    def update(self, *_: object, **__: object) -> None:
        """Nobody looks."""


def write(path: Path, times: list[float]) -> None:
    """A cassette of one delta at each time."""
    body = body_of()
    header = {"ipyllm": 1, "api": "openai_chat", "model": "vllm/m", "request": body}
    header |= {"headers": {"content-type": "text/event-stream"}, "ms": 50.0, "status": 200}
    lines = [json.dumps(header)]
    for number, ms in enumerate(times):
        lines.append(json.dumps([ms, event({"delta": {"content": f"t{number} "}})]))
    end = event({"delta": {}, "finish_reason": "stop"}) + "data: [DONE]\n\n"
    lines += [json.dumps([times[-1] + 1, end]), json.dumps([times[-1] + 1, None])]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def body_of() -> dict[str, object]:
    return HttpSource(TARGET, ASKED, Limits())._body()  # noqa: SLF001 - what has to be equal


def event(choice: dict[str, object]) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\n\n"


if __name__ == "__main__":
    print(*rows(), sep="\n")
