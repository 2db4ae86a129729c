"""
The embedded model as an address: one process for each model, kept while it lives.

It is the Jupyter server's where that has our extension, else a child of this process.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from ipyllm.errors import ModelUnavailable
from ipyllm.local import shared
from ipyllm.local.process import LocalServer, ModelProcess, cancelled_load

__all__ = ("LocalServer", "ensure", "own", "running", "stop")

_POLL_S = 0.05  # how late a cancel may be seen


class _Children:
    """What this process has started: one child and one gate for each model path."""

    __slots__ = ("by_path", "gates", "lock")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.lock = threading.Lock()
        self.gates: dict[Path, threading.Lock] = {}
        self.by_path: dict[Path, ModelProcess] = {}


_children = _Children()


def _nothing() -> None:
    pass


def ensure(
    path: Path,
    cancelled: threading.Event | None = None,
    loading: Callable[[], None] = _nothing,
) -> LocalServer:
    """
    The server for the weights at `path`, started if it does not run (any more).

    Blocks while the model loads (0.4-6 s for the demo model), and calls `loading` before it does;
    safe from any thread. Set `cancelled` to give up: the child is killed within 0.1 s.
    The Jupyter server's may be stopped to make room for others: ask before each use.

    Raises:
        ModelUnavailable: extra not installed, the load failed, took longer than
            120 s, or was cancelled.

    """
    path, cancelled = _key(path), cancelled or threading.Event()
    server = running(path) or shared.ask(path, cancelled, loading)
    return server or own(path, cancelled, loading)


def own(
    path: Path, cancelled: threading.Event, loading: Callable[[], None] = _nothing
) -> LocalServer:
    """As `ensure`, but always a child of this process."""
    path = _key(path)
    if server := running(path):
        return server
    loading()
    with _turn(path, cancelled):
        return running(path) or _start(path, cancelled)


def running(path: Path) -> LocalServer | None:
    """Our own server for the weights at `path`, if loaded and alive; never blocks."""
    child = _children.by_path.get(_key(path))
    return child.server if child and child.alive else None


def stop(path: Path | None = None) -> None:
    """End the server for the weights at `path`, or all of this process, also those that load."""
    with _children.lock:
        paths = [*_children.by_path] if path is None else [_key(path)]
        children = [_children.by_path.pop(each, None) for each in paths]
    for child in children:
        if child:
            child.kill()


def _key(path: Path) -> Path:
    return path.expanduser().resolve()


@contextmanager
def _turn(path: Path, cancelled: threading.Event) -> Generator[None]:
    """Wait until no other thread is starting this model."""
    with _children.lock:
        gate = _children.gates.setdefault(path, threading.Lock())
    while not gate.acquire(timeout=_POLL_S):
        if cancelled.is_set():
            raise cancelled_load()
    try:
        yield
    finally:
        gate.release()


def _start(path: Path, cancelled: threading.Event) -> LocalServer:
    if importlib.util.find_spec("xllamacpp") is None:
        message = "The embedded model needs the extra [local]."
        raise ModelUnavailable(message, hint='Run: pip install "ipyllm[local]"')
    with _children.lock:  # so that no stop() comes between
        dead = _children.by_path.pop(path, None)
        child = _children.by_path[path] = ModelProcess()
    try:
        if dead:
            dead.kill()
        return child.load(path, cancelled)
    except BaseException:
        # KeyboardInterrupt too: nobody would know of this child.
        child.kill()
        raise


def _disown() -> None:
    for child in _children.by_path.values():
        child.disown()
    _children.reset()  # the locks as well: another thread may have held them


atexit.register(stop)
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_disown)
