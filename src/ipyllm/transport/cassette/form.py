"""
Cassettes: responses as they came, with their times, in a file people can read and compare.

JSON Lines; docs/cassettes.md describes it. Here one line becomes one value and back.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ipyllm import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = (
    "VERSION",
    "Recording",
    "as_bytes",
    "chunk_line",
    "difference",
    "differences",
    "end_line",
    "parsed",
    "read",
)

VERSION = 1
_SHOWN = 60  # characters of a value in an error
_RECORD = "Record it again with ipyllm.testing.record."


@dataclass(slots=True)
class Recording:
    """
    One response of a cassette.

    * `header`: its first line. `line`: that line's number, from 1.
    * `chunks`: (ms since the request was sent, bytes).
    * `ended`: ms at which it ended. `error`: what it ended in; None if it was simply over.
    * `stopped`: whoever asked had enough.
    """

    header: Mapping[str, Any]
    line: int
    chunks: list[tuple[float, bytes]] = field(default_factory=list[tuple[float, bytes]])
    ended: float | None = None
    error: errors.IpyllmError | None = None
    stopped: bool = False

    @property
    def model(self) -> str:
        return str(self.header.get("model", ""))


def as_bytes(lines: Iterable[str]) -> bytes:
    """Lines as they stand in a file."""
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")


def read(path: Path, again: str = _RECORD) -> list[Recording]:
    """
    All recordings of a cassette, in order; `again` is what errors advise.

    Raises:
        UsageError: not there, or no cassette; with the number of the line.
    """
    try:
        raw = path.read_bytes()
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise errors.UsageError(f"{path} cannot be read: {reason}.", hint=again) from None
    try:
        return parsed(raw, str(path))
    except errors.UsageError as exc:
        advice = again if exc.hint == _RECORD else exc.hint
        raise errors.UsageError(exc.message, hint=advice) from None


def parsed(raw: bytes, name: str) -> list[Recording]:
    """
    The same from what a file holds.

    Raises:
        UsageError: as `read`.
    """
    recordings: list[Recording] = []
    lines = raw.split(b"\n")
    whole = lines.pop() == b""  # else the writer was killed within its last line
    for number, line in enumerate(lines, 1):
        if line.strip():
            _take(recordings, line, f"{name}, line {number}", number)
    if not whole and not recordings:
        raise errors.UsageError(f"{name}, line {len(lines) + 1}: it breaks off here.", hint=_RECORD)
    _mend(recordings, name, len(lines) + (not whole))
    return recordings


def _take(recordings: list[Recording], raw: bytes, where: str, number: int) -> None:
    try:
        line: Any = json.loads(raw)
    except ValueError:  # of UnicodeDecodeError too
        raise errors.UsageError(f"{where}: this is no JSON.", hint=_RECORD) from None
    match line:
        case {"ipyllm": int(version)} if version != VERSION:
            raise errors.UsageError(
                f"{where}: a cassette of version {version}; this ipyllm reads version {VERSION}.",
                hint="Update ipyllm, or record it again.",
            )
        case {"ipyllm": int(), "api": str(), "model": str(), "request": dict()}:
            recordings.append(Recording(cast("dict[str, Any]", line), number))
        case [int() | float() as ms, what] if recordings and recordings[-1].ended is None:
            _add(recordings[-1], float(ms), what, where)
        case _:
            raise errors.UsageError(f"{where}: this is no line of a cassette.", hint=_RECORD)


def _add(recording: Recording, ms: float, what: Any, where: str) -> None:
    match what:
        case str():
            recording.chunks.append((ms, what.encode("utf-8", "surrogatepass")))
        case {"b64": str(text)}:
            try:
                recording.chunks.append((ms, base64.b64decode(text, validate=True)))
            except (binascii.Error, ValueError):
                raise errors.UsageError(f"{where}: this is no base64.", hint=_RECORD) from None
        case None:
            recording.ended = ms
        case {"error": str(kind)}:
            recording.ended = ms
            recording.stopped = kind == "Stopped"
            recording.error = _error(kind, cast("dict[str, Any]", what))
        case _:
            raise errors.UsageError(f"{where}: this is no line of a cassette.", hint=_RECORD)


def _error(kind: str, line: Mapping[str, Any]) -> errors.IpyllmError | None:
    if kind == "Stopped":  # by the reader, who had enough: the stream simply has no more
        return None
    found = getattr(errors, kind, None) if kind in errors.__all__ else None
    said, advice = str(line.get("message") or kind), str(line.get("hint") or "")
    if isinstance(found, type) and issubclass(found, errors.ServiceError):
        error = found(said, hint=advice, status=_number(line.get("status"), int))
        error.retry_after = _number(line.get("retry_after"), int, float)
        error.retry = _number(line.get("retry"), bool)
        return error
    if isinstance(found, type) and issubclass(found, errors.IpyllmError):
        return found(said, hint=advice)
    return errors.ServerError(said, hint=advice)


def _number(value: Any, *kinds: type) -> Any:
    return value if type(value) in kinds else None


def _mend(recordings: list[Recording], path: str, last: int) -> None:
    """A recording without an end was cut by a crash: it replays what there is, and says so."""
    following = [recording.line - 1 for recording in recordings[1:]]
    for recording, number in zip(recordings, [*following, last], strict=True):
        if recording.ended is None:
            recording.ended = recording.chunks[-1][0] if recording.chunks else 0.0
            recording.error = errors.ConnectionLost(
                f"{path}, line {number}: the recording breaks off here.", hint=_RECORD
            )


def chunk_line(ms: float, chunk: bytes) -> str:
    """A chunk as a line: text where it is text."""
    try:
        what: object = chunk.decode("utf-8")
    except UnicodeDecodeError:
        what = {"b64": base64.b64encode(chunk).decode("ascii")}
    return json.dumps([ms, what], ensure_ascii=False)


def end_line(ms: float, error: BaseException | None) -> list[Any]:
    """How it ended, as a line's JSON: null, or the error."""
    match error:
        case None:
            return [ms, None]
        case errors.IpyllmError(message=str(message), hint=str(hint)):
            what = {"error": type(error).__name__, "message": message, "hint": hint}
        case _:
            what = {"error": type(error).__name__, "message": str(error)}
    names = ("status", "retry_after", "retry")
    more = {name: getattr(error, name, None) for name in names}
    return [ms, what | {name: value for name, value in more.items() if value is not None}]


