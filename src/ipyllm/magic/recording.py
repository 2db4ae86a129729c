"""
`--record`, `--replay`, `--speed`, `--cache`, `--wire`: what one cell asks, through what.

Only this cell's requests: what streams in the background of others stays as it is. A tool that
asks a model itself belongs to its cell.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ipyllm.errors import UsageError
from ipyllm.events import Notice
from ipyllm.local.weights import cache_dir

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from ipyllm.run.reply import Reply
    from ipyllm.widget.wire_view import Wire

__all__ = ("Recording", "cache", "last_wire", "note", "through")

_FIRST = 8  # events among which a notice of the cache is
_NO_WIRE = ("python", "browser")
_last: list[Wire] = []


@dataclass(frozen=True, slots=True)
class Recording:
    """
    The flags of one cell; paths, a speed (None: the usual one), and two switches.

    Raises:
        UsageError: they do not go together.
    """

    record: str = ""
    replay: str = ""
    speed: float | None = None
    cache: bool = False
    wire: bool = False
    background: bool = False

    def __post_init__(self) -> None:
        chosen = [flag for flag in ("record", "replay", "cache") if getattr(self, flag)]
        if len(chosen) > 1:
            names = " and ".join(f"--{flag}" for flag in chosen)
            raise UsageError(f"{names} do not go together.", hint=f"Leave --{chosen[-1]} out.")
        if self.speed is not None and not self.replay:
            raise UsageError("--speed belongs to --replay.", hint="Add --replay FILE.")
        if self.speed is not None and not 0 <= self.speed < float("inf"):
            raise UsageError("--speed takes 0 (at once) or more; 1 is as recorded.")
        if self.wire and self.background:
            raise UsageError("--wire shows an answer that is over.", hint="Leave --bg out.")


@contextmanager
def through(flags: Recording, models: Sequence[str]) -> Generator[None]:
    """
    Within it, this cell asks `models` as its flags say; after it, `--wire` is shown.

    Raises:
        UsageError: a file that cannot be used, or a model without a wire.
    """
    names = [model.strip().partition("/")[0] for model in models]
    flag = next((one for one in ("record", "replay", "cache", "wire") if getattr(flags, one)), "")
    if not flag:
        yield
        return
    if alone := next((name for name in names if name in _NO_WIRE), ""):
        raise UsageError(f"--{flag} has no part in -m {alone}: it is asked without a network.")
    with ExitStack() as stack:
        _enter(flags, stack)
        yield


def _enter(flags: Recording, stack: ExitStack) -> None:
    from ipyllm.transport.cassette import Player, Recorder, within

    if flags.replay:
        from ipyllm.transport.cassette.environment import usual_speed

        speed = usual_speed() if flags.speed is None else flags.speed
        again = f"Run the cell once with --record {flags.replay}."
        stack.enter_context(within(Player(_path(flags.replay), speed=speed, again=again)))
    elif flags.record:
        from ipyllm.transport.cassette.talk import TalkFile

        file = TalkFile(_path(flags.record))
        stack.callback(lambda: file.failure and warnings.warn(file.failure, stacklevel=4))
        stack.enter_context(within(Recorder(file)))
    elif flags.cache:
        from ipyllm.transport.cassette.library import Library

        stack.enter_context(within(Library(_answers(), strict=True)))
    if flags.wire:
        from ipyllm.widget.wire_view import Wire

        wire = Wire()
        _last[:] = [wire]
        stack.callback(lambda: _show(wire))
        stack.enter_context(wire)


def note(reply: Reply) -> str:
    """What people have to know of an answer's times; "" if they were measured now."""
    # Not `raw_events`: all of a long answer's cost 20 ms.
    for event in reply._completion.events(_FIRST):  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        if isinstance(event, Notice) and event.kind == "cached":
            return f"cached {event.text[:10]}: the times are not the model's"
    return ""


def last_wire() -> Wire:
    """
    What the last `--wire` saw, for `%llm wire`.

    Raises:
        UsageError: there was none.
    """
    if not _last:
        raise UsageError("Nothing was kept of the wire yet.", hint="Run a cell with --wire first.")
    return _last[0]


def cache(words: str) -> str:
    """
    `%llm cache` says what is kept, `%llm cache clear` deletes it.

    Raises:
        UsageError: another word, or it cannot be deleted.
    """
    if words not in ("", "clear"):
        raise UsageError(f"%llm cache {words} is not known.", hint="Known: %llm cache clear.")
    folder = _answers()
    files = [*folder.glob("*.jsonl")]
    said = f"{_counted(len(files))}, {_size(files)}, in {folder}"
    if not words:
        return said
    try:
        for path in [*files, *folder.glob(".*.part")]:
            path.unlink(missing_ok=True)
    except OSError as exc:
        raise UsageError(f"{folder} cannot be cleared: {exc.strerror}.") from None
    return f"deleted {said}"


def _answers() -> Path:
    return cache_dir() / "answers"


def _counted(count: int) -> str:
    return f"{count:,} answer{'' if count == 1 else 's'}"


def _size(files: list[Path]) -> str:
    size = 0
    for path in files:
        with suppress(OSError):
            size += path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _path(name: str) -> Path:
    return Path(name).expanduser().absolute()


def _show(wire: Wire) -> None:
    from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

    if wire.recordings:
        display(wire)
