"""The live Markdown in a real Chromium: right, safe, never drawn anew, and cheap at any length."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from harness import ROOT, SCRATCH, Row

sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "widget"))
import test_agreement
from attacks import ATTACKS
from browser.conftest import FLAGS
from browser.test_markdown import STREAM, UNSAFE
from playwright.sync_api import sync_playwright

import hatch_build
from ipyllm.widget.markdown import BlockRenderer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

HERE = Path(__file__).with_name("markdown")
WIDGET = ROOT / "js" / "widget"
CHUNK = 64
WINDOW = 14  # flushes at the end whose mean is a figure; 1 KB has 16
REPEATS = 3
PEERS = ("naive", "morph", "memo", "streaming")
BUDGETS = {"widget.js": 30_000, "highlight.js": 15_000, "structure.js": 10_000}  # bytes, gzip -9

PAGE = """() => {
  document.body.innerHTML = '<div class="ipyllm" style="width:800px"></div>';
  window.make = (name) => {
    const home = document.querySelector('.ipyllm');
    home.replaceChildren();
    if (name === 'ours') {
      // Its clock stands still: no paint is put off, every flush is paid for.
      window.view = new ours.MarkdownView('ipyllm-prose jp-RenderedHTMLCommon', {}, () => 0);
      home.append(view.node);
    } else {
      const node = document.createElement('div');
      home.append(node);
      window.view = peers[name](node);
    }
  };
  window.flush = (text, size) => {
    for (let at = 0; at < text.length; at += size) {
      view.append(text.slice(at, at + size));
      view.paint();
      document.body.offsetHeight;
    }
  };
}"""


def answer(size: int) -> str:
    """Like an answer: headings, lists, tables, code, quotes, links, formulas."""
    parts: list[str] = []
    length = 0
    while length < size:
        n = len(parts)
        part = (
            f"## Part {n}: what *streaming* does\n\n"
            f"Text arrives in **small pieces**, see [the notes](https://example.org/{n}), and `flush()` "
            + "shows them as they come; a reader begins to read long before the last of them was sent.\n\n"
            * 2
            + "- first, a *short* item\n- second, with `code` in it\n- third, and **bold**\n\n"
            + "| name | value | unit |\n|---|--:|---|\n| time | 12 | ms |\n| rate | 34 | 1/s |\n\n"
            + "```python\ndef flush(text: str) -> int:\n    total = 0\n    for letter in text:\n"
            + "        total += len(letter)\n    return total\n```\n\n"
            + "> A quote, said by somebody, of some length.\n\n"
            + "$$\na^2 + b^2 = c^2\n$$\n\n1. One step\n2. Another step\n\n"
        )
        parts.append(part)
        length += len(part)
    return "".join(parts)[:size]


def code(lines: int) -> str:
    return "```python\n" + "".join(f"    value_{i} = compute({i}, 'text')\n" for i in range(lines))


def table(count: int) -> str:
    return "| a | b | c |\n|---|---|--:|\n" + "".join(
        f"| row {i} | *some* text of `{i}` | {i * 7} |\n" for i in range(count)
    )


def items(count: int) -> str:
    return "".join(f"- item number {i} of a **long** list, with text\n" for i in range(count))


# Streams it, and gives how many nodes of blocks that were final were taken out or made anew, how many blocks
# there were, and the selection that was made in the first.
REMADE = """([text, size]) => {
  make('ours');
  const final = new Set(), watch = new MutationObserver(() => {});
  watch.observe(view.node, {subtree: true, childList: true});
  let remade = 0, selected = null;
  for (let at = 0; at < text.length; at += size) {
    view.append(text.slice(at, at + size));
    view.paint();
    for (const {target, removedNodes} of watch.takeRecords())
      remade += [...removedNodes].filter((node) => final.has(node) || final.has(target)).length;
    for (const block of [...view.node.querySelectorAll('.ipyllm-section > *')].slice(-12, -3))
      if (!final.has(block)) for (const node of [block, ...block.querySelectorAll('*')]) final.add(node);
    if (!selected && final.size) getSelection().selectAllChildren(selected = view.node.querySelector('h2'));
  }
  view.finish();
  return [remade, final.size, String(getSelection()), selected.textContent];
}"""
# The share of moments in which marks are seen that are no text.
RAW = """([text]) => {
  make('ours');
  let raw = 0, moments = 0;
  for (let at = 0; at < text.length; at += 4, moments++) {
    view.append(text.slice(at, at + 4));
    view.paint();
    const copy = view.node.cloneNode(true);
    for (const code of copy.querySelectorAll('code, .ipyllm-code')) code.remove();
    const seen = copy.textContent.replace('2 * 3', '').replace('2 *', '').replace('snake_case', '');
    raw += /\\*|`|~|\\]\\(|\\[|^#|\\|| _|_ |snake_$/m.test(seen);
  }
  return raw / moments;
}"""


def rows() -> list[Row]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        try:
            measured = [*whole_answer(chromium), *growth(chromium), *extremes(chromium)]
            held = [*steadiness(chromium), *safety(chromium)]
        finally:
            chromium.close()
    return [*correctness(), *measured, *held, *sizes()]


def correctness() -> list[Row]:
    spec, all_specs = vitest("spec.test.ts", "example ")
    long, all_long = vitest("fuzz.test.ts", "in pieces of")
    ran = subprocess.run(
        [node(), "test/markdown/one-shot.mjs"],
        cwd=WIDGET,
        input=json.dumps(test_agreement.fuzz()),
        capture_output=True,
        text=True,
        check=True,
    )
    alike = [
        test_agreement.rendered(source) == test_agreement.normal(html)
        for source, html in json.loads(ran.stdout)
    ]
    same = sum(alike[:652])
    fuzz = f"{long} of {all_long}; {sum(alike[652:])} of {len(alike) - 652} heaps of morsels agree"
    return [
        Row(
            "CommonMark 0.31, a character at a time: 652 of 652 as markdown-it; markdown-it-py too",
            f"{spec} of {all_specs}; {same} of 652",
            spec == all_specs == same == 652,
        ),
        Row(
            "long documents in pieces of 1, 5, 7, 64: all as at once; Python and page agree",
            fuzz,
            long == all_long > 100 and all(alike),
        ),
    ]


def vitest(name: str, prefix: str) -> tuple[int, int]:
    """Give how many tests of a file whose names begin so passed, and how many there are."""
    out = SCRATCH / "markdown" / f"{name}.json"
    command = [node(), "node_modules/vitest/vitest.mjs", "run", f"test/markdown/{name}"]
    command += ["--reporter=json", f"--outputFile={out}"]
    subprocess.run(command, cwd=WIDGET, stdout=subprocess.DEVNULL, check=False)
    files: list[dict[str, Any]] = json.loads(out.read_text("utf-8"))["testResults"]
    tests = [test for file in files for test in file["assertionResults"]]
    wanted = [test["status"] for test in tests if test["title"].startswith(prefix)]
    return wanted.count("passed"), len(wanted)


def steadiness(chromium: Browser) -> list[Row]:
    page = Meter(chromium).page
    remade, nodes, selection, wanted = page.evaluate(REMADE, [answer(30_000), CHUNK])
    kept = "kept" if selection.strip() == wanted.strip() else "lost"
    text = (WIDGET / "test" / "markdown" / "answer.md").read_text("utf-8")
    raw = page.evaluate(RAW, [text])
    return [
        Row(
            "final nodes made anew: 0, and a selection stays",
            f"{remade} of {nodes}; selection {kept}",
            remade == 0 and nodes > 1000 and kept == "kept",
        ),
        Row("raw markers seen in <= 2 % of flushes", f"{raw:.1%}", raw <= 0.02),
    ]


def safety(chromium: Browser) -> list[Row]:
    """Every moment of every attack; then the static HTML of them all, in a page of its own."""
    page = Meter(chromium).page
    asked: list[str] = []

    def refuse(route: Any) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route("**/*", refuse)
    page.evaluate("""() => {
      document.body.innerHTML = '<div id="home"></div>';
      window.MarkdownView = ours.MarkdownView;
    }""")
    unsafe = sum(len(page.evaluate(STREAM, [attack, 3, UNSAFE])) for attack in ATTACKS)
    page.wait_for_timeout(200)
    for attack in ATTACKS:
        static = BlockRenderer()
        static.feed(attack)
        page.evaluate(
            "html => { document.querySelector('#home').innerHTML = html; }", static.html()
        )
        unsafe += page.evaluate("""() => [...document.querySelectorAll('#home *')].filter((node) =>
          /^(IMG|SCRIPT|IFRAME|OBJECT|EMBED|FORM|INPUT|SVG|STYLE|LINK|META|BASE|VIDEO|AUDIO)$/i.test(node.tagName)
          || [...node.attributes].some(({name, value}) => /^on|^src/.test(name) || /url\\(/i.test(value))
          || node.tagName === 'A' && !/^(https?|mailto)?:$/.test(node.protocol) && node.protocol !== 'about:'
        ).length""")
    page.wait_for_timeout(200)
    goal = "attacks, 3 characters at a time, live and static: 0 unsafe nodes, 0 requests"
    figure = f"{len(ATTACKS)} attacks: {unsafe} unsafe, {len(asked)} requests"
    return [Row(goal, figure, unsafe == 0 and not asked and len(ATTACKS) >= 40)]


def sizes() -> list[Row]:
    out = SCRATCH / "markdown" / "bundle"
    subprocess.run([node(), "build.mjs", str(out)], cwd=WIDGET, check=True)
    zipped = {name: len(gzip.compress((out / name).read_bytes(), 9)) for name in BUDGETS}
    figure = ", ".join(f"{name} {size:,}" for name, size in zipped.items())
    holds = all(zipped[name] <= budget for name, budget in BUDGETS.items())
    return [Row("widget <= 30,000 bytes gzip, highlighting <= 15,000", figure, holds)]


def whole_answer(chromium: Browser) -> list[Row]:
    """The slow peers get as much of it as they do in some seconds: their cost grows with its length."""
    text = answer(100_000)
    meter = Meter(chromium)
    pairs = [(meter.stream("ours", text), meter.stream("streaming", text)) for _ in range(REPEATS)]
    ours = median(cost for cost, _ in pairs) / (len(text) / 4000)
    ratio = median(other / cost for cost, other in pairs)
    start = text[:10_000]
    short = median(meter.stream("ours", start) for _ in range(REPEATS))
    ratios = [f"{name} {meter.stream(name, start) / short:.1f}x" for name in PEERS]
    figure = (
        f"{ours:.1f} ms (median of {REPEATS}); as a ratio to ours streaming-markdown {ratio:.1f}x,"
    )
    figure += f" on the first 10 KB {', '.join(ratios)}"
    return [Row("Markdown, 100 KB answer: <= 40 ms of CPU per 1,000 tokens", figure, ours <= 40)]


def growth(chromium: Browser) -> list[Row]:
    meter = Meter(chromium)
    sizes = (1_000, 100_000, 1_000_000)
    runs = [[meter.at_end("ours", answer(size)) for size in sizes] for _ in range(REPEATS)]
    ratio = median(run[-1] / run[0] for run in runs)
    at = dict(zip(sizes, map(median, zip(*runs, strict=True)), strict=True))
    figure = ", ".join(f"{cost:.2f} ms at {size // 1000} KB" for size, cost in at.items())
    goal = "Markdown, a flush at 1 MB <= 2.5x one at 1 KB"
    return [Row(goal, f"{ratio:.2f}x: {figure}", ratio <= 2.5)]


def extremes(chromium: Browser) -> list[Row]:
    meter = Meter(chromium)
    texts = {"early": code(50), "late": code(5000), "rows": table(2000), "items": items(5000)}
    runs = [
        {name: meter.at_end("ours", text) for name, text in texts.items()} for _ in range(REPEATS)
    ]
    early, late, rows_, items_ = (median(run[name] for run in runs) for name in texts)
    return [
        Row(
            "Markdown, code of 5,000 lines: flat",
            f"{early:.2f}, {late:.2f} ms",
            late <= 1.5 * early,
        ),
        Row("Markdown, table of 2,000 rows: <= 5 ms a flush", f"{rows_:.2f} ms", rows_ <= 5),
        Row("Markdown, list of 5,000 items: <= 5 ms a flush", f"{items_:.2f} ms", items_ <= 5),
    ]


class Meter:
    """Main-thread CPU of flushes with a forced layout each, in a page of its own."""

    def __init__(self, chromium: Browser) -> None:
        self.page: Page = chromium.new_page(viewport={"width": 1000, "height": 800})
        self._devtools: CDPSession = self.page.context.new_cdp_session(self.page)
        self._devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        for script in scripts():
            self.page.add_script_tag(content=script)
        self.page.add_style_tag(content=(WIDGET / "src" / "theme.css").read_text("utf-8"))
        self.page.evaluate(PAGE)

    def stream(self, name: str, text: str) -> float:
        """Give the CPU (ms) of all of it."""
        self.page.evaluate("name => make(name)", name)
        return self._cpu(text)

    def at_end(self, name: str, text: str) -> float:
        """Give the mean CPU (ms) of the last flushes; what is before comes in larger pieces."""
        last = CHUNK * WINDOW
        self.page.evaluate("name => make(name)", name)
        self.page.evaluate("text => flush(text, 4096)", text[:-last])
        self._cpu(text[:0])
        return self._cpu(text[-last:]) / WINDOW

    def _cpu(self, text: str) -> float:
        before = self._seconds()
        self.page.evaluate("([text, size]) => flush(text, size)", [text, CHUNK])
        return 1e3 * (self._seconds() - before)

    def _seconds(self) -> float:
        metrics = self._devtools.send("Performance.getMetrics")["metrics"]
        return next(entry["value"] for entry in metrics if entry["name"] == "TaskDuration")


def scripts() -> list[str]:
    """Ours as it is bundled, and the peers, each as one global."""
    out = SCRATCH / "markdown"
    out.mkdir(parents=True, exist_ok=True)
    build = [node(), "build.mjs", str(out), "src/markdown/markdown-view.ts"]
    subprocess.run(build, cwd=WIDGET, check=True)
    hatch_build.install_packages(WIDGET)
    hatch_build.install_packages(HERE)
    esbuild = [str(WIDGET / "node_modules" / ".bin" / "esbuild"), "--bundle", "--format=iife"]
    for name, entry in {"ours": out / "markdown-view.js", "peers": HERE / "peers.js"}.items():
        target = [f"--global-name={name}", f"--outfile={out / name}.global.js", "--log-level=error"]
        subprocess.run([*esbuild, str(entry), *target], cwd=HERE, check=True)
    return [(out / f"{name}.global.js").read_text("utf-8") for name in ("ours", "peers")]


def node() -> str:
    return hatch_build.machine_node() or str(Path(hatch_build.wheel_node() or "") / "bin" / "node")


if __name__ == "__main__":
    print(*rows(), sep="\n")
