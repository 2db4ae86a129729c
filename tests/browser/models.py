"""Browsers with a model: one of ours in the page, and Chromium's own that echoes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.lab import FLAGS, Lab, NotebookPage
from browser.tab import OpenNotebook, Tab, new_context, opening
from playwright.sync_api import Browser, BrowserContext, Error

__all__ = (
    "ASK",
    "ENDLESS",
    "WORDS",
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


@pytest.fixture(scope="session")
def faked(chromium: Browser) -> Iterator[Tab]:
    """Give a tab whose pages have the model of `fake-language-model.js`."""
    tab = Tab(lambda: _with_model(chromium), anew=FAKE.read_text("utf-8"))
    yield tab
    tab.close()


@pytest.fixture(scope="session")
def echo(chromium: Browser) -> Iterator[Tab]:
    """Give Chromium's headless shell: its `LanguageModel` is real, and says what it is asked."""
    try:
        browser = chromium.browser_type.launch(
            executable_path=shutil.which("chromium-headless-shell"), args=FLAGS
        )
    except Error as error:
        pytest.fail(f"no chromium-headless-shell, `python3 dev.py test` installs one: {error}")
    yield Tab(lambda: new_context(browser))
    browser.close()


@pytest.fixture
def fake(faked: Tab, lab: Lab, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    yield from opening(faked, lab, request)


@pytest.fixture
def alone(chromium: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Give the same in a browser of its own, whose processes may be killed."""
    browser = chromium.browser_type.launch(executable_path=shutil.which("chromium"), args=FLAGS)
    yield from opening(Tab(lambda: _with_model(browser)), lab, request)
    browser.close()


@pytest.fixture
def native(echo: Tab, lab: Lab, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    yield from opening(echo, lab, request)


def _with_model(browser: Browser) -> BrowserContext:
    context = new_context(browser)
    context.add_init_script(path=FAKE)
    return context


def steer(notebook: NotebookPage, chunks: list[str], interval: float = 5) -> None:
    """Have the page's model say these chunks, `interval` ms apart."""
    notebook.page.evaluate(
        "([chunks, interval]) => Object.assign(fakeModel, { chunks: () => chunks, interval })",
        [chunks, interval],
    )


def logged(notebook: NotebookPage) -> str:
    """Give what the page's model was asked, as JSON."""
    return notebook.page.evaluate("() => JSON.stringify(fakeModel.log)")
