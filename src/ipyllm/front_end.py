"""What looks on: a notebook's page, a terminal, or nobody. IPython is not imported to find out."""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ("display_kind", "has_page", "is_marimo", "is_watched", "notebook", "shell")


def shell() -> Any:
    """The running IPython, or None."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def notebook() -> dict[str, Any] | None:
    """The notebook's variables, where there is one."""
    found = shell()
    return None if found is None else found.user_ns


def has_page() -> bool:
    """Whether a page asked for this kernel."""
    # jupyter_server's session manager sets it for every kernel a page asked for.
    return bool(os.environ.get("JPY_SESSION_NAME"))


def is_marimo() -> bool:
    """Whether a marimo notebook runs this; it shows a cell's value, and knows no displays."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


def display_kind(found: Any) -> str:
    """How that shell shows things: `widget`, `terminal`, or anything else for one static display."""
    if chosen := os.environ.get("IPYLLM_DISPLAY", ""):
        return chosen
    if getattr(found, "kernel", None) is None:
        return "terminal"
    return "widget" if has_page() and not _is_captured(found) else "plain"


def is_watched() -> bool:
    """Whether a person looks on, and not a program that compares outputs."""
    return display_kind(shell()) in ("widget", "terminal")


def _is_captured(found: Any) -> bool:
    """`%%capture` keeps what is displayed: a widget that is gone later would be of no use."""
    return type(getattr(found, "display_pub", None)).__name__ == "CapturingDisplayPublisher"
