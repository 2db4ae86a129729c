"""Opening JupyterLab with its extension and without, and what the extension's scripts weigh."""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from harness import ROOT, Row

sys.path.insert(0, str(ROOT / "tests"))
from browser.lab import FLAGS, Lab
from playwright.sync_api import Browser, sync_playwright

BUILT = ROOT / "js" / "labextension" / "dist"
OPENED = 10
UNCOUNTED = 2  # pairs: the servers' and the browser's own first times
# Milliseconds from the click until JupyterLab is there: its plugins have started, and it is laid out.
WATCH = """
let app;
Object.defineProperty(window, "jupyterapp", {
  get: () => app,
  set: value => {
    app = value;
    app.restored.then(() => requestAnimationFrame(() => { window.opened = performance.now(); }));
  },
});
"""


def rows() -> list[Row]:
    return [*opening(), weight()]


def weight() -> Row:
    """All scripts, each by itself as the server sends them."""
    sizes = {
        path.name.split(".")[0]: len(gzip.compress(path.read_bytes(), 9))
        for path in sorted((BUILT / "static").glob("*.js"))
    }
    total = sum(sizes.values())
    parts = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    return Row(
        "JupyterLab extension <= 60 KB gzip", f"{total:,} bytes: {parts}", total <= 60 * 1024
    )


def opening() -> list[Row]:
    took: dict[bool, list[float]] = {False: [], True: []}
    with (
        _lab(extended=False) as plain,
        _lab(extended=True) as extended,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for number in range(UNCOUNTED + OPENED):
            pair = [(False, plain), (True, extended)]
            for with_it, lab in pair if number % 2 else pair[::-1]:
                opened = _open(chromium, lab)
                if number >= UNCOUNTED:
                    took[with_it].append(opened)
        chromium.close()
    with_it, without = median(took[True]), median(took[False])
    figure = f"{with_it:.0f} ms with it, {without:.0f} without: medians of {OPENED}"
    holds = with_it - without <= 30
    return [Row("opening JupyterLab <= 30 ms slower with the extension", figure, holds)]


def _open(chromium: Browser, lab: Lab) -> float:
    """One opening by somebody who was never there."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(f"{lab.url}/lab?reset&token={lab.token}")
    page.wait_for_function("() => window.opened", timeout=60_000)
    opened = page.evaluate("window.opened")
    context.close()
    return float(opened)


@contextmanager
def _lab(*, extended: bool) -> Iterator[Lab]:
    folder = Path(tempfile.mkdtemp(prefix="ipyllm-bench-"))
    config = folder / "config" / "labconfig"
    config.mkdir(parents=True)
    disabled = '{"disabledExtensions": {"ipyllm": %s}}' % ("false" if extended else "true")
    (config / "page_config.json").write_text(disabled)
    if extended:
        shutil.copytree(BUILT, folder / "data" / "labextensions" / "ipyllm")
    lab = Lab(folder, {"ipykernel7": sys.executable}, {})
    try:
        yield lab
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    print(*rows(), sep="\n")
