"""What an answer is besides its stream: how its text is read, and whether another request follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ipyllm.events import Event, Finish
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply
    from ipyllm.run.source import Source

__all__ = ("PlainPlan", "Plan")


class Plan(Protocol):
    """One per run; called by the thread that pumps, but for `cancel`."""

    def begin(self) -> None:
        """Another turn begins: what was read in the one before does not count."""
        ...

    def feed(self, events: list[Event]) -> list[Event]:
        """Read what the service said; a `Finish` among it is the turn's last. May end it earlier."""
        ...

    def wants_more(self, finish: Finish, /) -> bool:
        """Whether this end of a turn is none of the answer."""
        ...

    def go_on(self, run: Run, /) -> Source | Finish:
        """
        The next turn's source, or how the answer ends after all.

        May take long (a tool that runs) and tell of it by `run.say`.
        """
        ...

    def settle(self, reply: Reply, /) -> None:
        """Give the reply what it has beside its stream: value, messages."""
        ...

    def cancel(self) -> None:
        """Make `go_on` return soon. From any thread, and in a signal handler."""
        ...


class PlainPlan:
    """One turn, read as it is."""

    def begin(self) -> None:
        """Nothing was kept."""

    def feed(self, events: list[Event]) -> list[Event]:
        """The same."""
        return events

    def wants_more(self, _finish: Finish) -> bool:
        """Never."""
        return False

    def go_on(self, _run: Run) -> Source | Finish:
        """Never asked."""
        raise NotImplementedError

    def settle(self, _reply: Reply) -> None:
        """Nothing beside."""

    def cancel(self) -> None:
        """Nothing is going on."""
