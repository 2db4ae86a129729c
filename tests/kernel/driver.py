"""
A real ipykernel, driven over its own protocol, with a page that only listens.

    kernel = Kernel(sys.executable, {"JPY_SESSION_NAME": "test"})
    cell = kernel.start("%%llm -m llamacpp/mock\nhi")
    cell.wait_for_text("Hello")
    kernel.interrupt()
    cell.wait_idle()

All times are `time.monotonic()`, seconds. Used by tests/kernel and by bench/interrupts.py.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

LIMIT = 60.0  # seconds that anything may take before a test fails


class Cell:
    """What one request made the kernel publish."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self.messages: list[dict[str, Any]] = []
        self.shown = ""  # text of all deltas, as a page would have it
        self.stdout = ""
        self.final: dict[str, Any] = {}  # the newest MIME bundle
        self.metadata: dict[str, Any] = {}
        self.states: list[str] = []
        self.error: dict[str, Any] | None = None
        self.model_id = ""
        self.display_id = ""
        self.idle: float | None = None

    def add(self, kind: str, content: dict[str, Any]) -> None:
        self.messages.append({"type": kind, "content": content})
        match kind:
            case "comm_msg":
                self._custom(content["data"].get("content") or {})
            case "stream":
                self.stdout += content["text"]
            case "display_data" | "update_display_data" | "execute_result":
                self.final, self.metadata = content["data"], content["metadata"]
                self.display_id = (content.get("transient") or {}).get("display_id", "")
                view = self.final.get("application/vnd.jupyter.widget-view+json")
                self.model_id = view["model_id"] if view else self.model_id
            case "error":
                self.error = content
            case _:
                pass

    def _custom(self, content: dict[str, Any]) -> None:
        self.shown += content.get("text") or content.get("reasoning") or ""
        if content.get("kind") == "status":
            self.states.append(content["state"])

    def wait_for(self, what: Callable[[], Any], limit: float = LIMIT) -> Any:
        with self._changed:
            if not self._changed.wait_for(what, limit):
                raise AssertionError(
                    f"waited {limit} s; shown {self.shown!r}, states {self.states}"
                )
            return what()

    def wait_for_text(self, text: str) -> None:
        self.wait_for(lambda: text in self.shown)

    def wait_idle(self) -> float:
        """When the kernel was idle again."""
        return self.wait_for(lambda: self.idle)


class Kernel:
    """One kernel of one Python; close it."""

    def __init__(self, python: str, env: Mapping[str, str], cwd: Path | None = None) -> None:
        self.home = cwd or Path(tempfile.mkdtemp(prefix="ipyllm-kernel-"))
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.manager = KernelManager()
        self.manager._kernel_spec = KernelSpec(argv=argv, display_name="test", language="python")
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("JPY_", "IPYLLM_DISPLAY"))
        }
        ours = {"IPYTHONDIR": str(self.home / "ipython"), "PYTHONWARNINGS": ""}
        self.manager.start_kernel(env={**inherited, **ours, **env}, cwd=str(self.home))
        self.client = self.manager.client()
        self.client.start_channels(stdin=False, hb=False)
        self.client.wait_for_ready(timeout=LIMIT)
        self.pid: int = self.manager.provisioner.pid  # pyright: ignore[reportOptionalMemberAccess]
        self._changed = threading.Condition()
        self._cells: dict[str, Cell] = {}
        self._closing = False
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def start(self, code: str, *, stop_on_error: bool = True) -> Cell:
        """Send a cell; gives at once."""
        with self._changed:
            request = self.client.execute(code, stop_on_error=stop_on_error)
            cell = self._cells[request] = Cell(self._changed)
        return cell

    def run(self, code: str) -> Cell:
        """Run a cell to its end."""
        cell = self.start(code)
        cell.wait_idle()
        return cell

    def value(self, expression: str) -> str:
        """`repr` of an expression in the kernel."""
        return self.run(f"print(repr(({expression})), end='')").stdout

    def interrupt(self, times: int = 1, apart: float = 0.0) -> float:
        """SIGINT, as the server sends it; gives when the first went out."""
        sent = time.monotonic()
        for number in range(times):
            if number and apart:
                time.sleep(apart)
            os.kill(self.pid, signal.SIGINT)
        return sent

    def send_to_widget(
        self, model_id: str, content: dict[str, Any], *, subshell: bool = False
    ) -> None:
        """A message from the page to a widget."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": model_id, "data": data})
        if subshell:
            message["header"]["subshell_id"] = self._subshell()
        self.client.shell_channel.send(message)

    def _subshell(self) -> str:
        control = self.client.control_channel
        request = self.client.session.msg("create_subshell_request", {})
        control.send(request)
        return control.get_msg(timeout=LIMIT)["content"]["subshell_id"]

    def close(self) -> None:
        self._closing = True
        self.manager.shutdown_kernel(now=True)
        self._listener.join(LIMIT)
        self.client.stop_channels()
        self.client.context.destroy(linger=0)

    def _cell_of(self, request: str | None, content: dict[str, Any]) -> Cell | None:
        """Whose a message is: a background run's carry the name of any later request."""
        display = (content.get("transient") or {}).get("display_id")
        for cell in self._cells.values():
            if (display and display == cell.display_id) or (
                cell.model_id and content.get("comm_id") == cell.model_id
            ):
                return cell
        return self._cells.get(request or "")

    def _listen(self) -> None:
        socket = self.client.iopub_channel.socket
        while not self._closing:
            # Not the client's own get_iopub_msg: it makes an event loop in this thread, and leaves it.
            if not socket.poll(100):
                continue
            _, message = self.client.session.recv(socket)
            now = time.monotonic()
            with self._changed:
                kind, content = message["msg_type"], message["content"]
                cell = self._cell_of(message["parent_header"].get("msg_id"), content)
                if cell is None:
                    continue
                if kind == "status" and content["execution_state"] == "idle":
                    cell.idle = now
                cell.add(kind, content)
                self._changed.notify_all()
