"""
`{Err[3]}`: the last error of cell 3, as text: its line, and a short traceback without colours.

IPython keeps no errors. What is kept here is text, taken when the cell is over: an exception would
hold all of its frames' variables.
"""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

__all__ = ("MAX_CELLS", "MAX_TEXT", "Failures", "failures_of", "unwatch", "watch")

MAX_CELLS = 100
"""Errors that are kept: the last."""
MAX_TEXT = 4_000
"""Characters of one."""

_FRAMES = 8  # the last, where it was raised
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_IPYTHON = ("IPython/core/interactiveshell.py", "ipykernel/")


class Failures:
    """Number of a cell -> its last error; a negative number counts back from the last error."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def __getitem__(self, number: int) -> str:
        if number < 0 and -number <= len(self._texts):
            return [*self._texts.values()][number]
        if number not in self._texts:
            raise LookupError(f"no error of cell {number} is known")
        return self._texts[number]

    def __len__(self) -> int:
        return len(self._texts)

    def record(self, result: ExecutionResult) -> None:
        """IPython's `post_run_cell`."""
        error = result.error_before_exec or result.error_in_exec
        number = result.execution_count
        if error is None or number is None:
            return
        self._texts.pop(number, None)
        self._texts[number] = _text(error)
        if len(self._texts) > MAX_CELLS:
            del self._texts[next(iter(self._texts))]


_watched: WeakKeyDictionary[InteractiveShell, Failures] = WeakKeyDictionary()


def watch(shell: InteractiveShell) -> None:
    """From now on, keep the errors of this shell's cells."""
    if shell not in _watched:
        _watched[shell] = failures = Failures()
        _events(shell).register("post_run_cell", failures.record)


def unwatch(shell: InteractiveShell) -> None:
    """Forget them, and keep no more."""
    if (failures := _watched.pop(shell, None)) is not None:
        _events(shell).unregister("post_run_cell", failures.record)


def failures_of(shell: InteractiveShell) -> Failures:
    """Those of this shell; none where nobody watches it."""
    return _watched.get(shell) or Failures()


def _events(shell: InteractiveShell) -> Any:
    return cast("Any", shell.events)


def _text(error: BaseException) -> str:
    try:
        text = _own(error) or _traceback(error)
    except Exception:  # the user's own code: __str__  # noqa: BLE001
        text = type(error).__name__
    return (
        text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT // 2]}\n…\n{text[-MAX_TEXT // 2 :]}"
    )


def _own(error: BaseException) -> str:
    """How an error that does it itself is shown in the notebook."""
    render = getattr(error, "_render_traceback_", None)
    return _COLOURS.sub("", "\n".join(render())) if render else ""


def _traceback(error: BaseException) -> str:
    """The error first: it is what people read, and what is left if the rest is cut."""
    whole = traceback.TracebackException.from_exception(error, compact=True)
    line = "".join(whole.format_exception_only()).strip()
    frames = [frame for frame in whole.stack if not _is_ipython(frame.filename)]
    shown = [f"  {_place(frame)}: {frame.line}".rstrip(": ") for frame in frames[-_FRAMES:]]
    if not shown:
        return line
    more = [f"  … {len(frames) - _FRAMES} more calls"] if len(frames) > _FRAMES else []
    return "\n".join([line, "Traceback, the last call last:", *more, *shown])


def _is_ipython(name: str) -> bool:
    name = name.replace("\\", "/")
    return any(each in name for each in _IPYTHON) and not _number(name)


def _place(frame: traceback.FrameSummary) -> str:
    number = _number(frame.filename)
    where = f"cell {number}" if number else Path(frame.filename).name
    inside = "" if frame.name == "<module>" else f", in {frame.name}"
    return f"{where}, line {frame.lineno}{inside}"


def _number(name: str) -> str:
    """Which cell a file's name stands for: IPython keeps it under the name of its code."""
    shell = cast("Any", sys.modules.get("IPython.core.getipython"))
    shell = shell and shell.get_ipython()
    known = getattr(getattr(shell, "compile", None), "_filename_map", {})
    if name in known:
        return str(known[name])
    found = re.fullmatch(r"<ipython-input-(\d+)-.*>", name)
    return found[1] if found else ""
