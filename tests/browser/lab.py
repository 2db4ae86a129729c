"""A real JupyterLab server, and one notebook in it as a person at the screen has it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as TookTooLong

START_LIMIT = 90.0  # seconds until JupyterLab answers
CELL_LIMIT = 30.0  # seconds until a cell is done, unless a test says more

# Chromium's own sandbox does not start as root, where CI runs.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Text of an element as one sees it, also inside shadow roots, where innerText does not look.
SEEN_TEXT = """element => {
  const text = node => node.shadowRoot ? [...node.shadowRoot.childNodes].map(text).join("")
    : node.nodeType === Node.TEXT_NODE ? node.data
    : node.nodeName === "STYLE" || node.hidden ? ""
    : [...node.childNodes].map(text).join("");
  return text(element);
}"""

# The view of an answer that still streams.
LIVE = ".ipyllm, .jupyter-widgets, .jp-OutputPlaceholder"

# Where things are in an output, in CSS pixels below its top or right of its left edge: the text
# with these words in it, the strip's first and second word, and the end of it all.
BOXES = """(area, words) => {
  const origin = area.getBoundingClientRect();
  const walk = document.createTreeWalker(area, NodeFilter.SHOW_TEXT);
  const find = wanted => {
    walk.currentNode = area;
    while (walk.nextNode()) {
      const at = walk.currentNode.data.indexOf(wanted);
      if (at < 0 || !walk.currentNode.parentElement.checkVisibility()) continue;
      const range = document.createRange();
      range.setStart(walk.currentNode, at);
      range.setEnd(walk.currentNode, at + wanted.length);
      const box = range.getBoundingClientRect();
      return { x: box.x - origin.x, y: box.y - origin.y, width: box.width, height: box.height };
    }
    throw new Error(`${wanted} is not seen`);
  };
  const boxes = { text: find(words), name: find("llamacpp/"), ttft: find("first token") };
  const flat = Object.entries(boxes).flatMap(([name, box]) =>
    Object.entries(box).map(([key, value]) => [`${name}.${key}`, value]));
  return { ...Object.fromEntries(flat), "height": origin.height };
}"""

# Opens a notebook and closes all else without asking.
OPEN_ALONE = """async path => {
  const app = window.jupyterapp;
  await app.restored;
  for (const widget of [...app.shell.widgets("main")]) widget.dispose();
  await app.commands.execute("docmanager:open", { path });
}"""


class Lab:
    """
    A JupyterLab that knows nothing of this user: its own HOME, settings and kernels.

    * `kernels`: kernel name -> Python to run it with.
    * `kernel_env`: variables every kernel gets.
    """

    def __init__(
        self, folder: Path, kernels: Mapping[str, str], kernel_env: Mapping[str, str]
    ) -> None:
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        self.log = folder / "lab.log"
        self.token = secrets.token_hex(8)
        for name, python in kernels.items():
            self._add_kernel(folder, name, python, kernel_env)
        answers = folder / "settings" / "@jupyterlab" / "apputils-extension"
        answers.mkdir(parents=True)  # to the question whether one wants news
        (answers / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        config = folder / "config" / "labconfig"
        if not config.exists():  # the tests of JupyterLab's extension have their own
            config.mkdir(parents=True)
            (config / "page_config.json").write_text('{"disabledExtensions": {"ipyllm": true}}')
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), env=self._environment(folder), stdout=log, stderr=log
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.stop()
            raise

    def write(self, name: str, sources: Sequence[str], kernel: str) -> Path:
        """Write a notebook with these code cells."""
        cells = [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(sources)
        ]
        spec = {"name": kernel, "display_name": kernel, "language": "python"}
        notebook = {
            "cells": cells,
            "metadata": {"kernelspec": spec},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        return self.write_notebook(name, notebook)

    def write_notebook(self, name: str, notebook: Mapping[str, Any]) -> Path:
        """Write a notebook as it is; one that no page has saved is not trusted."""
        path = self.notebooks / f"{name}.ipynb"
        path.write_text(json.dumps(notebook), encoding="utf-8")
        return path

    def trust(self, path: Path) -> None:
        """Sign a notebook, as `jupyter trust` does for the user of this lab."""
        command = [sys.executable, "-m", "jupyter", "trust", str(path)]
        environment = self._environment(self.notebooks.parent)
        subprocess.run(command, env=environment, check=True, capture_output=True)

    def api(self, path: str, method: str = "GET") -> Any:
        """Ask the Jupyter server itself; gives its JSON, None for an empty answer."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            body = response.read()
        return json.loads(body) if body else None

    def shut_down_kernels(self) -> None:
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @staticmethod
    def _add_kernel(folder: Path, name: str, python: str, env: Mapping[str, str]) -> None:
        spec = folder / "data" / "kernels" / name
        spec.mkdir(parents=True)
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        text = {"argv": argv, "display_name": name, "language": "python", "env": dict(env)}
        (spec / "kernel.json").write_text(json.dumps(text), encoding="utf-8")

    def _command(self) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.url.rsplit(":", 1)[1],
            "ServerApp.port_retries": "0",
            "ServerApp.allow_root": "True",
            "ServerApp.open_browser": "False",
            "ServerApp.root_dir": str(self.notebooks),
            "IdentityProvider.token": self.token,
            "LabApp.expose_app_in_browser": "True",
            "LabApp.news_url": "None",
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "jupyter", "lab", *words]

    @staticmethod
    def _environment(folder: Path) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
        return env | {
            "HOME": str(folder / "home"),
            "USERPROFILE": str(folder / "home"),
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        }

    def _wait_until_up(self) -> None:
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            try:
                self.api("status")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"JupyterLab did not start:\n{self.log.read_text()[-4000:]}")


