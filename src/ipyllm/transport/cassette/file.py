"""
Writing a cassette: line by line as the bytes come, one recording after the other.

Answers that stream at the same time take turns: the oldest is written as it comes, the
others wait in memory. A disk that fails stops the recording and nothing else.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from ipyllm.errors import UsageError
from ipyllm.transport.cassette.form import VERSION, as_bytes, chunk_line, end_line
from ipyllm.transport.cassette.redact import Redactor, hidden, spellings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipyllm.providers import Target

__all__ = ("CassetteFile", "Paper", "Take")

# Of a response's headers only what is known to tell nothing of whose account it is.
_HEADERS = {
    "content-type",
    "openai-processing-ms",
    "openai-version",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "server",
    "x-request-id",
    "x-should-retry",
}
_LIMITS = ("anthropic-ratelimit-", "ratelimit-", "x-ratelimit-")
_WAIT = 2.0  # seconds for answers that are just ending


class Paper(Protocol):
    """
    Where takes are written.

    * `failure`: why the disk took no more, in words; "" while all is well.
    """

    failure: str

    def take(self, target: Target, url: str, payload: dict[str, Any]) -> Take:
        """A place for one more recording, of the answer to `payload`."""
        ...

    def write(self, take: Take, lines: list[str]) -> None:
        """More lines of a take."""
        ...

    def end(self, take: Take) -> None:
        """That was its last line."""
        ...


class CassetteFile:
    """
    A cassette that grows.

    * `failure`: why the disk took no more, in words; "" while all is well.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failure = ""
        self._takes: deque[Take] = deque()
        self._idle = threading.Condition()
        self._open: IO[bytes] | None = None

    @classmethod
    def empty(cls, path: Path) -> CassetteFile:
        """
        Begin a new file in place of what is there.

        Raises:
            UsageError: it cannot be written.
        """
        try:
            path.write_bytes(b"")
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            raise UsageError(f"{path} cannot be written: {reason}.") from None
        return cls(path)

    def take(self, target: Target, url: str, payload: dict[str, Any]) -> Take:
        """A place in the file for one more recording, of the answer to `payload`."""
        with self._idle:
            self._takes.append(Take(self, target, url, payload))
            return self._takes[-1]

    def wait(self) -> None:
        """Wait for the ends of the recordings under way, a moment at most."""
        with self._idle:
            self._idle.wait_for(lambda: not self._takes, _WAIT)

    def write(self, take: Take, lines: list[str]) -> None:
        """Write a take's lines, now if it is its turn."""
        with self._idle:
            take.waiting += lines
            if self._takes and self._takes[0] is take:
                self._flush(take)

    def end(self, take: Take) -> None:
        """That was its last line: the next may write."""
        with self._idle:
            take.ended = True
            while self._takes and self._takes[0].ended:
                self._flush(self._takes.popleft())
            if self._takes:
                self._flush(self._takes[0])
            elif self._open is not None:
                self._close()
            self._idle.notify_all()

    def _flush(self, take: Take) -> None:
        lines, take.waiting = take.waiting, []
        if self.failure or not lines:
            return
        try:
            if self._open is None:
                self._open = self.path.open("ab", buffering=0)
            self._open.write(as_bytes(lines))
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            self.failure = f"The recording {self.path} is not whole: {reason}."

    def _close(self) -> None:
        opened, self._open = self._open, None
        try:
            if opened is not None:
                opened.close()
        except OSError as exc:
            self.failure = f"The recording {self.path} is not whole: {exc.strerror}."


class Take:
    """
    One recording being made: `answered` once, `chunk` for each chunk, `end` once.

    * `waiting`: lines that wait for its turn. `ended`: no more lines come.
    """

    __slots__ = ("_file", "_header", "_redactor", "_secrets", "ended", "waiting")

    def __init__(self, file: Paper, target: Target, url: str, payload: dict[str, Any]) -> None:
        self._file = file
        self._secrets = spellings(_secrets(target, url))
        self._redactor = Redactor(self._secrets)
        self._header: dict[str, Any] | None = {
            "ipyllm": VERSION,
            "api": target.dialect,
            "model": f"{target.provider}/{target.model}",
            "url": _bare(url),
            "request": payload,
        }
        self.ended = False
        self.waiting: list[str] = []

    def copies(self, header: Mapping[str, Any]) -> None:
        """What comes is a replay of another recording: it was asked there."""
        if self._header is not None and isinstance(url := header.get("url"), str):
            self._header["url"] = url

    def answered(self, headers: Mapping[str, str], ms: float) -> None:
        """The response began; `ms`: request sent -> its headers."""
        if self._header is not None:
            self._header |= {"headers": _safe(headers), "ms": ms}

    def chunk(self, ms: float, chunk: bytes) -> None:
        """Bytes that came."""
        self._begin(200)  # a body of any other status is an error's, and part of its message
        self._file.write(self, [chunk_line(*one) for one in self._redactor.feed(ms, chunk)])

    def end(self, ms: float, error: BaseException | None) -> None:
        """How it ended."""
        self._begin(200 if error is None else getattr(error, "status", None))
        lines = [chunk_line(*one) for one in self._redactor.close()]
        self._file.write(self, [*lines, self._line(end_line(ms, error))])
        self._file.end(self)

    def _begin(self, status: int | None) -> None:
        header, self._header = self._header, None
        if header is not None:
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self._file.write(self, [self._line(header | {"status": status, "recorded": now})])

    def _line(self, value: Any) -> str:
        return json.dumps(hidden(value, self._secrets), ensure_ascii=False)


def _secrets(target: Target, url: str) -> list[str]:
    password = unquote(urlsplit(url).password or "")
    return [password, *([target.key.value] if target.key is not None else [])]


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _safe(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in ((name.lower(), value) for name, value in headers.items())
        if name in _HEADERS or name.startswith(_LIMITS)
    }
