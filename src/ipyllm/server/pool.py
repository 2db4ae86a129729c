"""
Which models the Jupyter server runs: a few, the one asked for longest ago makes room.

Imported with the first question.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ipyllm.errors import ModelUnavailable
from ipyllm.local import server, shared
from ipyllm.local.server import LocalServer
from ipyllm.local.shared import Answer

__all__ = ("LIMIT", "Pool")

LIMIT = 2
"""Models that are kept; more only while all of them answer or load."""
_PATIENCE = 0.5  # seconds; two of these are less than a kernel waits for its first line


class Pool:
    """The models that run, and who waits for them; all of it from any thread."""

    __slots__ = ("_asked", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # How many wait for each model now; the one asked for longest ago comes first.
        self._asked: dict[Path, int] = {}

    def answer(self, path: Path, connection: socket.socket) -> Answer:
        """What to say to the kernel that asked for the weights at `path`. Raises: OSError."""
        cancelled, waited = threading.Event(), server.running(path) is None
        if waited:
            shared.say(connection, {"loading": True})
            connection.settimeout(None)
            threading.Thread(
                target=_watch, args=(connection, cancelled), daemon=True, name="ipyllm-watch"
            ).start()
        try:
            lent = self.lend(path, cancelled)
        except ModelUnavailable as exc:
            return {"error": exc.message, "hint": exc.hint}
        load_s = lent.load_s if waited else 0.0
        address: Answer = {"base_url": lent.base_url, "api_key": lent.api_key}
        return {**address, "load_s": load_s, "pid": lent.pid}

    def lend(self, path: Path, cancelled: threading.Event) -> LocalServer:
        """
        The server for the weights at `path`, started if need be; blocks as `server.own` does.

        Raises:
            ModelUnavailable: as `server.own`.
        """
        with self._lock:
            self._asked[path] = self._asked.pop(path, 0) + 1
            self._make_room()
        try:
            return server.own(path, cancelled)
        finally:
            with self._lock:
                self._asked[path] -= 1

    def close(self) -> None:
        """End them all, also those that load."""
        server.stop()

    def _make_room(self) -> None:
        self._asked = {path: n for path, n in self._asked.items() if n or server.running(path)}
        for path, waiting in [*self._asked.items()]:
            if len(self._asked) <= LIMIT:
                return
            if not waiting and not _is_answering(server.running(path)):
                server.stop(path)
                del self._asked[path]


def _watch(connection: socket.socket, cancelled: threading.Event) -> None:
    """A kernel that hangs up does not want the model any more."""
    with suppress(OSError):
        while connection.recv(1):
            pass
    cancelled.set()


def _is_answering(running: LocalServer | None) -> bool:
    """Whether it has something to do. Who asked, but has sent nothing yet, will ask again."""
    if running is None:
        return False
    address = urlsplit(running.base_url)
    connection = http.client.HTTPConnection(address.netloc, timeout=_PATIENCE)
    headers = {"Authorization": f"Bearer {running.api_key}", "Connection": "close"}
    try:
        connection.request("GET", "/slots", headers=headers)
        slots: Any = json.loads(connection.getresponse().read())
        return any(slot["is_processing"] for slot in slots)
    except ConnectionRefusedError:
        return False
    except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError):
        return True  # too busy to say
    finally:
        connection.close()
