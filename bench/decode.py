"""
How fast streams are decoded, beside the vendors' SDKs and httpx-sse, in one run.

Every reader gets the same bytes from the same httpx response, 4 KiB at a time. Rates are medians
of interleaved rounds, CPU time. The SDKs decode a tenth of the stream: their rate is the same, their
time is not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from statistics import median

from harness import ROOT, SCRATCH, Row

PACKAGES = ["openai", "anthropic", "httpx", "httpx-sse", "msgspec"]
ROUNDS = 3


def rows() -> list[Row]:
    python = _environment()
    rates: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, rate in _run(python, "rates").items():
            rates.setdefault(name, []).append(rate)
    mid = {name: median(values) for name, values in rates.items()}
    chat, messages = mid["ours openai_chat"], mid["ours anthropic"]
    lines = _run(python, "lines")
    sizes = _run(python, "sizes")

    def row(name: str, ours: float, goal: float) -> Row:
        ratio = ours / mid[name]
        figure = f"{ratio:.1f} x ({ours:,.0f} against {mid[name]:,.0f} events/s)"
        return Row(f"decode speed >= {goal:g} x {name}", figure, ratio >= goal)

    growth = sizes["100"] / sizes["1"] / 100
    return [
        row("openai SDK", chat, 20),
        row("anthropic SDK", messages, 4),
        row("httpx-sse + json", chat, 2.5),
        Row("linear from 1 MB to 100 MB", f"{growth:.2f} x the time a byte", growth <= 1.2),
        Row(
            "one 20 MB line <= 2 x the time of short lines",
            f"{lines['ratio']:.2f} x ({lines['long']:.2f} s against {lines['short']:.2f} s)",
            lines["ratio"] <= 2,
        ),
    ]


def _environment() -> str:
    home = SCRATCH / "venvs" / "decode"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return str(python)


def _run(python: str, what: str) -> dict[str, float]:
    command = [python, str(ROOT / "bench" / "decoders.py"), what]
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(f"bench: {what}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)
