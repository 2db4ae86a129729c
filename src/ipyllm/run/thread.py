"""A thread of its own for work of a cell: what it shows and prints finds the cell's output."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

__all__ = ("in_thread",)


def in_thread(work: Callable[[], object], name: str) -> threading.Thread:
    """Do `work` in a daemon, in a copy of this thread's context; returns at once."""
    target = contextvars.copy_context().run
    thread = threading.Thread(target=target, args=(work,), name=name, daemon=True)
    thread.start()
    return thread
