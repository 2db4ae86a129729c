"""A real Chromium on a real JupyterLab, with the newest ipykernel and with ipykernel 6."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.lab import FLAGS, Lab, NotebookPage
from browser.models import alone, echo, fake, faked, native  # noqa: F401 - fixtures
from mock_server import MockServer
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

RESULTS = Path(__file__).resolve().parents[2] / "test-results"
KERNELS = ("ipykernel7", "ipykernel6")

both_kernels = pytest.mark.parametrize("kernel", KERNELS)

FAILED = pytest.StashKey[bool]()

OpenNotebook = Callable[..., NotebookPage]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, _mock_server: MockServer) -> Iterator[Lab]:
    kernel6 = os.environ.get("IPYLLM_KERNEL6", "")
    if not os.access(kernel6, os.X_OK):
        pytest.fail("IPYLLM_KERNEL6 names no Python with ipykernel 6: run `python3 dev.py test`")
    pythons = dict(zip(KERNELS, (sys.executable, kernel6), strict=True))
    server = Lab(tmp_path_factory.mktemp("lab"), pythons, kernel_env(_mock_server))
    yield server
    server.stop()


def kernel_env(mock: MockServer) -> dict[str, str]:
    """Give what kernels get: `-m llamacpp/NAME` is the mock, the weights are the real ones."""
    from ipyllm.local.weights import cache_dir

    return {"LLAMACPP_BASE_URL": mock.base_url, "IPYLLM_CACHE": str(cache_dir())}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
        except Error as error:
            pytest.fail(f"no Chromium, `python3 dev.py test` installs one: {error}")
        yield browser
        browser.close()


class Tab:
    """The one tab that all tests use in turn: opening JupyterLab anew takes five seconds."""

    def __init__(self, chromium: Browser) -> None:
        self._chromium = chromium
        self._context: BrowserContext | None = None

    def page(self) -> Page:
        if self._context is None:
            self._context = self._chromium.new_context(viewport={"width": 1200, "height": 900})
        return self._context.pages[0] if self._context.pages else self._context.new_page()

    def picture(self, name: str) -> None:
        RESULTS.mkdir(exist_ok=True)
        for number, page in enumerate(self._context.pages if self._context else ()):
            page.screenshot(path=RESULTS / f"{name}-{number}.png")

    def close(self) -> None:
        if self._context is not None:
            self._context.close()
        self._context = None


@pytest.fixture(scope="session")
def _tab(chromium: Browser) -> Iterator[Tab]:
    tab = Tab(chromium)
    yield tab
    tab.close()


@pytest.fixture
def page(_tab: Tab, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Give the tab; where the test fails, its picture is in test-results/ and the next is new."""
    yield _tab.page()
    if request.node.stash.get(FAILED, False):
        _tab.picture(re.sub(r"\W+", "-", request.node.name))
        _tab.close()


@pytest.fixture
def open_notebook(
    page: Page, lab: Lab, _tab: Tab, request: pytest.FixtureRequest
) -> Iterator[OpenNotebook]:
    """
    Give a function that opens a notebook made of these sources, with a kernel of its own:
    `open_notebook(*sources, kernel="ipykernel7")`.
    """

    def open_(*sources: str, kernel: str = "ipykernel7") -> NotebookPage:
        name = re.sub(r"\W+", "-", request.node.name).strip("-")
        opened.append(NotebookPage(page, lab, lab.write(name, sources, kernel)))
        return opened[-1]

    opened: list[NotebookPage] = []
    yield open_
    lab.shut_down_kernels()
    if any(notebook.reloaded for notebook in opened) and not request.node.stash.get(FAILED, False):
        _tab.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
