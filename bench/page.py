"""In a real JupyterLab and a real Chromium: token to pixel, and the Stop button."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from harness import HARNESS, ROOT, SCRATCH, Row

sys.path.insert(0, str(ROOT / "tests"))
from browser.conftest import FLAGS
from browser.lab import Lab, NotebookPage
from mock_server import Answer, End, Hold, MockServer, Pause, Raw, Step, Token, encode
from playwright.sync_api import sync_playwright

CLICKS = 10
FLOOD = 5000  # tokens
RATE = 2000  # of them a second
AT_ONCE = 10  # tokens a write: no timer is exact to half a millisecond
# When the page shows the last token, live or static, and every task over 50 ms until then.
WATCH = """last => {
  const seen = window.seen = { at: null, tasks: [] };
  new PerformanceObserver(list => {
    for (const task of list.getEntries()) seen.tasks.push(Math.round(task.duration));
  }).observe({ type: "longtask" });
  const look = new MutationObserver(() => {
    const shown = [...document.querySelectorAll(".ipyllm-body, [data-mime-type='text/html']")];
    if (!shown.some(node => node.textContent.includes(last))) return;
    look.disconnect();
    requestAnimationFrame(() => setTimeout(() => {
      seen.at = (performance.timeOrigin + performance.now()) / 1000;
    }));
  });
  look.observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
LOSE_EVERY_20TH_DELTA = """\
%load_ext ipyllm
from ipyllm.widget.model import AnswerModel
send, deltas = AnswerModel.send, []
def lossy(self, content, buffers=None):
    if "kind" not in content:
        deltas.append(content)
        if len(deltas) % 20 == 0:
            return
    send(self, content, buffers)
AnswerModel.send = lossy
"""
CLICK = """() => {
  const button = document.querySelector('.ipyllm-stop:not([hidden])');
  const now = performance.timeOrigin + performance.now();
  button.click();
  return now / 1000;
}"""


def rows() -> list[Row]:
    return [*pixels(), *floods(), *stops()]


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
    all_seen = row["markers"] == row["of"]
    holds = middle <= 60 and worst <= 250 and all_seen and not row["long_task_ms"]
    return [
        Row(
            "JupyterLab, 1,500 tokens at 100/s: token to pixel p50 <= 60 ms, max <= 250 ms, no long task",
            figure,
            holds,
        )
    ]


def floods() -> list[Row]:
    """Many tokens at once, and messages that are lost."""
    mock = MockServer()
    folder = Path(tempfile.mkdtemp(prefix="ipyllm-bench-"))
    lab = Lab(folder, {"ipykernel7": sys.executable}, {"LLAMACPP_BASE_URL": mock.base_url})
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
            out = [_flood(chromium.new_page(), lab, mock), _lossy(chromium.new_page(), lab, mock)]
            chromium.close()
    finally:
        lab.stop()
        mock.close()
        shutil.rmtree(folder, ignore_errors=True)
    return out


def _flood(page: Any, lab: Lab, mock: MockServer) -> Row:
    sources = ["%load_ext ipyllm", *2 * ["%%llm -m llamacpp/m\nHi"]]
    notebook = NotebookPage(page, lab, lab.write("flood", sources, "ipykernel7"))
    notebook.run(0)
    mock.tokens(10)  # the first widget of a page fetches the bundle
    notebook.run(1)
    mock.reset()
    wall = time.time() - time.monotonic()
    words = [f"t{number}" + (" " if number % 40 else "\n\n") for number in range(FLOOD)]
    flood = _Paced(words)
    mock.respond(Answer(flood))
    notebook.cell(2).locator(".jp-InputArea-editor").click()  # 40 to 55 ms of JupyterLab's own
    page.evaluate(WATCH, f"t{FLOOD - 1}")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => window.seen.at !== null")
    seen = page.evaluate("() => window.seen")
    first, *_, last = flood.written
    late = 1e3 * (seen["at"] - wall - last)
    speed = (FLOOD - AT_ONCE) / (last - first)
    figure = f"{late:.0f} ms after the last was written, at {speed:,.0f}/s; long tasks {seen['tasks']} ms"
    return Row(
        "JupyterLab, 5,000 tokens at 2,000/s: all shown <= 300 ms after the last, no long task",
        figure,
        late <= 300 and not seen["tasks"],
    )


class _Paced(list[Step]):
    """
    Steps of an answer at `RATE`.

    By the clock and not by the length of its pauses: a mock that was late catches up.

    * `written`: when each write was done, monotonic seconds.
    """

    def __init__(self, words: list[str]) -> None:
        super().__init__([End()])
        cuts = range(0, len(words), AT_ONCE)
        self._writes = [
            b"".join(encode(Token(word), 0) for word in words[at : at + AT_ONCE]) for at in cuts
        ]
        self.written: list[float] = []

    def __iter__(self) -> Iterator[Step]:
        start = time.monotonic()
        for number, data in enumerate(self._writes):
            yield Pause(max(start + number * AT_ONCE / RATE - time.monotonic(), 0.0))
            yield Raw(data)
            self.written.append(time.monotonic())
        yield from super().__iter__()


def _lossy(page: Any, lab: Lab, mock: MockServer) -> Row:
    sources = [LOSE_EVERY_20TH_DELTA, "%%llm -m llamacpp/m\nHi", "print(len(deltas))"]
    notebook = NotebookPage(page, lab, lab.write("lossy", sources, "ipykernel7"))
    notebook.run(0)
    mock.reset()
    gate = mock.gate()
    words = [f"t{number}" for number in range(600)]
    steps = [step for word in words for step in (Token(f"{word} "), Pause(0.01))]
    mock.answer(*steps, Hold(gate), End())
    notebook.start(1)
    notebook.wait_for_output(1, words[-1], limit=60)
    shown = page.locator(".ipyllm-text").inner_text().split()
    gate.open()
    notebook.wait_done(1)
    notebook.run(2)
    deltas = int(notebook.output_text(2))
    whole = len(set(words) & set(shown))
    figure = f"{deltas // 20} of {deltas} lost; {whole} of {len(words)} words shown live, {len(shown)} in all"
    return Row("every 20th delta dropped: the text is complete", figure, shown == words)


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
