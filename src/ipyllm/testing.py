"""
For tests of what builds on ipyllm: cassettes, a source that plays a script, a clock that stands still.

    with ipyllm.testing.record("hello.jsonl"):  # once, by hand
        ipyllm.ask("Hi", model="openai/gpt-4o")
    with ipyllm.testing.replay("hello.jsonl"):  # then in every test: no network, no key
        assert ipyllm.ask("Hi", model="openai/gpt-4o") == "Hello!"

    source = ScriptedSource([TextDelta("Hel")], [TextDelta("lo"), Finish("stop")])
    reply = Run(source, NullSink(), clock=FakeClock())
"""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ipyllm.dialects import dialect as dialect_named
from ipyllm.transport.cassette import CassetteFile, Player, Recorder, inserted

if TYPE_CHECKING:
    from ipyllm.events import Event
    from ipyllm.request import Message
    from ipyllm.run.source import Deliver
    from ipyllm.transport.http import Marks

__all__ = ("FakeClock", "ScriptedSource", "Step", "record", "replay")

Step = bytes | list["Event"] | threading.Event | BaseException | Callable[[], object]
"""What a `ScriptedSource` does at one point of its script."""

_POLL = 0.001  # seconds between two looks at a gate


class FakeClock:
    """
    A clock that a test moves: `clock()` gives the time, `advance` moves it on.

    * `now`: seconds.
    """

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, for everybody who asks this clock."""
        self.now += seconds


class ScriptedSource:
    """
    A `Source` that plays its steps one by one, then ends.

    Steps: `bytes` and lists of events are delivered; a `threading.Event` is waited for; an
    exception is raised; anything callable is called (to advance a clock, say). Run again, after
    an exception or an error event, it goes on with the next step.

    * `dialect`: decodes the bytes; a script of events alone ends `truncated` unless it has a `Finish`.
    * `deaf`: goes on when it is cancelled, as a stuck library might.
    * `cancelled`: set when it was told to stop.
    * `then`: what answers when the run asks again; `told`: the messages it was asked with.
    """

    def __init__(
        self,
        *steps: Step,
        label: str = "scripted/model",
        dialect: str = "openai_chat",
        deaf: bool = False,
        load: float | None = None,
        then: ScriptedSource | None = None,
    ) -> None:
        self.then = then
        self.told: Sequence[Message] = ()
        self._steps = iter(steps)
        self._dialect = dialect_named(dialect)
        self._deaf = deaf
        self._decoder = self._dialect.decoder()
        self.model = self.label = label
        self.load = load
        self.gauge: tuple[float, str, bool] | None = None
        self.cancelled = threading.Event()

    async def run(self, deliver: Deliver, marks: Marks) -> None:
        """Play the script."""
        marks.sent = marks.clock()
        self._decoder = self._dialect.decoder()
        for step in self._steps:
            match step:
                case bytes() | list():
                    deliver(step)
                    await self._pause(0)
                case threading.Event():
                    while not step.is_set():
                        await self._pause(_POLL)
                case BaseException():
                    raise step
                case _:
                    step()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled.set()
            if not self._deaf:
                raise

    def decode(self, chunk: bytes) -> list[Event]:
        """As `Source.decode`."""
        events = self._decoder.feed(chunk)
        return events + self._decoder.close() if self._decoder.finished else events

    def close(self) -> list[Event]:
        """As `Source.close`."""
        return self._decoder.close()

    def more(self, messages: Sequence[Message]) -> ScriptedSource:
        """As `Source.more`. Raises: IndexError: nobody wrote what comes then."""
        if self.then is None:
            raise IndexError("the script has no `then`")
        self.then.told = messages
        return self.then


@contextmanager
def record(path: str | os.PathLike[str]) -> Generator[None]:
    """
    Within it, every answer that comes over HTTP is also written to `path`, which begins anew.

    No key is ever written. A disk that fails costs the recording, not the answer: it is warned of.

    Raises:
        UsageError: the file cannot be written at all.
    """
    file = CassetteFile.empty(Path(path))
    try:
        with inserted(Recorder(file)):
            yield
    finally:
        file.wait()
    if file.failure:
        warnings.warn(file.failure, stacklevel=3)


@contextmanager
def replay(path: str | os.PathLike[str], *, speed: float | None = None) -> Generator[None]:
    """
    Within it, every answer comes from `path`: no network, no key, no weights.

    Each recording answers once, the first that was asked the very same. What was not recorded
    is a UsageError, never a live call.

    Args:
        path: a file that `record` wrote.
        speed: 1 as recorded, 2 twice as fast; None or 0: at once.

    Raises:
        UsageError: the file is no cassette.
    """
    with inserted(Player(Path(path), speed=speed)):
        yield
