"""Which cell of the notebook is running, where the front end says so."""

from __future__ import annotations

from typing import Any

from ipyllm.wire.fields import dig, text

__all__ = ("RunningCell",)


class RunningCell:
    """
    `owner(shell)` once for each `%%llm` that is run.

    JupyterLab, Notebook and VS Code send `cellId` with each request; a terminal, nbclient and scripts do
    not. Of several `%%llm` in one execution (`run_cell_magic` in a loop) each is a cell of its own.
    """

    def __init__(self) -> None:
        self._request = ""
        self._count = 0

    def owner(self, shell: object) -> str:
        """The cell's id; "" where nobody says."""
        cell, request = _told(shell)
        again = bool(request) and request == self._request
        self._request, self._count = request, self._count + 1 if again else 0
        return f"{cell}#{self._count}" if cell and self._count else cell


def _told(shell: object) -> tuple[str, str]:
    """The ids of the cell and of the request; ipykernel 6 and 7 have them in the same place."""
    get_parent: Any = getattr(getattr(shell, "kernel", None), "get_parent", None)
    parent: Any = get_parent("shell") if callable(get_parent) else None
    return text(dig(parent, "metadata", "cellId")), text(dig(parent, "header", "msg_id"))
