"""
One process with the embedded model in it: start it, wait for its address, end it.

A process of its own, because a crash in llama.cpp must not take the user's
kernel along, and because it can be killed at any moment of a load.
"""

from __future__ import annotations

import json
import queue
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypedDict, cast

from ipyllm.errors import ModelUnavailable
from ipyllm.local.weights import DEMO, FETCH

__all__ = ("LocalServer", "ModelProcess", "cancelled_load")

_START_LIMIT_S = 120.0
_POLL_S = 0.05  # how late a cancel may be seen
_LOG_LIMIT = 64_000  # bytes of stderr that are looked at
_NO_WINDOW = 0x0800_0000 | 0x0000_0200  # Windows: CREATE_NO_WINDOW, CREATE_NEW_PROCESS_GROUP
# Where `ipyllm` itself was imported from. As the child's working folder it is first
# on its path: the same code, and no `json.py` of the user's in place of Python's.
_ROOT = Path(__file__).resolve().parents[2]
_ANOTHER = "Fetch the file again if it is not whole."


@dataclass(frozen=True, slots=True)
class LocalServer:
    """
    A running embedded model: an OpenAI-compatible endpoint.

    * `base_url`: `http://127.0.0.1:PORT/v1`.
    * `api_key`: random, new with each start.
    * `load_s`: seconds the model took to load.
    * `pid`: of its process.
    """

    base_url: str
    api_key: str = field(repr=False)
    load_s: float
    pid: int


class _Answer(TypedDict, total=False):
    """The child's one line, see `child`."""

    port: int
    load_s: float
    error: str


class ModelProcess:
    """
    A child process, from its start to its end.

    * `server`: its address once the model is loaded, None before.
    """

    __slots__ = ("_killed", "_log", "_popen", "server")

    def __init__(self) -> None:
        # A file and not a pipe: nobody has to read it, so it cannot fill up.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - load() closes it
        self._popen = _spawn(self._log)
        self._killed = False
        self.server: LocalServer | None = None

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def load(self, path: Path, cancelled: threading.Event) -> LocalServer:
        """
        Load the model at `path`; blocks.

        Raises:
            ModelUnavailable: it failed, took too long, or `cancelled` was set.

        """
        with self._log:
            api_key = secrets.token_urlsafe(32)
            self._configure(path, api_key)
            answer = self._answer(cancelled)
            port = answer.get("port")
            if not port:
                message = f"The model {path.name} did not load: {self._reason(answer)}."
                hint = FETCH if path == DEMO.path.resolve() else _ANOTHER
                raise ModelUnavailable(message, hint=hint)
        load_s = answer.get("load_s", 0.0)
        base_url = f"http://127.0.0.1:{port}/v1"
        self.server = LocalServer(base_url, api_key, load_s, self._popen.pid)
        return self.server

    def kill(self) -> None:
        """End it at once: it holds nothing that could be lost."""
        self._killed = True
        self._popen.kill()
        self._popen.wait()
        self._close()

    def disown(self) -> None:
        """Let go of it without ending it: after a fork it is the parent's."""
        self._popen.returncode = 0  # or Popen.__del__ warns that it still runs
        self._log.close()
        self._close()

    def _close(self) -> None:
        with suppress(OSError):
            cast("IO[bytes]", self._popen.stdin).close()

    def _configure(self, path: Path, api_key: str) -> None:
        stdin = cast("IO[bytes]", self._popen.stdin)
        # It has ended or was killed already: _reason says why.
        with suppress(OSError, ValueError):
            stdin.write(json.dumps({"path": str(path), "api_key": api_key}).encode() + b"\n")
            stdin.flush()

    def _answer(self, cancelled: threading.Event) -> _Answer:
        """The child's line; empty if it ended without. A thread of its own waits for it."""
        stdout = cast("IO[bytes]", self._popen.stdout)
        lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

        def read() -> None:
            with stdout:
                lines.put(stdout.readline())

        threading.Thread(target=read, daemon=True, name="ipyllm-load").start()
        deadline = time.monotonic() + _START_LIMIT_S
        while not cancelled.is_set():
            if time.monotonic() > deadline:
                message = f"The embedded model did not load within {_START_LIMIT_S:.0f} s."
                raise ModelUnavailable(message, hint="Try again, or take a smaller model.")
            with suppress(queue.Empty):
                line = lines.get(timeout=_POLL_S)
                return cast("_Answer", json.loads(line)) if line.endswith(b"\n") else {}
        raise cancelled_load()

    def _reason(self, answer: _Answer) -> str:
        """Why the load failed: llama.cpp's first error, else the child's, else how it ended."""
        if self._killed:
            return "it was stopped while loading"
        self._log.seek(0)
        said = self._log.read(_LOG_LIMIT).decode(errors="replace")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        # llama.cpp's form, an E in the second column: `0.00.033 E function: what is wrong`.
        if found := next((line for line in lines if " E " in line), None):
            return (found.partition(" E ")[2].partition(": ")[2] or found).rstrip(".")
        if error := answer.get("error"):
            return error.rstrip(".")
        return _ending(self._popen.wait(), lines[-1] if lines else "no reason given")


def cancelled_load() -> ModelUnavailable:
    return ModelUnavailable("Loading the embedded model was cancelled.")


def _ending(code: int, last: str) -> str:
    if code >= 0:
        return f"its process ended with code {code}: {last[:200]}"
    names = {number.value: number.name for number in signal.Signals}
    also = ", perhaps for lack of memory" if names.get(-code) == "SIGKILL" else ""
    return f"its process was ended by {names.get(-code, f'signal {-code}')}{also}"


def _spawn(log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ipyllm.local.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=_ROOT,
        start_new_session=True,  # out of reach of an interrupt to the kernel's group
        creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
    )
