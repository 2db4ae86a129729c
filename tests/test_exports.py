"""The names people import, pinned."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import ipyllm

NAMES = {
    "Grid",
    "Limits",
    "Reply",
    "Stream",
    "Timing",
    "Tool",
    "ToolCall",
    "__version__",
    "ask",
    "browser_stream",
    "decode",
    "fold",
    "grid",
    "load_ipython_extension",
    "stream",
    "tool",
    "unload_ipython_extension",
}
MODULES = [module.name for module in pkgutil.walk_packages(ipyllm.__path__, "ipyllm.")]
MODULES = [name for name in MODULES if name not in ("ipyllm.__main__", "ipyllm.local.child")]


def test_the_public_names():
    """A name more or less is a decision, not an accident."""
    assert set(ipyllm.__all__) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_public_name_is_there(name):
    """Also those that are loaded on first use."""
    assert getattr(ipyllm, name) is not None


def test_no_other_name_is_there():
    """A slip of the pen is an AttributeError."""
    with pytest.raises(AttributeError, match="has no attribute 'streem'"):
        ipyllm.streem  # noqa: B018


@pytest.mark.parametrize("name", MODULES)
def test_a_modules_all_is_true(name):
    """What `__all__` names is in the module."""
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public)


def test_importing_loads_nothing_heavy():
    """`import ipyllm` costs a millisecond: what is heavy waits for its first use."""
    heavy = ("IPython", "httpx", "ipywidgets", "anywidget", "asyncio", "markdown_it", "msgspec")
    code = f"import sys, ipyllm; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
