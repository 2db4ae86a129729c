"""
The peers' harness beside this repository, and what our measurements share with it.

It is looked for in IPYLLM_BENCH, else in ../shared/bench. Its environments and scratch files
go to .bench/ here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCRATCH = ROOT / ".bench"
HARNESS = Path(os.environ.get("IPYLLM_BENCH", ROOT.parent / "shared" / "bench")).resolve()

os.environ.setdefault("BENCH_VENVS", str(SCRATCH / "venvs"))
os.environ.setdefault("BENCH_WORK", str(SCRATCH / "work"))
os.environ.setdefault("IPYLLM_REPO", str(ROOT))

Runs = dict[tuple[str, str], list[dict[str, Any]]]


@dataclass(frozen=True)
class Row:
    """One line of "Must hold": what was asked, what was measured, whether it holds."""

    goal: str
    figure: str
    holds: bool

    def __str__(self) -> str:
        return f"| {self.goal} | {self.figure} | {'yes' if self.holds else '**no**'} |"


def run_peers(name: str, peers: str, scenarios: str, reps: int) -> Runs:
    """Run the harness, interleaved; gives its rows by (scenario, peer)."""
    if not HARNESS.is_dir():
        sys.exit(f"bench: the peers' harness is not at {HARNESS}; name it in IPYLLM_BENCH")
    out = SCRATCH / "results" / name
    (out / "runs.jsonl").unlink(missing_ok=True)
    command = [sys.executable, str(HARNESS / "bench.py"), "run", "--peers", peers]
    command += ["--reps", str(reps), "--scenarios", scenarios, "--out", str(out)]
    subprocess.run(command, check=True, cwd=SCRATCH)
    runs: Runs = defaultdict(list)
    for line in (out / "runs.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["scenario"] == "FAILED":
            sys.exit(f"bench: {row['peer']}: {row['error']}")
        runs[row["scenario"], row["peer"]].append(row)
    return runs


def installed(name: str) -> dict[str, Any]:
    return json.loads((SCRATCH / "results" / name / "install.json").read_text())


def mid(rows: list[dict[str, Any]], key: str) -> float:
    return median(row[key] for row in rows if row.get(key) is not None)


def paired(ours: list[dict[str, Any]], other: list[dict[str, Any]], key: str) -> float:
    """Median of the ratios pair by pair: what the machine's speed did to both falls out."""
    return median(a[key] / b[key] for a, b in zip(ours, other, strict=True))
