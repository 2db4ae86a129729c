"""
The file a grid goes on from: one line as a call is made, one as it ends. docs/grids.md has the form.

Only whole lines count. Each is one write at the end of the file, so a process that is killed
leaves at most one torn line, its last, and the rows before it are safe.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipyllm.errors import UsageError
from ipyllm.sweep.row import Result
from ipyllm.transport.cassette.redact import hidden, spellings

if TYPE_CHECKING:
    from ipyllm.sweep.row import Row

__all__ = ("Journal",)

VERSION = 1
_NAME = "grid.jsonl"  # in a folder
_HEADER = "ipyllm_grid"
_NUMBERS = ("ttft", "ttfa", "decode_rate", "total", "tokens", "input_tokens", "estimated")
_KEPT = ("text", "reasoning", "json", "finish_reason", "error", *_NUMBERS)
_in_use: set[str] = set()
_lock = threading.Lock()


class Journal:
    """
    Reads what is there, then takes more.

    * `done`: the results of calls that were finished, by their keys.
    * `lost`: keys of calls that were made and of which nothing is known: the process was killed.
    * `failure`: why the disk took no more, in words; "" while all is well.

    Raises:
        UsageError: it cannot be read or written, is no such file, or another grid writes it now.
    """

    def __init__(self, path: str | os.PathLike[str], secrets: Iterable[str] = ()) -> None:
        self.path = _file(path)
        self.failure = ""
        self.done: dict[str, Result] = {}
        self.lost: set[str] = set()
        self._secrets = spellings(secrets)
        self._claim()
        try:
            self._fd = self._opened()
        except BaseException:
            self._release()
            raise

    def asked(self, key: str) -> None:
        """A call is about to be made."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        self._write({"asked": key, "at": now})

    def ended(self, key: str, row: Row, result: Result) -> None:
        """A call is over, one way or the other."""
        about = {
            "prompt": row.prompt,
            "variables": dict(row.variables),
            "model": row.model,
            "params": dict(row.params),
            "repeat": row.repeat,
        }
        kept = {name: getattr(result, name) for name in _KEPT}
        self._write({"row": key, "state": result.state, **about, **kept})

    def close(self) -> None:
        """Give the file free."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            self._release()

    def _claim(self) -> None:
        with _lock:
            name = str(self.path.resolve())
            if name in _in_use:
                raise _busy(self.path)
            _in_use.add(name)

    def _release(self) -> None:
        with _lock:
            _in_use.discard(str(self.path.resolve()))

    def _opened(self) -> int | None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as exc:
            raise UsageError(f"{self.path} cannot be written: {_why(exc)}.") from None
        try:
            _only_ours(fd, self.path)
            raw = self.path.read_bytes()
            self._read(raw)
            if not raw:
                os.write(fd, _line({_HEADER: VERSION}))
            elif not raw.endswith(b"\n"):  # torn: what follows gets a line of its own
                os.write(fd, b"\n")
        except OSError as exc:
            os.close(fd)
            raise UsageError(f"{self.path} cannot be used: {_why(exc)}.") from None
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _read(self, raw: bytes) -> None:
        lines = raw.split(b"\n")
        if raw and not _is_header(lines[0]):
            raise UsageError(
                f"{self.path} is not a grid's file.", hint="Name a file that is not there yet."
            )
        for line in lines[1:]:
            match _parsed(line):
                case {"asked": str(key)}:
                    self.lost.add(key)
                case {"row": str(key), "state": str(state)} as found:
                    self.lost.discard(key)
                    if state == "done":
                        self.done[key] = _result(found)
                case _:
                    pass  # torn by a kill

    def _write(self, value: Mapping[str, Any]) -> None:
        if self._fd is None or self.failure:
            return
        line = _line(hidden(value, self._secrets))
        try:
            written = os.write(self._fd, line)
        except OSError as exc:
            self.failure = f"{self.path} takes no more: {_why(exc)}."
            return
        if written < len(line):  # a disk that has just become full
            self.failure = f"{self.path} takes no more: the disk is full."


def _file(path: str | os.PathLike[str]) -> Path:
    said = os.fspath(path)
    if not said:
        raise UsageError('path="" names no file.', hint='Write path="run.jsonl".')
    found = Path(said).expanduser()
    return found / _NAME if found.is_dir() or said.endswith(("/", os.sep)) else found


def _is_header(line: bytes) -> bool:
    match _parsed(line):
        case {"ipyllm_grid": int(version)}:
            return version == VERSION
        case _:
            return False


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:  # of UnicodeDecodeError too
        return None


def _result(line: Mapping[str, Any]) -> Result:
    known = {name: line[name] for name in _KEPT if name in line}
    return Result(state="done", **known)


def _line(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _only_ours(fd: int, path: Path) -> None:
    """Refuse a file that another process writes: both would pay."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _busy(path) from None
    except OSError:
        return  # a file system without locks


def _busy(path: Path) -> UsageError:
    return UsageError(
        f"{path} is in use by a grid that still runs.",
        hint="Wait for it, or stop it with its cancel().",
    )


def _why(exc: OSError) -> str:
    return exc.strerror or type(exc).__name__
