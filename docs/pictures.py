#!/usr/bin/env python3
"""
Take the pictures of the documentation: real cells in a real JupyterLab.

    .venv/bin/python docs/pictures.py [NAME...]      all of them, or those named

The README's `hero` is answered by the embedded model; the others by the tests' scripted server,
so that each shows the very moment it is about. They go to docs/images/.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
sys.path.insert(0, str(ROOT / "tests"))

from browser.conftest import FLAGS, kernel_env  # noqa: E402 - found by the line above
from browser.lab import Lab, NotebookPage  # noqa: E402
from mock_server import (  # noqa: E402
    End,
    Hold,
    MockServer,
    Pause,
    Progress,
    Raw,
    Step,
    Token,
    chunk,
    event,
)
from playwright.sync_api import Locator, Page, sync_playwright  # noqa: E402

KERNEL = "ipyllm"
LOAD = "%load_ext ipyllm"
VIEWPORT = {"width": 1060, "height": 900}
PACE = 0.012  # seconds between two tokens

ASK = "%%llm -m llamacpp/qwen3-8b -o answer\n"
HERO = "%%llm -m local -p temperature=0\nWhy does the sky look blue? A short paragraph, please."
OTHER = "%%llm -m local\nHello?"
FASTER = ASK + "Why does streaming feel faster?"
THOUGHT = (
    "The user asks about perceived latency. The total time is the same; what differs is when the first "
    "word is seen. Mention the pace too, and that one can stop early. Keep it short, with an example. "
    "Say what is measured: time to first token."
)
TEXT = """\
### Why streaming feels faster

The model still takes the **same total time**; what changes is how soon you see the *first* word. \
Three things matter:

1. the time to the first token,
2. a steady pace after it,
3. a way to `stop` as soon as you have read enough.

| | first word | whole answer |
|---|---|---|
| streamed | 0.3 s | 8.4 s |
| not streamed | 8.4 s | 8.4 s |

So tokens should come as they are made, and \
"""
CODE = """\
Use `httpx.stream` and **read as bytes arrive**:

```python
with httpx.stream("POST", url, json=body) as response:
    for chunk in response.iter_bytes():  # cut anywhere
        decoder.feed(chunk)
```

Each chunk may hold half a frame, or several.
"""
SURE = [
    *((word, 0.99) for word in ("The ", "bridge ", "was ")),
    *(("built ", 0.86), ("between ", 0.44), ("18", 0.98), ("69 ", 0.37), ("and ", 0.99)),
    *(("18", 0.99), ("83", 0.61), (", ", 0.93), ("by ", 0.31), ("John ", 0.72), ("Roebling", 0.97)),
    *((" and ", 0.55), ("his ", 0.95), ("son ", 0.91), ("Washington", 0.83), (".", 0.99)),
]
CALLS = (
    ("get_weather", '{"city": "Berlin", "unit": "celsius"}'),
    ("get_forecast", '{"city": "Berlin", "days": 3}'),
)
FUNCTIONS = """\
def get_weather(city: str, unit: str = "celsius") -> str:
    "Weather of a city, now."
    return f"18 degrees in {city}, cloudy"

def get_forecast(city: str, days: int) -> list[dict]:
    "The days to come."
    return [{"day": day, "rain_mm": rain} for day, rain in zip(["Mon", "Tue", "Wed"], [0, 11, 6])]
"""
PERSON = """\
from dataclasses import dataclass

@dataclass
class Person:
    name: str
    born: int
    known_for: str
