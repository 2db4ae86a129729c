"""A tab that many tests use in turn: opening JupyterLab anew takes five seconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.lab import Lab, NotebookPage
from playwright.sync_api import Browser, BrowserContext, Page

RESULTS = Path(__file__).resolve().parents[2] / "test-results"
FAILED = pytest.StashKey[bool]()

OpenNotebook = Callable[..., NotebookPage]


class Tab:
    """
    One tab; closed, it is opened anew when it is next asked for.

    * `new_context`: gives what it is opened in.
    * `anew`: a script that makes the page's own state as it was, for the next test.
    """

    def __init__(self, new_context: Callable[[], BrowserContext], *, anew: str = "") -> None:
        self._new_context = new_context
        self._anew = anew
        self._context: BrowserContext | None = None

    @property
    def context(self) -> BrowserContext:
        if self._context is None:
            self._context = self._new_context()
        return self._context

    def page(self) -> Page:
        pages = self.context.pages
        if pages and self._anew:
            pages[0].evaluate(self._anew)
        return pages[0] if pages else self.context.new_page()

    def leave(self, request: pytest.FixtureRequest) -> None:
        """Where the test failed, keep how it looks in test-results/, and close it."""
        if not request.node.stash.get(FAILED, False):
            return
        RESULTS.mkdir(exist_ok=True)
        for number, page in enumerate(self._context.pages if self._context else ()):
            page.screenshot(path=RESULTS / f"{name_of(request)}-{number}.png")
        self.close()

    def close(self) -> None:
        if self._context is not None:
            self._context.close()
        self._context = None


def new_context(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport={"width": 1200, "height": 900})


def name_of(request: pytest.FixtureRequest) -> str:
    """Give the test's name as a file may have it."""
    return re.sub(r"\W+", "-", request.node.name).strip("-")


def opening(tab: Tab, lab: Lab, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """
    Give a function that opens a notebook made of these sources, with a kernel of its own.

    `open_(*sources, kernel="ipykernel7")`. Where the test fails, the tab's picture is kept and the
    next test has a new one.
    """
    name = name_of(request)
    opened: list[NotebookPage] = []

    def open_(*sources: str, kernel: str = "ipykernel7") -> NotebookPage:
        opened.append(NotebookPage(tab.page(), lab, lab.write(name, sources, kernel)))
        return opened[-1]

    yield open_
    lab.shut_down_kernels()
    tab.leave(request)
    if any(notebook.reloaded for notebook in opened):
        tab.close()
