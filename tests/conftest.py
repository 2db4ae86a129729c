"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from mock_server import MockServer

# The same examples each time: who has changed nothing sees nothing fail. To look for new ones:
# pytest --hypothesis-profile=default.
settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")

# In a terminal of a Jupyter server that has the extension, tests would use its model.
os.environ.pop("IPYLLM_SERVER", None)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio, the only loop the product uses."""
    return "asyncio"


@pytest.fixture(scope="session")
def _mock_server() -> Iterator[MockServer]:
    server = MockServer()
    yield server
    server.close()


@pytest.fixture
def mock(_mock_server: MockServer) -> Iterator[MockServer]:
    """Give the scripted LLM server, with nothing scripted yet."""
    yield _mock_server
    _mock_server.reset()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Put browser tests last, also when shuffled: playwright keeps an asyncio loop in the main thread
    once it has started, and no async test can run beside it.
    """
    items.sort(key=lambda item: "browser" in item.keywords)
