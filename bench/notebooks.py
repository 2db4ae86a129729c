"""All notebooks by nbval, twice in a row, on a machine without network, weights, keys or settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time

from harness import ROOT, Row

GOAL = "nbval passes on all notebooks twice in a row without network"
ALONE = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
NBVAL = ("-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-p", "no:randomly", "notebooks")


def rows() -> list[Row]:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return [Row(GOAL, "not run: no network namespaces here", holds=False)]
    runs = [_run(), _run()]
    said = "; then ".join(f"{summary} ({seconds:.0f} s)" for summary, seconds, _ in runs)
    return [Row(GOAL, said, all(passed for _, _, passed in runs))]


def _run() -> tuple[str, float, bool]:
    with tempfile.TemporaryDirectory() as home:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "IPYLLM_CACHE": home,  # where weights would be
            "IPYLLM_CASSETTES": str(ROOT / "notebooks" / "cassettes"),
            "IPYLLM_CASSETTES_MODE": "replay",
            "IPYLLM_CASSETTES_SPEED": "0",
        }
        began = time.perf_counter()
        command = (*ALONE, sys.executable, *NBVAL)
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
    summary = (done.stdout.strip().splitlines() or [done.stderr])[-1].partition(" in ")[0]
    return summary, time.perf_counter() - began, done.returncode == 0
