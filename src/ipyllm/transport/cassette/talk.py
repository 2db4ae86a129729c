"""
A cassette that is added to, cell by cell: a request that is recorded again takes its old place.

The file is replaced whole as each answer ends, so it never holds half of one; answers that were
stopped are in it, marked. What the same cell asks twice, an attempt after one that failed, say, is
there twice.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ipyllm.errors import UsageError
from ipyllm.transport.cassette.collected import Collected
from ipyllm.transport.cassette.form import as_bytes, parsed, read
from ipyllm.transport.cassette.identity import digest
from ipyllm.transport.cassette.replacing import replace_with

if TYPE_CHECKING:
    from pathlib import Path

    from ipyllm.providers import Target
    from ipyllm.transport.cassette.file import Take

__all__ = ("TalkFile",)

_AGAIN = "Name another file: this one is left as it is."
_lock = threading.Lock()  # answers in the background may end into the same file


class TalkFile:
    """
    A `Paper` for what one cell asks.

    * `failure`: why the disk took no more, in words; "" while all is well.

    Raises:
        UsageError: the file is there and is no cassette, or its folder is not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failure = ""
        self._mine: set[str] = set()  # requests recorded by this cell
        self._collected = Collected(self._add)
        if not path.parent.is_dir():
            raise UsageError(f"There is no folder {path.parent} for --record.", hint="Make it.")
        if path.exists():
            read(path, _AGAIN)

    def take(self, target: Target, url: str, payload: dict[str, Any]) -> Take:
        """As `Paper.take`."""
        return self._collected.take(target, url, payload)

    def write(self, take: Take, lines: list[str]) -> None:
        """As `Paper.write`."""
        self._collected.write(take, lines)

    def end(self, take: Take) -> None:
        """As `Paper.end`."""
        self._collected.end(take)

    def _add(self, lines: list[str], left_out: int) -> None:
        del left_out
        try:
            with _lock:
                self._put(as_bytes(lines))
        except (OSError, UsageError) as exc:
            reason = exc.message if isinstance(exc, UsageError) else f"{exc.strerror}."
            self.failure = f"The recording {self.path} is not whole: {reason}"

    def _put(self, new: bytes) -> None:
        key = digest(parsed(new, "")[0].header)
        blocks = _blocks(self.path)
        places = [at for at, (name, _) in enumerate(blocks) if name == key]
        place = len(blocks)
        if key in self._mine:
            place = places[-1] + 1 if places else place
        elif places:
            place = places[0]
            blocks = [block for block in blocks if block[0] != key]
        self._mine.add(key)
        blocks.insert(place, (key, new))
        replace_with(self.path, b"".join(block for _, block in blocks))


def _blocks(path: Path) -> list[tuple[str, bytes]]:
    """(which request, lines) of each recording."""
    if not path.exists():
        return []
    recordings = read(path, _AGAIN)
    lines = path.read_bytes().split(b"\n")[:-1]  # what no line end closes was torn
    ends = [*(recording.line - 1 for recording in recordings[1:]), len(lines)]
    return [
        (digest(one.header), b"".join(line + b"\n" for line in lines[one.line - 1 : end]))
        for one, end in zip(recordings, ends, strict=True)
    ]
