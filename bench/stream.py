"""First output, CPU, bytes, growth, load and size, against the floors of the same run."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from harness import HARNESS, Row, installed, mid, paired, run_peers

PEERS = "floor_httpx,floor_json,ours"
REPS = 7


def rows() -> list[Row]:
    runs = run_peers("stream", PEERS, "cold,paced500,fast500,fast5000", REPS)
    grown = run_peers("growth", "ours", "fast5000,fast50000", 3)
    return [
        *first_output(runs),
        *cpu(runs),
        *streamed_bytes(),
        *all_bytes(runs),
        *growth(grown),
        *load(runs),
    ]


def first_output(runs: dict[Any, Any]) -> list[Row]:
    ours = mid(runs["paced500", "ours"], "added_first_ms")
    floor = mid(runs["paced500", "floor_json"], "added_first_ms")
    figure = f"{ours:.1f} ms, floor_json {floor:.1f} ms"
    return [
        Row("first output at 200 tokens/s: median <= floor_json + 5 ms", figure, ours <= floor + 5)
    ]


def cpu(runs: dict[Any, Any]) -> list[Row]:
    out: list[Row] = []
    for scenario, limit in (("paced500", 1.5), ("fast5000", 3.0)):
        ours, floor = runs[scenario, "ours"], runs[scenario, "floor_httpx"]
        ratio = paired(ours, floor, "cpu_s")
        each = [1e6 * mid(rows, "cpu_s") / mid(rows, "tokens") for rows in (ours, floor)]
        figure = f"{ratio:.2f} x ({each[0]:.0f} ms against {each[1]:.0f} ms)"
        goal = f"kernel CPU per 1,000 tokens, {scenario}: <= {limit:g} x floor_httpx"
        out.append(Row(goal, figure, ratio <= limit))
    for scenario in ("paced500", "fast5000"):
        ratio = paired(runs[scenario, "ours"], runs[scenario, "floor_json"], "wall_s")
        goal = f"cell time, {scenario}: <= 1.5 x floor_json's"
        out.append(Row(goal, f"{ratio:.2f} x", ratio <= 1.5))
    return out


def streamed_bytes() -> list[Row]:
    """Payload of everything the page gets while the answer streams, message by message."""
    sys.path.insert(0, str(HARNESS))
    from peers import ours  # the harness's own package

    import bench

    out: list[Row] = []
    mock = bench.Mock()
    kernel = bench.Kernel(ours, "ours", mock.base)
    try:
        kernel.execute(ours.SETUP, timeout=60)
        for name, script in (
            ("first cell", {"n": 500, "itl": 0.005}),
            ("500 tokens at 200/s", {"n": 500, "itl": 0.005}),
            ("300 tokens at 20/s", {"n": 300, "itl": 0.05}),
            ("5,000 tokens at 500/s", {"n": 5000, "itl": 0.002}),
        ):
            mock.script(run="bytes", ttft=0.1, **script)
            kernel.execute(kernel.sub(ours.CELL), keep=True)
            time.sleep(0.2)
            if name != "first cell":  # which also brings the front end, once a kernel
                out.append(_streamed(name, kernel.tap, mock.log("bytes")[-1]["text_bytes"]))
    finally:
        kernel.stop()
        mock.stop()
    return out


def _streamed(name: str, tap: Any, text: int) -> Row:
    live = [len(body) for kind, body in tap.kept if kind == "comm_msg"]
    opened = sum(len(body) for kind, body in tap.kept if kind == "comm_open")
    times = [when for when, kind in zip(tap.times, tap.kinds, strict=True) if kind == "comm_msg"]
    rate = max(sum(start <= when < start + 1 for when in times) for start in times)
    limit = 1.2 * text + 150 * len(live)
    over = (sum(live) - 1.2 * text) / len(live)
    figure = (
        f"{sum(live):,} B for {text:,} B of text in {len(live)} messages:"
        f" 1.2 x text + {over:.0f} B a message,"
        f" {rate} messages in the busiest second (the widget itself: {opened:,} B)"
    )
    goal = f"streaming payload, {name}: <= 1.2 x text + 150 B a message, <= 31 messages/s"
    return Row(goal, figure, sum(live) <= limit and rate <= 31)


def all_bytes(runs: dict[Any, Any]) -> list[Row]:
    rows = runs["fast5000", "ours"]
    sent, text = mid(rows, "iopub_bytes"), mid(rows, "text_bytes")
    limit = 8 * text + 10_000
    figure = f"{sent:,.0f} B for {text:,.0f} B of text ({(sent - 10_000) / text:.1f} x + 10 kB)"
    return [Row("all iopub bytes at 5,000 tokens: <= 8 x text + 10 kB", figure, sent <= limit)]


def growth(runs: dict[Any, Any]) -> list[Row]:
    small, large = runs["fast5000", "ours"], runs["fast50000", "ours"]
    ratios = {key: mid(large, key) / mid(small, key) for key in ("iopub_bytes", "cpu_s", "wall_s")}
    figure = ", ".join(f"{key} {value:.1f} x" for key, value in ratios.items())
    grown = max(row["peak_rss_mb"] - row["rss0_mb"] for row in large)
    return [
        Row("5,000 -> 50,000 tokens: bytes, CPU, time <= 11 x", figure, max(ratios.values()) <= 11),
        Row("peak RSS over 50,000 tokens: <= +10 MB", f"+{grown:.1f} MB (worst of 3)", grown <= 10),
    ]


def load(runs: dict[Any, Any]) -> list[Row]:
    loaded, first = mid(runs["setup", "ours"], "cpu_s"), mid(runs["cold", "ours"], "cpu_s")
    sizes = installed("stream")
    ours, kernel = sizes["ours"], sizes["kernel"]
    names = len(ours["dists"]) - len(kernel["dists"])
    megabytes = (ours["bytes"] - kernel["bytes"]) / 1e6
    figure = f"{names} distributions, {megabytes:.1f} MB"
    return [
        Row("%load_ext ipyllm: <= 0.4 s CPU", f"{loaded:.2f} s", loaded <= 0.4),
        Row("first call: <= 0.05 s CPU", f"{first:.3f} s", first <= 0.05),
        Row(
            "beyond ipykernel's own: <= 15 distributions, <= 12 MB",
            figure,
            names <= 15 and megabytes <= 12,
        ),
    ]


if __name__ == "__main__":
    print(json.dumps([str(row) for row in rows()], indent=1))
