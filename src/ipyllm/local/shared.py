"""
The embedded model of this Jupyter server, which all its kernels share: how a kernel asks for it.

`ipyllm.server` tells kernels where in two variables. One connection for each question, one JSON
line there, `{"version", "token", "path"}`, one or two back: `{"loading"}` if it has to start, then
`{"base_url", "api_key", "load_s", "pid"}` or `{"error", "hint"}`. Who hangs up, cancels the load.
Whatever else happens, the kernel looks after itself: nothing here fails for want of a server.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from ipyllm._version import __version__
from ipyllm.errors import ModelUnavailable

if TYPE_CHECKING:
    from ipyllm.local.process import LocalServer

__all__ = ("ADDRESS", "TOKEN", "Answer", "Question", "ask", "listener", "receive", "say")

ADDRESS = "IPYLLM_SERVER"
"""Variable with a Unix socket's path or, where there is none, `PORT@HOSTNAME`."""
TOKEN = "IPYLLM_SERVER_TOKEN"  # noqa: S105 - the variable's name
"""Variable with the secret that lets a kernel ask; new with each start of the server."""

_PATIENCE = 8.0  # seconds for the first line; then the kernel starts a process of its own
_LOAD_LIMIT = 150.0  # seconds; the server gives up a load after 120
_POLL = 0.05  # seconds a cancel may be seen late
_LINE_LIMIT = 65_536  # bytes
_LOOPBACK = "127.0.0.1"


class Question(TypedDict):
    """What a kernel says."""

    version: str
    token: str
    path: str


class Answer(TypedDict, total=False):
    """What it hears; `load_s` is 0 if the model was running."""

    loading: bool
    base_url: str
    api_key: str
    load_s: float
    pid: int
    error: str
    hint: str


def ask(path: Path, cancelled: threading.Event, loading: Callable[[], None]) -> LocalServer | None:
    """
    The Jupyter server's model for the weights at `path`, started there if it does not run.

    None where there is no such server, or it is another version's, refuses, or says nothing
    within 8 s. `loading` is called if there is something to wait for.

    Raises:
        ModelUnavailable: it does not load there, or `cancelled` was set.
    """
    address, token = os.environ.get(ADDRESS, ""), os.environ.get(TOKEN, "")
    if not address or not token:
        return None
    # OSError: not there, silent, gone. ValueError: not JSON, no port.
    with suppress(OSError, ValueError), _connected(address) as connection:
        say(connection, Question(version=__version__, token=token, path=str(path)))
        answer = receive(connection, _PATIENCE, cancelled)
        if answer.get("loading"):
            loading()
            answer = receive(connection, _LOAD_LIMIT, cancelled)
        return _server(answer)
    return None


def listener(folder: str) -> tuple[socket.socket, str]:
    """A socket that only this machine reaches, its file in `folder`; and its address for `ask`."""
    if _has_unix():
        address = os.path.join(folder, "socket")  # noqa: PTH118 - a string is what it takes
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(address)
    else:
        listening = socket.socket()
        listening.bind((_LOOPBACK, 0))
        address = f"{listening.getsockname()[1]}@{socket.gethostname()}"
    listening.listen()
    return listening, address


def say(connection: socket.socket, line: Question | Answer) -> None:
    """Send one line. Raises: OSError."""
    connection.sendall(json.dumps(line).encode() + b"\n")


def receive(
    connection: socket.socket, patience: float, cancelled: threading.Event | None = None
) -> Answer:
    """
    One line as what it holds; empty for anything but an object, so that nothing fits it.

    Raises:
        OSError, ValueError: none came within `patience` seconds, or none that is JSON.
        ModelUnavailable: `cancelled` was set.
    """
    line, until = bytearray(), time.monotonic() + patience
    connection.settimeout(_POLL)
    while not line.endswith(b"\n"):
        if cancelled and cancelled.is_set():
            raise _cancelled()
        if time.monotonic() > until or len(line) > _LINE_LIMIT:
            raise TimeoutError
        with suppress(TimeoutError):
            # Only to its end: the second line may have come along with the first.
            seen = connection.recv(4096, socket.MSG_PEEK)
            if not seen:
                raise ConnectionResetError
            line += connection.recv(seen.find(b"\n") + 1 or len(seen))
    said = json.loads(line)
    return cast("Answer", said) if isinstance(said, dict) else {}


def _cancelled() -> ModelUnavailable:
    from ipyllm.local.process import cancelled_load  # see _server

    return cancelled_load()


def _has_unix() -> bool:
    return hasattr(socket, "AF_UNIX") and os.name == "posix"


def _connected(address: str) -> socket.socket:
    """
    A connection to the Jupyter server. Raises: OSError, ValueError.

    The variables may have come along to another machine (a kernel gateway, a cluster): there is
    no such file there, and for a port the host's name differs.
    """
    if _has_unix():
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_PATIENCE)
        try:
            connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection
    port, _, host = address.partition("@")
    if host != socket.gethostname():
        raise ConnectionRefusedError
    return socket.create_connection((_LOOPBACK, int(port)), _PATIENCE)


def _server(answer: Answer) -> LocalServer | None:
    # Here, because the Jupyter server imports this module at its start: 4 ms less.
    from ipyllm.local.process import LocalServer

    if error := answer.get("error"):
        raise ModelUnavailable(error, hint=answer.get("hint", ""))
    base_url, api_key = answer.get("base_url", ""), answer.get("api_key", "")
    if not base_url or not api_key or not _is_here(base_url):
        return None
    return LocalServer(base_url, api_key, answer.get("load_s", 0.0), answer.get("pid", 0))


def _is_here(base_url: str) -> bool:
    """Whether it can be reached: a container may share the socket's folder, but not loopback."""
    prefix = f"http://{_LOOPBACK}:"
    port = base_url.removeprefix(prefix).partition("/")[0]
    if not base_url.startswith(prefix):
        return False
    # 0.1 ms: on loopback a connection is taken or refused at once.
    with suppress(OSError), socket.create_connection((_LOOPBACK, int(port)), _PATIENCE):
        return True
    return False
