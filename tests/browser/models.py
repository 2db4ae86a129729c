"""Browsers with a model: one of ours in the page, and Chromium's own that echoes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.lab import FLAGS, Lab, NotebookPage
from playwright.sync_api import Browser, BrowserContext, Error, Page

__all__ = (
    "ASK",
    "ENDLESS",
    "WORDS",
    "Open",
    "alone",
    "echo",
    "fake",
    "faked",
    "logged",
    "native",
    "steer",
)

FAKE = Path(__file__).with_name("fake-language-model.js")
ASK = "%%llm -m browser\n"
WORDS = [f"word{number} " for number in range(40)]
ENDLESS = [f"w{number} " for number in range(20_000)]
Open = Callable[..., NotebookPage]


@pytest.fixture(scope="module")
def faked(chromium: Browser) -> Iterator[BrowserContext]:
    """Give a browser whose pages have the model of `fake-language-model.js`."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    context.add_init_script(path=FAKE)
    yield context
    context.close()


@pytest.fixture(scope="module")
def echo(chromium: Browser) -> Iterator[BrowserContext]:
    """Give Chromium's headless shell: its `LanguageModel` is real, and says what it is asked."""
    try:
        browser = chromium.browser_type.launch(
            executable_path=shutil.which("chromium-headless-shell"), args=FLAGS
        )
    except Error as error:
        pytest.fail(f"no chromium-headless-shell, `python3 dev.py test` installs one: {error}")
    yield browser.new_context(viewport={"width": 1200, "height": 900})
    browser.close()


@pytest.fixture
def fake(faked: BrowserContext, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Open]:
    yield from _opened(faked, lab, request)


@pytest.fixture
def alone(chromium: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Give the same in a browser of its own, whose processes may be killed."""
    browser = chromium.browser_type.launch(executable_path=shutil.which("chromium"), args=FLAGS)
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.add_init_script(path=FAKE)
    yield from _opened(context, lab, request)
    browser.close()


@pytest.fixture
def native(echo: BrowserContext, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Open]:
    yield from _opened(echo, lab, request)


def _opened(context: BrowserContext, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Open]:
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    pages: list[Page] = []

    def open_(*sources: str, kernel: str = "ipykernel7") -> NotebookPage:
        pages.append(context.new_page())
        return NotebookPage(pages[-1], lab, lab.write(name, sources, kernel))

    yield open_
    lab.shut_down_kernels()
    for page in pages:
        if not page.is_closed():
            page.close()


def steer(notebook: NotebookPage, chunks: list[str], interval: float = 5) -> None:
    """Have the page's model say these chunks, `interval` ms apart."""
    notebook.page.evaluate(
        "([chunks, interval]) => Object.assign(fakeModel, { chunks: () => chunks, interval })",
        [chunks, interval],
    )


def logged(notebook: NotebookPage) -> str:
    """Give what the page's model was asked, as JSON."""
    return notebook.page.evaluate("() => JSON.stringify(fakeModel.log)")