"""
PEOPLE = (
    '{"value": [{"name": "Ada Lovelace", "born": 1815, "known_for": "the first program"}, '
    '{"name": "Grace Hopper", "born": 1906, "known_for": "the compiler"}, '
    '{"name": "Alan Turing", "born": 1912, "known_for": "mathem'
)
RACE = """\
%%llm -m llamacpp/gemma-3-4b -m llamacpp/qwen3-8b -m llamacpp/smollm2-135m -o race
Why is the sky blue? One sentence."""
# Seconds to the first token, seconds between two, and what comes.
RUNNERS = (
    (
        0.22,
        0.035,
        "Air scatters **short** waves of light far more than long ones, so blue comes from everywhere.",
        End(),
    ),
    (
        0.75,
        0.05,
        "Sunlight is scattered by molecules of air; the strength goes with the *fourth power* of the",
    ),
    (0.12, 0.09, "The sky is blue because blue light is bent and"),
)


@dataclass(frozen=True)
class Stage:
    """What a picture is made with."""

    page: Page
    lab: Lab
    mock: MockServer

    def notebook(self, name: str, *sources: str) -> NotebookPage:
        """Open a notebook whose first cell loads the extension, and run that."""
        view = NotebookPage(self.page, self.lab, self.lab.write(name, [LOAD, *sources], KERNEL))
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        view.run(0)
        return view

    def theme(self, name: str) -> None:
        run = "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
        self.page.evaluate(run, name)
        self.page.wait_for_function(
            "name => document.body.dataset.jpThemeName === name && !document.querySelector('#jp-splash')",
            arg=name,
        )


def hero(stage: Stage) -> None:
    """A real answer while it comes."""
    notebook = stage.notebook("hero", HERO, OTHER, HERO)
    notebook.run(1, limit=120)  # loads the model
    words = notebook.wait_until_static(1).locator("p").inner_text().split()
    most = " ".join(words[: 4 * len(words) // 5])
    whole = notebook.cell(1).bounding_box()
    for _ in range(5):
        notebook.run(
            2
        )  # or the prompt would be in the model's cache, and its first token too early
        notebook.start(3)
        notebook.wait_for_output(3, most)
        shoot(notebook.cell(3), "hero", height=whole and whole["height"])
        streaming = notebook.is_running(3)
        notebook.wait_done(3)
        if streaming:
            return
    raise SystemExit("hero: the answer is over before its picture is taken")


def answering(stage: Stage) -> None:
    """An answer in mid-stream, in both themes, and one that is done."""
    gate = stage.mock.gate()
    steps = [Pause(0.3), *paced(THOUGHT, reasoning=True), *paced(TEXT)]
    stage.mock.answer(*steps, Hold(gate), End())
    notebook = stage.notebook("answering", FASTER)
    notebook.start(1)
    notebook.wait_for_output(1, "as they are made")
    shoot(notebook.cell(1), "streaming")
    stage.theme("JupyterLab Dark")
    shoot(notebook.cell(1), "streaming-dark")
    stage.theme("JupyterLab Light")
    gate.open()
    notebook.wait_done(1)


def thinking(stage: Stage) -> None:
    """Reasoning while it is all there is, and the Timing panel of an answer that streams."""
    gate = stage.mock.gate()
    stage.mock.answer(Pause(0.2), *paced(THOUGHT, reasoning=True), Hold(gate), *paced(CODE), Hold())
    notebook = stage.notebook("thinking", FASTER)
    notebook.start(1)
    notebook.wait_for_output(1, "time to first token.")
    shoot(notebook.cell(1), "thinking")
    gate.open()
    notebook.wait_for_output(1, "or several")
    notebook.output(1).get_by_role("button", name="Timing").click()
    notebook.output(1).locator(".ipyllm-panel table").first.wait_for()
    stage.page.wait_for_function("() => CSS.highlights.size > 0")  # the colours of code
    shoot(notebook.cell(1), "timing-live")


def done(stage: Stage) -> None:
    """A finished answer, its times unfolded, in both themes."""
    steps = [Pause(0.25), *paced(THOUGHT, reasoning=True), *uneven(CODE), End()]
    stage.mock.answer(*steps)
    notebook = stage.notebook("done", ASK + "How do I stream by means of httpx?")
    notebook.run(1)
    notebook.wait_until_static(1)
    shoot(notebook.cell(1), "done")
    notebook.output(1).locator("summary", has_text="tok/s").click()
    shoot(notebook.cell(1), "timing")
    stage.theme("JupyterLab Dark")
    shoot(notebook.cell(1), "timing-dark")
    stage.theme("JupyterLab Light")


def tools(stage: Stage) -> None:
    """A call that was made, and one that waits for its button."""
    calls: list[Step] = [Pause(0.1), *paced("I look it up. ")]
    for index, (name, arguments) in enumerate(CALLS):
        for start in range(0, len(arguments), 4):
            call = {"index": index, "function": {"arguments": arguments[start : start + 4]}}
            if not start:
                call = {**call, "id": f"call_{index}", "type": "function"}
                call["function"] = {**call["function"], "name": name}
            calls += [Raw(chunk({"tool_calls": [call]})), Pause(PACE)]
    stage.mock.answer(*calls, End("tool_calls"))
    stage.mock.answer(
        *paced("Take a raincoat: it will be 18 degrees, with rain from Tuesday on. "), End()
    )
    ask = ASK.replace("answer\n", "answer -T get_weather -T get_forecast --approve\n")
    notebook = stage.notebook("tools", FUNCTIONS, ask + "What should I wear in Berlin this week?")
    notebook.run(1)
    notebook.start(2)
    approve = stage.page.get_by_role("button", name="Approve")
    approve.wait_for()
    shoot(notebook.cell(2), "approve")
    approve.click()
    approve.nth(1).click()
    notebook.wait_done(2)
    notebook.wait_until_static(2)
    shoot(notebook.cell(2), "tools")


def typed(stage: Stage) -> None:
    """A list of objects as it comes."""
    cuts = [PEOPLE[start : start + 5] for start in range(0, len(PEOPLE), 5)]
    steps = [step for cut in cuts for step in (Token(cut), Pause(PACE))]
    stage.mock.answer(Pause(0.2), *steps, Hold())
    ask = ASK.replace("answer\n", "people --schema list[Person] --budget 200tok\n")
    notebook = stage.notebook("typed", PERSON, ask + "Three pioneers of computing.")
    notebook.run(1)
    notebook.start(2)
    notebook.wait_for_output(2, "mathem")
    shoot(notebook.cell(2), "typed")


def unsure(stage: Stage) -> None:
    """Tokens coloured by their probability, where the service says it."""
    stage.mock.answer(Pause(0.2), *likely(SURE), End(usage=False))
    ask = ASK.replace("answer\n", "answer -p logprobs=true\n")
    notebook = stage.notebook("unsure", ask + "When was the bridge built?")
    notebook.run(1)
    static = notebook.wait_until_static(1)
    notebook.output(1).locator("summary", has_text="first token").first.click()
    static.locator("summary", has_text="probability").click()
    shoot(notebook.cell(1), "probability")


def race(stage: Stage) -> None:
    """Three answers on one clock: one is whole, two still stream."""
    gate = stage.mock.gate()
    for wait, pace, text, *end in RUNNERS:
        words = [step for word in text.split(" ") for step in (Token(f"{word} "), Pause(pace))]
        stage.mock.answer(Pause(wait), *words, *(end or [Hold(gate), End()]))
    notebook = stage.notebook("race", RACE)
    notebook.start(1)
    for _, _, text, *_ in RUNNERS:
        notebook.wait_for_output(1, text.replace("**", "").rsplit(" ", 2)[-1])
    shoot(notebook.cell(1), "race")
    gate.open()
    notebook.wait_done(1)


def slider(stage: Stage) -> None:
    """A finished answer opened again, as it was while its bold words were not closed."""
    stage.mock.answer(Pause(0.25), *paced(TEXT), End())
    notebook = stage.notebook("slider", FASTER, "%llm show")
    notebook.run(1)
    notebook.run(2)
    notebook.output(2).get_by_role("button", name="Timing").click()
    bar = notebook.output(2).get_by_role("slider", name="time since the request")
    bar.fill(str(int(bar.get_attribute("max") or 0) * 45 // 100))
    shoot(notebook.cell(2), "slider")


def prefill(stage: Stage) -> None:
    """A long prompt being read."""
    stage.mock.answer(Pause(0.2), Progress(763, 1230), Hold())
    notebook = stage.notebook("prefill", FASTER)
    notebook.start(1)
    notebook.wait_for_output(1, "763 of 1,230 tokens")
    # The bar slides to its place.
    fill = notebook.output(1).locator(":not(.ipyllm-meter) > .ipyllm-fill")
    fill.evaluate("node => Promise.all(node.getAnimations().map(each => each.finished))")
    shoot(notebook.cell(1), "prefill")


def interrupted(stage: Stage) -> None:
    """What an interrupt leaves."""
    stage.mock.answer(*paced("Tokyo is the capital of Japan, and has been since the"), Hold())
    notebook = stage.notebook("interrupted", ASK + "What do you know about Tokyo?")
    notebook.start(1)
    notebook.wait_for_output(1, "since the")
    notebook.interrupt()
    notebook.wait_done(1)
    notebook.wait_until_static(1)
    shoot(notebook.cell(1), "interrupted")


def error(stage: Stage) -> None:
    """A service that says no."""
    stage.mock.fail(401, {"error": {"message": "Wrong API key"}})
    notebook = stage.notebook("error", FASTER)
    notebook.run(1)
    notebook.wait_until_static(1)
    shoot(notebook.cell(1), "error")


def static_nbconvert(stage: Stage) -> None:
    """The saved notebook as nbconvert writes it, its times unfolded."""
    stage.mock.answer(Pause(0.3), *uneven(CODE), End())
    notebook = stage.notebook("converted", ASK + "How do I stream by means of httpx?")
    notebook.run(1)
    notebook.wait_until_static(1)
    notebook.save()
    convert = [sys.executable, "-m", "nbconvert", "--to", "html", str(notebook.path)]
    subprocess.run(convert, check=True, capture_output=True)
    page = stage.page.context.new_page()
    page.route("http*://**", lambda route: route.abort())  # scripts it would fetch: none is needed
    page.goto(notebook.path.with_suffix(".html").as_uri())
    page.locator("summary", has_text="tok/s").click()
    shoot(page.locator(".jp-CodeCell").nth(1), "static-nbconvert")
    page.close()


SCENES: dict[str, Callable[[Stage], None]] = {
    "hero": hero,
    "answering": answering,
    "thinking": thinking,
    "done": done,
    "tools": tools,
    "typed": typed,
    "probability": unsure,
    "race": race,
    "slider": slider,
    "prefill": prefill,
    "interrupted": interrupted,
    "error": error,
    "static-nbconvert": static_nbconvert,
}


def paced(text: str, *, reasoning: bool = False) -> Iterator[Step]:
    """A token a word, at an even pace."""
    for word in text.split(" "):
        yield Token(f"{word} ", reasoning=reasoning)
        yield Pause(PACE)


def uneven(text: str) -> Iterator[Step]:
    """Tokens as a busy server gives them: some late, one very late."""
    for number, word in enumerate(text.split(" ")):
        yield Token(f"{word} ")
        late = 0.42 if number == 17 else 0.07 if number % 7 == 5 else 0.0
        yield Pause(PACE + late)


def likely(words: Sequence[tuple[str, float]]) -> Iterator[Step]:
    """Tokens, each with its probability."""
    for word, probability in words:
        content = [{"token": word, "logprob": math.log(probability), "bytes": None}]
        choice = {"index": 0, "delta": {"content": word}, "logprobs": {"content": content}}
        yield Raw(event(choices=[{**choice, "finish_reason": None}]))
        yield Pause(PACE)


def shoot(cell: Locator, name: str, *, height: float | None = None) -> None:
    """
    Take a cell's picture, with nothing in it of where the mouse or the keyboard is.

    * `height`: of the cell, where it still grows (px).
    """
    page = cell.page
    page.mouse.move(0, 0)
    page.evaluate("() => document.activeElement.blur()")
    box = cell.bounding_box()
    if box is None:
        raise SystemExit(f"{name}: the cell is not on screen")
    path = IMAGES / f"{name}.png"
    clip = {
        "x": round(box["x"]),
        "y": round(box["y"]),
        "width": round(box["width"]),
        "height": round(height or box["height"]),
    }
    IMAGES.mkdir(exist_ok=True)
    page.screenshot(path=path, clip=clip, style=QUIET, animations="disabled")
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e3:.0f} kB")


# What shows which cell is the active one is the notebook's, not the answer's.
QUIET = """
.jp-Collapser, .jp-cell-toolbar, .jp-cell-menu { visibility: hidden !important; }
.jp-Cell { outline: none !important; box-shadow: none !important; }
"""


@contextmanager
def stage() -> Iterator[Stage]:
    mock = MockServer()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder), {KERNEL: sys.executable}, kernel_env(mock))
        try:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
            context = browser.new_context(viewport=VIEWPORT, device_scale_factor=2)
            yield Stage(context.new_page(), lab, mock)
            browser.close()
        finally:
            mock.close()
            lab.stop()


def main(names: list[str]) -> None:
    with stage() as given:
        for name in names or SCENES:
            SCENES[name](given)
            given.mock.reset()
            given.lab.shut_down_kernels()


if __name__ == "__main__":
    main(sys.argv[1:])