def difference(asked: Any, recorded: Any) -> str:
    """The first field in which two JSON values differ, in words; "" if they are equal."""
    return next(differences(asked, recorded), "")


def differences(asked: Any, recorded: Any, path: str = "") -> Iterator[str]:
    """All of them."""
    if isinstance(asked, dict) and isinstance(recorded, dict):
        yield from _fields(cast("dict[str, Any]", asked), cast("dict[str, Any]", recorded), path)
    elif isinstance(asked, list) and isinstance(recorded, list):
        yield from _items(cast("list[Any]", asked), cast("list[Any]", recorded), path)
    elif asked != recorded or isinstance(asked, bool) != isinstance(recorded, bool):
        one, other = _apart(asked, recorded)
        yield f"{path or 'the request'} is {one}, in the recording {other}"


def _fields(asked: dict[str, Any], recorded: dict[str, Any], path: str) -> Iterator[str]:
    for name in {**asked, **recorded}:
        below = f"{path}.{name}" if path else name
        if name not in recorded:
            yield f"{below} is {_short(asked[name])}, the recording has none"
        elif name not in asked:
            yield f"{below} is not asked, the recording has {_short(recorded[name])}"
        else:
            yield from differences(asked[name], recorded[name], below)


def _items(asked: list[Any], recorded: list[Any], path: str) -> Iterator[str]:
    for index, (one, other) in enumerate(zip(asked, recorded, strict=False)):
        yield from differences(one, other, f"{path}[{index}]")
    if len(asked) != len(recorded):
        yield f"{path} has {len(asked)} items, in the recording {len(recorded)}"


def _apart(asked: Any, recorded: Any) -> tuple[str, str]:
    """Both as people can tell them apart: of two long texts the place where they part."""
    if isinstance(asked, str) and isinstance(recorded, str):
        pairs = enumerate(zip(asked, recorded, strict=False))
        same = next((at for at, (one, other) in pairs if one != other), 0)
        if same > _SHOWN // 2:
            start = same - _SHOWN // 4
            return _short("..." + asked[start:]), _short("..." + recorded[start:])
    return _short(asked), _short(recorded)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
