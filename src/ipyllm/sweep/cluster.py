"""
The same calls on the workers of a `dask.distributed` cluster.

Only what its documentation promises is used: `Client.submit`, and of a `Future` `add_done_callback`,
`result`, `cancel`. https://distributed.dask.org/en/stable/api.html

A worker asks with its own environment: keys are looked up there and do not travel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from ipyllm.errors import UsageError
from ipyllm.sweep.row import Result, one_line

if TYPE_CHECKING:
    from ipyllm.sweep.engine import Allowance
    from ipyllm.sweep.question import Question

__all__ = ("Client", "Cluster", "Future")


class Future(Protocol):
    """What is used of `dask.distributed.Future`."""

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None: ...
    def result(self) -> Any: ...
    def cancel(self) -> Any: ...


class Client(Protocol):
    """What is used of `dask.distributed.Client`."""

    def submit(self, func: Callable[..., Any], *args: Any, pure: bool) -> Future: ...


class Cluster:
    """
    An `Engine` that is a cluster; a call streams where it is made, and its row comes whole.

    Raises:
        UsageError: this is no client, or `dask.distributed` is not installed.
    """

    def __init__(self, client: object) -> None:
        if not callable(getattr(client, "submit", None)):
            raise UsageError(
                f"engine={str(client)[:60]!r} is no dask.distributed Client.",
                hint='pip install "ipyllm[dask]", then engine=Client(...).',
            )
        self._client = cast("Client", client)

    def begin(
        self, question: Question, wake: Callable[[], None], budget: Allowance | None
    ) -> _Call:
        """As `Engine.begin`."""
        del budget  # refused by `grid`
        # Not pure: two equal calls are two calls.
        return _Call(self._client.submit(_asked, question, pure=False), wake)


def _asked(question: Question) -> Result:
    """On a worker."""
    return question.ask()


class _Call:
    """An `Ongoing` of a worker."""

    __slots__ = ("_cancelled", "_future", "_over", "_wake")

    def __init__(self, future: Future, wake: Callable[[], None]) -> None:
        self._future = future
        self._wake = wake
        self._over = self._cancelled = False
        future.add_done_callback(self._done)

    def poll(self) -> Result | None:
        """As `Ongoing.poll`."""
        if self._cancelled:  # a worker's thread cannot be interrupted: nobody waits for it
            return Result("stopped", finish_reason="interrupted")
        if not self._over:
            return None
        try:
            return cast("Result", self._future.result())
        except Exception as exc:  # noqa: BLE001 - a failure is a row
            said = one_line(f"{type(exc).__name__}: {exc}")
            return Result("failed", finish_reason="error", error=said)

    def so_far(self) -> str:
        """Nothing: it streams elsewhere."""
        return ""

    def cancel(self) -> None:
        """As `Ongoing.cancel`."""
        self._cancelled = True
        self._future.cancel()

    def _done(self, future: object) -> None:
        del future
        self._over = True
        self._wake()
