"""What was on the wire, to look at: `with Wire() as wire: ask(...)`, or `Wire("talk.jsonl")`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ipyllm.transport.cassette import read, within
from ipyllm.transport.cassette.tap import Tap
from ipyllm.widget.wire import wire_html

if TYPE_CHECKING:
    from types import TracebackType

    from ipyllm.transport.cassette import Recording

__all__ = ("Wire",)


class Wire:
    """
    The responses of a cassette, or those asked for within `with`, by this thread or cell.

    A notebook shows it as HTML: what was asked, every read with its time, its bytes and the events
    they made. No key is in it.

    * `recordings`: one for each response, as far as it was kept (`transport.cassette.tap`).

    Raises:
        UsageError: the file is no cassette.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._tap = Tap()
        self._stack = ExitStack()
        if path is not None:
            self._tap.recordings = read(Path(path).expanduser())
            self._tap.left_out = [0] * len(self._tap.recordings)

    @property
    def recordings(self) -> list[Recording]:
        return self._tap.recordings

    def __enter__(self) -> Wire:  # noqa: PYI034 - typing has no Self before 3.11
        self._stack.enter_context(within(self._tap))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _repr_html_(self) -> str:
        tap = self._tap
        return wire_html(tap.recordings, left_out=tap.left_out, missed=tap.missed)

    def __repr__(self) -> str:
        reads = sum(len(one.chunks) for one in self.recordings)
        return f"<Wire of {len(self.recordings)} responses, {reads:,} reads>"
