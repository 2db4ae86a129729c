"""
A real Jupyter server with our extension, and its kernels, driven as a page would.

    with Jupyter(folder) as jupyter:
        kernel = jupyter.kernel()
        assert kernel.run("print(1)").stdout == "1\n"
        kernel.restart()

Used by tests/server and by bench/server_ext.py. Only what the server was told on its command line
and in its environment differs from a user's.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

LIMIT = 60.0  # seconds that anything may take before a test fails
CONFIG = Path(__file__).parents[2] / "jupyter-config" / "server-config" / "ipyllm.json"
OTHERS = ("jupyterlab", "jupyter_lsp", "jupyter_server_terminals", "notebook", "notebook_shim")


def installed(folder: Path) -> dict[str, str]:
    """The environment of a Jupyter that has our configuration as a wheel installs it."""
    place = folder / "config" / "jupyter_server_config.d"
    place.mkdir(parents=True)
    shutil.copy(CONFIG, place)
    # Not those of a Jupyter server that runs these tests in its terminal.
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("JPY_", "JUPYTER_", "IPYLLM_SERV"))
    }
    return inherited | {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PYTHONWARNINGS": "",
    }


@dataclass
class Cell:
    """What one request made the kernel publish; times in seconds since it was sent."""

    stdout: str = ""
    shown: str = ""  # text of all deltas, as a page would have it
    states: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    first: float | None = None  # when the first delta came


class Jupyter:
    """One server; its folder is empty before."""

    def __init__(self, folder: Path, *, extension: bool = True) -> None:
        self.folder = folder
        self._key = "test-of-ipyllm"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        env = installed(folder)
        wanted = dict.fromkeys(OTHERS, False) | ({} if extension else {"ipyllm.server": False})
        (folder / "config" / "jupyter_server_config.json").write_text(
            json.dumps({"ServerApp": {"jpserver_extensions": wanted}})
        )
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                *(f"--port={port}", f"--IdentityProvider.token={self._key}"),
                *("--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}", "--debug"),
            ],
            env=env,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log = ""
        self._up = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._up.wait(LIMIT)
        assert "is running at" in self.log, self.log
        self._wait(port)
        self._kernels: list[Kernel] = []

    def __enter__(self) -> Jupyter:  # noqa: PYI034 - 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        for kernel in self._kernels:
            kernel.client.stop_channels()
            kernel.client.context.destroy(linger=0)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        if self.process.stderr:
            self.process.stderr.close()

    def kernel(self) -> Kernel:
        """A new kernel, for a notebook of its own."""
        name = f"{len(self._kernels)}.ipynb"
        session = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        kernel = Kernel(self, self.ask("POST", "sessions", session)["kernel"]["id"])
        self._kernels.append(kernel)
        return kernel

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request to the server's own API."""
        request = urllib.request.Request(
            f"{self._url}/api/{path}",
            json.dumps(body or {}).encode(),
            {"Authorization": f"token {self._key}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=LIMIT) as response:
            return json.loads(response.read() or "null")

    def models(self) -> list[int]:
        """Pids of all model processes below this server, its kernels' too."""
        listed = subprocess.run(
            ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split(None, 2) for line in listed.splitlines()]
        ours = {self.process.pid}
        for pid, parent, _ in sorted(rows, key=lambda row: int(row[0])):
            if int(parent) in ours:
                ours.add(int(pid))
        return [int(pid) for pid, _, args in rows if int(pid) in ours and "local.child" in args]

    def until_no_model(self) -> None:
        """Wait until those that were killed are gone; nothing tells when they are."""
        until = time.monotonic() + LIMIT
        while self.models() and time.monotonic() < until:
            time.sleep(0.01)

    def _wait(self, port: int) -> None:
        """It says that it runs a moment before it listens, and nothing tells when it does."""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return
            time.sleep(0.005)
        raise AssertionError(self.log)

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log += line
            if "is running at" in line:
                self._up.set()
        self._up.set()  # it has ended


class Kernel:
    """One kernel of a server; restarted by it."""

    def __init__(self, jupyter: Jupyter, ident: str) -> None:
        self._jupyter = jupyter
        self._ident = ident
        file = jupyter.folder / "runtime" / f"kernel-{ident}.json"
        self.client = BlockingKernelClient(connection_file=str(file))
        self.client.load_connection_file()
        self.client.start_channels(stdin=False, hb=False)
        self.client.wait_for_ready(timeout=LIMIT)

    @property
    def pid(self) -> int:
        return int(self.run("import os; print(os.getpid())").stdout)

    def restart(self) -> None:
        """As the button does."""
        self._jupyter.ask("POST", f"kernels/{self._ident}/restart")
        self.client.wait_for_ready(timeout=LIMIT)

    def run(self, code: str) -> Cell:
        """Run a cell to its end."""
        cell, sent = Cell(), time.monotonic()

        def add(message: dict[str, Any]) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    cell.stdout += content["text"]
                case "error":
                    cell.errors.append(f"{content['ename']}: {content['evalue']}")
                case "comm_msg":
                    custom = content["data"].get("content") or {}
                    if text := custom.get("text"):
                        cell.first = cell.first or time.monotonic() - sent
                        cell.shown += text
                    if custom.get("kind") == "status":
                        cell.states.append(custom["state"])
                case _:
                    pass

        self.client.execute_interactive(code, timeout=LIMIT, output_hook=add)
        return cell
