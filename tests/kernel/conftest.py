"""Real kernels: the newest ipykernel, and 6.31 in an environment of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest
from kernel.driver import Kernel
from mock_server import MockServer

KERNELS = ("ipykernel7", "ipykernel6")
PLANTED = "sk-planted-4f8c-never-to-be-seen"


def python_of(name: str) -> str:
    if name == "ipykernel7":
        return sys.executable
    python = os.environ.get("IPYLLM_KERNEL6", "")
    if not os.access(python, os.X_OK):
        pytest.fail("IPYLLM_KERNEL6 names no Python with ipykernel 6: run `python3 dev.py test`")
    return python


def env_for(mock: MockServer) -> dict[str, str]:
    """`-m llamacpp/NAME` is the mock without a key, `-m openai/NAME` the mock with one."""
    return {
        "JPY_SESSION_NAME": "test.ipynb",
        "LLAMACPP_BASE_URL": mock.base_url,
        "OPENAI_BASE_URL": mock.base_url,
        "OPENAI_API_KEY": PLANTED,
    }


@pytest.fixture(scope="session", params=KERNELS)
def shared_kernel(request: pytest.FixtureRequest, _mock_server: MockServer) -> Iterator[Kernel]:
    kernel = Kernel(python_of(request.param), env_for(_mock_server))
    kernel.run("%load_ext ipyllm")
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(shared_kernel: Kernel, mock: MockServer) -> Kernel:
    """One kernel for many tests; nothing of a test may break it for the next."""
    shared_kernel.run("_llm = answer = None")
    return shared_kernel


@pytest.fixture
def new_kernel(_mock_server: MockServer) -> Iterator[Callable[..., Kernel]]:
    made: list[Kernel] = []

    def make(name: str = "ipykernel7", **env: str) -> Kernel:
        given = {k: v for k, v in {**env_for(_mock_server), **env}.items() if v}
        made.append(Kernel(python_of(name), given))
        return made[-1]

    yield make
    for kernel in made:
        kernel.close()
