"""
Measures what must hold, and writes bench/RESULTS.md.

    python3 dev.py bench                 everything (about 10 minutes; nothing else may run)
    python3 dev.py bench stream          one of the parts; the others' last results stay

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

PARTS = (
    *("stream", "interrupts", "page", "markdown", "decode", "fuzz"),
    *("partial_json", "early_abort", "text_calls", "budget", "browser_model"),
    *("replay", "grid", "server_ext", "labextension", "metrics", "notebooks"),
)
SECTIONS = SCRATCH / "sections"
INTRO = """# What must hold, measured

Ratios are medians of pairs within one interleaved run; absolute times depend on the machine.
"""


def main(names: list[str]) -> int:
    SECTIONS.mkdir(parents=True, exist_ok=True)
    unknown = set(names) - set(PARTS)
    if unknown:
        sys.exit(f"bench: {', '.join(unknown)} is none of {', '.join(PARTS)}")
    held = True
    for name in names or PARTS:
        rows = importlib.import_module(name).rows()
        held = held and all(row.holds for row in rows)
        print(f"\n{table(rows)}", flush=True)
        (SECTIONS / f"{name}.md").write_text(section(name, rows), encoding="utf-8")
    made = [SECTIONS / f"{name}.md" for name in PARTS]
    texts = [path.read_text("utf-8") for path in made if path.exists()]
    Path(__file__).with_name("RESULTS.md").write_text("\n".join([INTRO, *texts]), encoding="utf-8")
    return 0 if held else 1


def table(rows: list[Row]) -> str:
    return "\n".join(["| must hold | measured | holds |", "|---|---|---|", *map(str, rows)])


def section(name: str, rows: list[Row]) -> str:
    system, python = f"{platform.system()} {platform.machine()}", platform.python_version()
    machine = f"{os.cpu_count()} cores, {system}, Python {python}"
    today = date.today()  # noqa: DTZ011 - the day here
    return f"## {name}\n\n`python3 dev.py bench {name}`, {today}, {machine}.\n\n{table(rows)}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
