"""In a real JupyterLab and a real Chromium: token to pixel, and the Stop button."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from harness import HARNESS, ROOT, SCRATCH, Row

sys.path.insert(0, str(ROOT / "tests"))
from browser.conftest import FLAGS
from browser.lab import Lab, NotebookPage
from mock_server import Hold, MockServer, Token
from playwright.sync_api import sync_playwright

CLICKS = 10
CLICK = """() => {
  const button = document.querySelector('.ipyllm-stop:not([hidden])');
  const now = performance.timeOrigin + performance.now();
  button.click();
  return now / 1000;
}"""


def rows() -> list[Row]:
    return [*pixels(), *stops()]


def pixels() -> list[Row]:
    """The harness's own measurement: 1,500 tokens at 100/s, DOM and frame of 20 marked tokens."""
    out = SCRATCH / "results" / "lab"
    (out / "lab.jsonl").unlink(missing_ok=True)
    command = [sys.executable, str(HARNESS / "lab_run.py"), "--peers", "ours", "--out", str(out)]
    command += ["--n", "1500", "--itl", "0.01"]
    subprocess.run(command, check=True, cwd=SCRATCH)
    row = json.loads((out / "lab.jsonl").read_text().splitlines()[-1])
    middle, worst = row["frame_p50_ms"], row["frame_max_ms"]
    figure = (
        f"p50 {middle} ms, max {worst} ms to the frame (DOM {row['dom_p50_ms']} and {row['dom_max_ms']} ms);"
        f" {row['markers']} of {row['of']} markers, long tasks {row['long_task_ms']} ms"
    )
    holds = middle <= 60 and worst <= 250 and row["markers"] == row["of"]
    return [
        Row(
            "JupyterLab, 1,500 tokens at 100/s: token to pixel p50 <= 60 ms, max <= 250 ms",
            figure,
            holds,
        )
    ]


def stops() -> list[Row]:
    mock = MockServer()
    pythons = {"ipykernel7": sys.executable, "ipykernel6": os.environ["IPYLLM_KERNEL6"]}
    folder = Path(tempfile.mkdtemp(prefix="ipyllm-bench-"))
    lab = Lab(folder, pythons, {"LLAMACPP_BASE_URL": mock.base_url})
    out: list[Row] = []
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
            for kernel in pythons:
                for flag in ("", " --bg"):
                    page = chromium.new_page()
                    out.append(_stop(page, lab, mock, kernel, flag))
                    page.close()
            chromium.close()
    finally:
        lab.stop()
        mock.close()
        shutil.rmtree(folder, ignore_errors=True)
    return out


def _stop(page: Any, lab: Lab, mock: MockServer, kernel: str, flag: str) -> Row:
    path = lab.write(
        f"stop-{kernel}{flag.strip()}",
        ["%load_ext ipyllm", f"%%llm -m llamacpp/m{flag}\nHi"],
        kernel,
    )
    notebook = NotebookPage(page, lab, path)
    notebook.run(0)
    wall = time.time() - time.monotonic()
    waits: list[float] = []
    for number in range(CLICKS):
        mock.reset()
        mock.answer(Token(f"kept{number} "), Hold())
        notebook.start(1)
        notebook.wait_for_output(1, f"kept{number}")
        clicked = page.evaluate(CLICK) - wall
        waits.append(1e3 * (mock.exchange().wait_gone() - clicked))
        notebook.wait_done(1)
    where = f"{'background' if flag else 'cell blocked'}, {kernel}"
    figure = f"median {median(waits):.0f} ms, max {max(waits):.0f} ms of {CLICKS}, click to closed request"
    return Row(f"Stop button, {where}: <= 300 ms", figure, max(waits) <= 300)


if __name__ == "__main__":
    print(*rows(), sep="\n")
