"""
The Jupyter Server extension: what the second kernel costs, and what survives which end.

A real server, real kernels, the embedded model. First tokens are timed from the request to the
kernel to the first delta on its IOPub channel, prompts alternating so that neither side has the
other's in the model's cache.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from harness import ROOT, Row

sys.path.insert(0, str(ROOT / "tests"))

from server.jupyter import Jupyter, Kernel

RESTARTS = 7
STARTS = 9
MOST_MB = 15.0
MOST_RATIO = 1.2
MOST_ORPHAN_S = 5.0
PROMPT = "%%llm -m local -p max_tokens=8\nSay hello to number {}."


def rows() -> list[Row]:
    scratch = tempfile.TemporaryDirectory(prefix="ipyllm-bench-")
    with scratch as folder, Jupyter(Path(folder)) as jupyter:
        measured = [*_memory(jupyter), *_restarts(jupyter), *_killed_model(jupyter)]
        measured.append(_killed_server(jupyter))
    return [*measured, _start()]


def _rss(pid: int) -> float:
    """Private and shared memory of one process, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def _asked(kernel: Kernel, number: int) -> float:
    cell = kernel.run(PROMPT.format(number))
    if cell.errors or cell.first is None:
        sys.exit(f"bench: no answer: {cell.errors}")
    return cell.first


def _memory(jupyter: Jupyter) -> list[Row]:
    first, second, idle = (jupyter.kernel() for _ in range(3))
    for kernel in (first, second, idle):
        kernel.run("%load_ext ipyllm\nimport ipyllm")
    _asked(first, 0)
    before = _rss(second.pid)
    _asked(second, 1)
    rss, floor = _rss(second.pid), _rss(idle.pid)
    more, grown = rss - floor, rss - before
    count = len(jupyter.models())
    figure = f"{more:+.1f} MB ({rss:.0f} MB; beside it {floor:.0f}); itself {grown:+.1f} MB"
    goal = f"RSS of the second kernel, over one that only loaded ipyllm, <= +{MOST_MB:.0f} MB"
    return [
        Row("two kernels on one server: one model process", f"{count}", count == 1),
        Row(goal, figure, more <= MOST_MB),
    ]


def _restarts(jupyter: Jupyter) -> list[Row]:
    kernel = jupyter.kernel()
    kernel.run("%load_ext ipyllm")
    _asked(kernel, 99)
    models = jupyter.models()
    warm: list[float] = []
    cold: list[float] = []
    for number in range(RESTARTS):
        kernel.restart()
        kernel.run("%load_ext ipyllm")
        cold.append(_asked(kernel, 100 + 2 * number))
        warm.append(_asked(kernel, 101 + 2 * number))
    first = median(cold)
    ratio = first / median(warm)
    figure = (
        f"{ratio:.2f} x: {first * 1e3:.0f} ms after a restart,"
        f" {median(warm) * 1e3:.0f} ms before it; {RESTARTS} restarts"
    )
    same = jupyter.models() == models
    return [
        Row("a kernel restart does not load the model again", "same process", same),
        Row(
            f"first token after a kernel restart <= {MOST_RATIO} x before",
            figure,
            ratio <= MOST_RATIO,
        ),
    ]


def _killed_model(jupyter: Jupyter) -> list[Row]:
    kernel = jupyter.kernel()
    kernel.run("%load_ext ipyllm")
    _asked(kernel, 200)
    (before,) = jupyter.models()
    os.kill(before, signal.SIGKILL)
    took = _asked(kernel, 201)
    (now,) = jupyter.models()
    figure = f"new process, first token after {took:.2f} s, no error"
    return [Row("kill -9 of the model process: the next call restarts it", figure, now != before)]


def _killed_server(jupyter: Jupyter) -> Row:
    (model,) = jupyter.models()
    watch = os.pidfd_open(model)
    started = time.monotonic()
    jupyter.process.kill()
    gone = bool(select.select([watch], [], [], MOST_ORPHAN_S)[0])
    took = time.monotonic() - started
    os.close(watch)
    goal = f"kill -9 of the server: no orphan in {MOST_ORPHAN_S:.0f} s"
    return Row(goal, f"model gone after {took * 1e3:.0f} ms" if gone else "still there", gone)


def _start() -> Row:
    """What loading the extension takes where jupyter_server is imported already."""
    code = (
        "import time, jupyter_server.serverapp, ipyllm\n"
        "started = time.perf_counter()\n"
        "import ipyllm.server\n"
        "from ipyllm.server.offer import Offer\n"
        "offer = Offer(); offer.publish()\n"
        "print((time.perf_counter() - started) * 1e3); offer.close()\n"
    )
    took = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(STARTS)
    ]
    goal = "a server's start is not longer by more than 30 ms"
    return Row(goal, f"{median(took):.1f} ms, median of {STARTS}", median(took) <= 30)