class NotebookPage:
    """
    One notebook open in a browser tab. Cells are counted from 0, code cells only.

    In a tab that has this lab open already, the notebook takes the place of all that is there: a
    second instead of five.

    * `with_kernel`: wait for its kernel; False for a notebook that has none.
    * `reloaded`: the tab cannot be used for another notebook: JupyterLab opens the one its address
      names, and may do so once more, seconds later.
    """

    def __init__(self, page: Page, lab: Lab, path: Path, *, with_kernel: bool = True) -> None:
        self.page = page
        self.path = path
        self.reloaded = False
        # A workspace of its own, so that a reload comes back to this notebook and no other.
        self._url = f"{lab.url}/lab/workspaces/{path.stem}/tree/{path.name}"
        if not page.url.startswith(lab.url):
            page.goto(f"{lab.url}/lab/workspaces/{path.stem}?reset&token={lab.token}")
            page.wait_for_function("() => window.jupyterapp", timeout=60_000)
        page.evaluate(OPEN_ALONE, path.name)
        self._wait_for_cells()
        if with_kernel:
            self.wait_for_kernel()

    def cell(self, number: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def output(self, number: int) -> Locator:
        """Locate a cell's whole output area."""
        return self.cell(number).locator(".jp-Cell-outputArea")

    def output_text(self, number: int) -> str:
        """Give what one reads in a cell's output, live widgets too."""
        area = self.output(number)
        return area.evaluate(SEEN_TEXT) if area.count() else ""

    def wait_for_output(self, number: int, text: str, limit: float = CELL_LIMIT) -> None:
        """Wait until a cell's output has this text in it; a cell that ends without it fails."""
        end = time.monotonic() + limit
        while text not in (seen := self.output_text(number)):
            over = time.monotonic() > end or not self.is_running(number)
            if over and text not in self.output_text(number):
                raise AssertionError(f"{text!r} is not in the output of cell {number}:\n{seen}")
            self.page.wait_for_timeout(20)

    def wait_until_seen(self, number: int, text: str, limit: float = CELL_LIMIT) -> None:
        """Wait until a cell's output has this text in it, whether or not the cell runs."""
        end = time.monotonic() + limit
        while text not in (seen := self.output_text(number)):
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} is not in the output of cell {number}:\n{seen}")
            self.page.wait_for_timeout(20)

    def wait_until_static(self, number: int, limit: float = CELL_LIMIT) -> Locator:
        """Wait until an answer is plain HTML and no widget; gives that HTML's element."""
        live = self.output(number).locator(LIVE)
        expect(live).to_have_count(0, timeout=limit * 1000)
        static = self.output(number).locator('[data-mime-type="text/html"]')
        static.wait_for(timeout=limit * 1000)
        return static

    def start(self, number: int) -> None:
        """Run a cell and do not wait for it."""
        for tries_left in (2, 1, 0):  # a page that is still cold takes no shortcut
            self.cell(number).locator(".jp-InputArea-editor").click()
            self.page.keyboard.press("Control+Enter")
            try:
                self._wait_until_prompt_is_not("[ ]:", number, 5)
            except TookTooLong:
                if not tries_left:
                    raise
            else:
                return

    def run(self, number: int, limit: float = CELL_LIMIT) -> None:
        """Run a cell to its end."""
        self.start(number)
        self.wait_done(number, limit)

    def run_all(self) -> None:
        """Start Run All Cells and do not wait for it."""
        self.command("notebook:run-all-cells")

    def prompt(self, number: int) -> Locator:
        return self.cell(number).locator(".jp-InputArea-prompt")

    def is_running(self, number: int) -> bool:
        return self.prompt(number).inner_text() == "[*]:"

    def wait_done(self, number: int, limit: float = CELL_LIMIT) -> None:
        """Wait until a cell that was started is no longer running or queued."""
        self._wait_until_prompt_is_not("[*]:", number, limit)

    def _wait_until_prompt_is_not(self, text: str, number: int, limit: float) -> None:
        # `expect` looks once a second after a while: 0.5 s more for each test.
        self.page.wait_for_function(
            """([number, text]) => {
              const cell = document.querySelectorAll(".jp-Notebook .jp-CodeCell")[number];
              return cell.querySelector(".jp-InputArea-prompt").textContent !== text;
            }""",
            arg=[number, text],
            polling=20,
            timeout=limit * 1000,
        )

    def interrupt(self) -> None:
        """Interrupt the kernel, as Kernel > Interrupt does."""
        self.command("notebook:interrupt-kernel")

    def button(self, number: int, name: str) -> Locator:
        """Locate a button in a cell's output: the page's own may be named after the notebook."""
        return self.output(number).get_by_role("button", name=name, exact=True)

    def click_stop(self, number: int) -> None:
        """Click the Stop button in a cell's output."""
        self.button(number, "Stop").click()

    def save(self) -> dict[str, Any]:
        """Save, and give the notebook as it then is on disk."""
        self.command("docmanager:save", wait=True)
        return json.loads(self.path.read_text(encoding="utf-8"))

    def reload(self, *, with_kernel: bool = True) -> None:
        """
        Reload the page; the kernel lives on.

        * `with_kernel`: wait until it answers; while a cell blocks it, it does not.
        """
        self.reloaded = True
        self.page.goto(self._url)
        self._wait_for_cells()
        if with_kernel:
            self.wait_for_kernel()

    def command(self, name: str, *, wait: bool = False) -> None:
        """Execute one of JupyterLab's own commands."""
        call = f"window.jupyterapp.commands.execute({name!r})"
        self.page.evaluate(call if wait else f"void {call}")

    def wait_for_kernel(self) -> None:
        """Wait until the page knows whether the kernel is idle or busy."""
        self.page.wait_for_function(
            """() => {
              const session = window.jupyterapp.shell.currentWidget?.sessionContext;
              return ["idle", "busy"].includes(session?.session?.kernel?.status);
            }""",
            timeout=60_000,
        )

    def _wait_for_cells(self) -> None:
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
