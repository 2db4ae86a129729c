"""
Measures what must hold, and writes bench/RESULTS.md.

    python3 dev.py bench                 everything (about 15 minutes; nothing else may run)
    python3 dev.py bench stream          one of stream, interrupts, browser: prints, writes nothing

Ratios are taken against floors in the same, interleaved run. The floors and the scripted server
are those of the peers' harness (IPYLLM_BENCH, else ../shared/bench).
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from datetime import date
from pathlib import Path

from harness import SCRATCH, Row

PARTS = ("stream", "interrupts", "browser")


def main(names: list[str]) -> int:
    SCRATCH.mkdir(exist_ok=True)
    unknown = set(names) - set(PARTS)
    if unknown:
        sys.exit(f"bench: {', '.join(unknown)} is none of {', '.join(PARTS)}")
    found: dict[str, list[Row]] = {}
    for name in names or PARTS:
        found[name] = importlib.import_module(name).rows()
        print(f"\n## {name}\n\n{table(found[name])}", flush=True)
    if not names:
        Path(__file__).with_name("RESULTS.md").write_text(report(found), encoding="utf-8")
    return 0 if all(row.holds for rows in found.values() for row in rows) else 1


def table(rows: list[Row]) -> str:
    return "\n".join(["| must hold | measured | holds |", "|---|---|---|", *map(str, rows)])


def report(found: dict[str, list[Row]]) -> str:
    system, python = f"{platform.system()} {platform.machine()}", platform.python_version()
    machine = f"{os.cpu_count()} cores, {system}, Python {python}"
    parts = [f"## {name}\n\n{table(rows)}\n" for name, rows in found.items()]
    return (
        "# What must hold, measured\n\n"
        f"`python3 dev.py bench`, {date.today()}, {machine}. Ratios are medians of pairs within one"  # noqa: DTZ011
        " interleaved run; absolute times depend on the machine.\n\n" + "\n".join(parts)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
