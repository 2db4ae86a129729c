"""A real Chromium on a real JupyterLab, with the newest ipykernel and with ipykernel 6."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.lab import Lab, NotebookPage
from mock_server import MockServer
from playwright.sync_api import Browser, Error, Page, sync_playwright

RESULTS = Path(__file__).resolve().parents[2] / "test-results"
KERNELS = ("ipykernel7", "ipykernel6")
FLAGS = [
    "--no-sandbox",  # Chromium's own does not start as root, where CI runs
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

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


@pytest.fixture
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Give a tab of its own; where the test fails, its picture is in test-results/."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    yield context.new_page()
    if request.node.stash.get(FAILED, False):
        RESULTS.mkdir(exist_ok=True)
        name = re.sub(r"\W+", "-", request.node.name)
        for number, tab in enumerate(context.pages):
            tab.screenshot(path=RESULTS / f"{name}-{number}.png")
    context.close()


@pytest.fixture
def open_notebook(page: Page, lab: Lab, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """
    Give a function that opens a notebook made of these sources, with a kernel of its own:
    `open_notebook(*sources, kernel="ipykernel7")`.
    """

    def open_(*sources: str, kernel: str = "ipykernel7") -> NotebookPage:
        name = re.sub(r"\W+", "-", request.node.name).strip("-")
        return NotebookPage(page, lab, lab.write(name, sources, kernel))

    yield open_
    lab.shut_down_kernels()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
