"""
What outlives `%reload_ext`: IPython unloads, then loads, and says to neither that it is a reload.

Kept until the cell is over; a `%load_ext` in a later cell begins anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ("leave", "taken")

_left: WeakKeyDictionary[InteractiveShell, Any] = WeakKeyDictionary()


def leave(shell: InteractiveShell, value: object) -> None:
    """Have the next to load in this cell take it."""
    events = cast("Any", shell.events)

    def over(_result: object) -> None:
        _left.pop(shell, None)
        events.unregister("post_run_cell", over)

    _left[shell] = value
    events.register("post_run_cell", over)


def taken(shell: InteractiveShell) -> Any:
    """What was left; None for nothing."""
    return _left.pop(shell, None)
