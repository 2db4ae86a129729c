"""
The one thread with the one event loop for all network work.

Never the kernel's own loop: a server that stalls could then not be interrupted
(measured: the cell hangs for as long as the server does).
"""

from __future__ import annotations

import asyncio
import os
import threading

__all__ = ("network_loop",)

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}  # by process: a fork has no thread in it


def network_loop() -> asyncio.AbstractEventLoop:
    """The running loop of this process; its daemon thread is started on the first call."""
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None or loop.is_closed():
            loop = asyncio.new_event_loop()
            _loops[os.getpid()] = loop
            threading.Thread(target=_run, args=(loop,), name="ipyllm-network", daemon=True).start()
    return loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
