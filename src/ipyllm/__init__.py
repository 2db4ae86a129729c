"""Stream LLMs in notebooks: `%load_ext ipyllm`, then `%%llm`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ipyllm._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ipyllm.decoding import decode, fold
    from ipyllm.in_page import browser_stream
    from ipyllm.run.metrics import Timing
    from ipyllm.run.reply import Reply, ToolCall
    from ipyllm.streaming import Stream, ask, stream
    from ipyllm.sweep.grid import Grid, grid
    from ipyllm.tools.tool import Tool, tool
    from ipyllm.transport.limits import Limits

__all__ = (
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
)

_LAZY = {
    "Limits": "ipyllm.transport.limits",
    "Reply": "ipyllm.run.reply",
    "ToolCall": "ipyllm.run.reply",
    "Timing": "ipyllm.run.metrics",
    "Tool": "ipyllm.tools.tool",
    "tool": "ipyllm.tools.tool",
    "Stream": "ipyllm.streaming",
    "ask": "ipyllm.streaming",
    "stream": "ipyllm.streaming",
    "browser_stream": "ipyllm.in_page",
    "decode": "ipyllm.decoding",
    "fold": "ipyllm.decoding",
    "Grid": "ipyllm.sweep.grid",
    "grid": "ipyllm.sweep.grid",
}


def __getattr__(name: str) -> Any:
    # `import ipyllm` alone takes 1 ms; httpx and ipywidgets are loaded by whoever needs them.
    if name not in _LAZY:
        raise AttributeError(f"module 'ipyllm' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext ipyllm`."""
    from ipyllm.magic.registering import register

    register(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext ipyllm`."""
    from ipyllm.magic.registering import unregister

    unregister(shell)
