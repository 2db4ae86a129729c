"""Where a grid is shown: a live table in a page, one table at the end without one, text elsewhere."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ipyllm.front_end import display_kind, shell
from ipyllm.run.thread import in_thread

if TYPE_CHECKING:
    from ipyllm.sweep.grid import Grid

__all__ = ("show",)

_INTERVAL = 0.25  # seconds between two updates, at least
_RATE = 400_000  # characters a second: Jupyter's server drops what is more than 1 MB/s of a kernel


def show(grid: Grid) -> None:
    """As a cell's last value; returns at once where a page can be updated."""
    from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

    match display_kind(shell()):
        case "widget":
            ident = f"ipyllm-{grid.name}"
            display(grid.bundle(live=True), raw=True, display_id=ident)
            in_thread(partial(_update, grid, ident), "ipyllm-grid-table")
        case "terminal":
            print(repr(grid))  # noqa: T201 - a terminal that asked for it
        case _:  # whoever executes a notebook without a page does not wait for threads
            grid.wait()
            display(grid.bundle(timed=False), raw=True)


def _update(grid: Grid, ident: str) -> None:
    from IPython.display import update_display  # pyright: ignore[reportUnknownVariableType]

    shown: dict[str, Any] = {}
    pause = _INTERVAL
    while not grid.joined(pause):
        bundle = grid.bundle(live=True)
        if bundle != shown:
            update_display(bundle, raw=True, display_id=ident)
        shown = bundle
        pause = max(_INTERVAL, len(bundle["text/html"]) / _RATE)
    update_display(grid.bundle(), raw=True, display_id=ident)
