"""The browser's model in a real JupyterLab: how late chunks are, whether all come, how fast a stop is."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from harness import ROOT, Row

sys.path.insert(0, str(ROOT / "tests"))
from browser.conftest import FLAGS
from browser.lab import Lab, NotebookPage
from playwright.sync_api import sync_playwright

CHUNKS = 2000
EVERY = 10  # ms
STOPS = 10
SIX = os.environ.get("IPYLLM_KERNEL6") or str(ROOT / ".venv-ipykernel6" / "bin" / "python")
KERNELS = {"ipykernel7": sys.executable, "ipykernel6": SIX}

# A model whose every chunk says its number and when it was made. `PLAN`: how many, how often (ms).
MODEL = """
globalThis.PLAN = { count: 3, every: 10 };
globalThis.ABORTED = [];
const now = () => performance.timeOrigin + performance.now();
globalThis.LanguageModel = class LanguageModel extends EventTarget {
  contextUsage = 0;
  contextWindow = 1e6;
  static async availability() { return "available"; }
  static async create() { return new LanguageModel(); }
  async clone() { return new LanguageModel(); }
  async measureContextUsage() { return 1; }
  destroy() {}
  promptStreaming(_input, { signal }) {
    const { count, every } = PLAN;
    const began = performance.now();
    let made = 0;
    return new ReadableStream({
      start(controller) {
        signal.addEventListener("abort", () => {
          ABORTED.push(now());
          clearInterval(timer);
          controller.error(signal.reason);
        });
        const timer = setInterval(() => {
          while (made < count && made * every <= performance.now() - began)
            controller.enqueue(`${made++}:${now().toFixed(2)} `);
          if (made < count) return;
          clearInterval(timer);
          controller.close();
        }, 1);
      },
    });
  }
};
"""
WATCH = """\
%load_ext ipyllm
import time, ipyllm
from ipyllm.run.browser import BrowserSource
came, take = [], BrowserSource._chunks
def watched(self, parts, now, deliver, marks):
    came.append((time.time(), [text for text, _ in parts]))
    take(self, parts, now, deliver, marks)
BrowserSource._chunks = watched
"""
LATE = "print(*(f'{at:.5f} {text}' for at, texts in came for text in texts), sep=chr(10))"
STOPPED = """\
try:
    get_ipython().run_cell_magic("llm", "-m browser", "go")
except KeyboardInterrupt:
    stopped = time.time()
"""


def rows() -> list[Row]:
    return [row for kernel in KERNELS for row in _of(kernel)]


def _of(kernel: str) -> Iterator[Row]:
    with _lab(kernel) as (lab, page):
        for measured in (_latency, _run_all, _stops):
            row = measured(lab, page, kernel)
            print(row, flush=True)
            yield row
            lab.shut_down_kernels()


@contextmanager
def _lab(kernel: str) -> Iterator[tuple[Lab, Any]]:
    folder = Path(tempfile.mkdtemp(prefix="ipyllm-bench-"))
    lab = Lab(folder, {kernel: KERNELS[kernel]}, {})
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
            page = chromium.new_page()
            page.add_init_script(MODEL)
            yield lab, page
            chromium.close()
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _latency(lab: Lab, page: Any, kernel: str) -> Row:
    sources = [WATCH, "%%llm -m browser\nwarm", "came.clear()", "%%llm -m browser\ngo", LATE]
    notebook = NotebookPage(page, lab, lab.write("late", sources, kernel))
    for number in range(3):
        notebook.run(number)
    page.evaluate("([count, every]) => { PLAN = { count, every }; }", [CHUNKS, EVERY])
    notebook.run(3, limit=60)
    notebook.run(4)
    saved = notebook.save()["cells"]
    text = "".join(saved[3]["outputs"][0]["data"]["text/markdown"])
    lines = "".join(saved[4]["outputs"][0]["text"]).split("\n")
    late = sorted(1e3 * _late(*line.split(" ", 1)) for line in lines if line)
    numbers = [int(word.split(":")[0]) for word in text.split()]
    lost = CHUNKS - len(set(numbers))
    moved = sum(number != place for place, number in enumerate(numbers))
    p50, p95 = median(late), quantiles(late, n=20)[-1]
    figure = (
        f"p50 {p50:.1f}, p95 {p95:.1f}, max {late[-1]:.0f} ms; {lost} lost, {moved} out of place"
    )
    must = f"{kernel}: 2,000 chunks at 100/s, p50 <= 30 ms from page to kernel, 0 lost, 0 reordered"
    return Row(must, figure, p50 <= 30 and not lost and not moved)


def _late(at: str, text: str) -> float:
    return float(at) - float(text.split(":")[1]) / 1e3


def _run_all(lab: Lab, page: Any, kernel: str) -> Row:
    cells = [f"%%llm -m browser -o a{i}\ngo\n" if i % 2 else f"b{i} = {i}" for i in range(6)]
    sources = [
        "%load_ext ipyllm",
        *cells,
        "print(len(a1.split()), len(a3.split()), len(a5.split()), b0 + b2 + b4)",
    ]
    notebook = NotebookPage(page, lab, lab.write("all", sources, kernel))
    page.evaluate("() => { PLAN = { count: 50, every: 10 }; }")
    notebook.run_all()
    notebook.wait_for_output(7, "50")
    said = notebook.output_text(7).strip()
    must = f"{kernel}: Run All with three browser cells and three others runs them all"
    return Row(must, f"the last cell says {said!r}", said == "50 50 50 6")


def _stops(lab: Lab, page: Any, kernel: str) -> Row:
    sources = [WATCH, STOPPED, "print(stopped, len(_llm.split()))"]
    notebook = NotebookPage(page, lab, lab.write("stops", sources, kernel))
    notebook.run(0)
    page.evaluate("() => { PLAN = { count: 1e6, every: 10 }; }")
    raised: list[float] = []
    aborted: list[float] = []
    kept = True
    for _ in range(STOPS):
        page.evaluate("() => { ABORTED.length = 0; }")
        notebook.start(1)
        notebook.wait_for_output(1, "5:")
        ident = lab.api("kernels")[0]["id"]
        asked = time.time()
        lab.api(f"kernels/{ident}/interrupt", "POST")
        notebook.wait_done(1)
        aborted.append(1e3 * (page.evaluate("() => ABORTED[0]") / 1e3 - asked))
        notebook.run(2)
        at, words = notebook.output_text(2).split()
        raised.append(1e3 * (float(at) - asked))
        kept = kept and int(words) >= 5
        time.sleep(1.1)  # within a second another interrupt means the same one
    figure = (
        f"{STOPS} times: KeyboardInterrupt p50 {median(raised):.0f}, max {max(raised):.0f} ms; abort in the"
        f" browser p50 {median(aborted):.0f}, max {max(aborted):.0f} ms; text kept: {kept}"
    )
    must = f"{kernel}: interrupt: KeyboardInterrupt <= 300 ms, browser abort <= 400 ms, text kept"
    return Row(must, figure, max(raised) <= 300 and max(aborted) <= 400 and kept)
