"""A real Chromium on a real JupyterLab, with the newest ipykernel and with ipykernel 6."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.lab import FLAGS, Lab
from browser.models import alone, echo, fake, faked, native  # noqa: F401 - fixtures
from browser.tab import FAILED, OpenNotebook, Tab, new_context, opening
from mock_server import MockServer
from playwright.sync_api import Browser, Error, Page, sync_playwright

EXTENSION = Path(__file__).resolve().parents[2] / "js" / "labextension" / "dist"
KERNELS = ("ipykernel7", "ipykernel6")

both_kernels = pytest.mark.parametrize("kernel", KERNELS)


@pytest.fixture
def lab(plain_lab: Lab) -> Lab:
    """Give the JupyterLab of a module's tests."""
    return plain_lab


@pytest.fixture(scope="session")
def plain_lab(tmp_path_factory: pytest.TempPathFactory, _mock_server: MockServer) -> Iterator[Lab]:
    kernel6 = os.environ.get("IPYLLM_KERNEL6", "")
    if not os.access(kernel6, os.X_OK):
        pytest.fail("IPYLLM_KERNEL6 names no Python with ipykernel 6: run `python3 dev.py test`")
    pythons = dict(zip(KERNELS, (sys.executable, kernel6), strict=True))
    server = Lab(tmp_path_factory.mktemp("lab"), pythons, kernel_env(_mock_server))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def extended_lab(
    tmp_path_factory: pytest.TempPathFactory, _mock_server: MockServer
) -> Iterator[Lab]:
    """Give one with our extension, as it is built."""
    if not (EXTENSION / "package.json").is_file():
        pytest.fail(f"{EXTENSION} is not there: node js/labextension/build.mjs")
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(EXTENSION, folder / "data" / "labextensions" / "ipyllm")
    config = folder / "config" / "labconfig"
    config.mkdir(parents=True)
    (config / "page_config.json").write_text('{"disabledExtensions": {"ipyllm": false}}')
    server = Lab(folder, {"ipykernel7": sys.executable}, kernel_env(_mock_server))
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


@pytest.fixture(scope="session")
def _tab(chromium: Browser) -> Iterator[Tab]:
    tab = Tab(lambda: new_context(chromium))
    yield tab
    tab.close()


@pytest.fixture
def page(_tab: Tab, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Give the tab; where the test fails, its picture is in test-results/ and the next is new."""
    yield _tab.page()
    _tab.leave(request)


@pytest.fixture
def open_notebook(lab: Lab, _tab: Tab, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Give a function that opens a notebook, see `opening`."""
    yield from opening(_tab, lab, request)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
