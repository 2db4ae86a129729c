"""
Conversations over several cells: which turns a thread has, and which of them a cell is sent with.

A turn belongs to its cell and keeps its place: running the cell again replaces it there, is sent with the
turns before it, and makes the later ones stale. A stale turn is not sent until its cell has been run again.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ipyllm.errors import UsageError

if TYPE_CHECKING:
    from ipyllm.magic.arguments import CellArguments
    from ipyllm.request import Message
    from ipyllm.run.reply import Reply

__all__ = ("MAIN", "Draft", "Thread", "Threads", "Turn", "check_name")

MAIN = "main"

_NAME = re.compile(r"[^\W\d][\w-]*")


@dataclass(frozen=True, slots=True)
class Turn:
    """
    What one cell asked and what was answered.

    * `owner`: the cell's id; "" where there is none, or the turn is a copy: no cell replaces it.
    * `messages`: the question, the answer, and what tools and second tries put between.
    * `arguments`: the cell's flags, its system prompt among them.
    * `stale`: an earlier turn has changed since.
    * `copied`: it came by `fork`.
    """

    owner: str
    messages: Sequence[Message]
    reply: Reply
    arguments: CellArguments
    stale: bool = False
    copied: bool = False


@dataclass(slots=True)
class Thread:
    """Turns in the order in which their cells were first run."""

    name: str
    turns: list[Turn] = field(default_factory=list[Turn])
    origin: str = ""  # the thread it was forked from

    @property
    def fresh(self) -> list[Turn]:
        """The turns a new cell is sent with."""
        return [turn for turn in self.turns if not turn.stale]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation, its system prompt first."""
        end = len(self.turns)
        system = self.system_at(end)
        return [{"role": "system", "content": system}] * bool(system) + self.before(end)

    def before(self, place: int) -> list[dict[str, Any]]:
        """What was said before the turn at `place`."""
        turns = self.turns[:place]
        return [dict(said) for turn in turns if not turn.stale for said in turn.messages]

    def system_at(self, place: int) -> str:
        """The system prompt of a cell there that gives none: the last that was given before."""
        given = [turn.arguments.system for turn in self.turns[:place] if not turn.stale]
        return next(filter(None, reversed(given)), "")

    def last(self) -> Reply:
        """
        The answer of its last fresh turn.

        Raises:
            UsageError: it has none.
        """
        if not self.fresh:
            raise UsageError(
                f"All turns of thread {self.name!r} are stale.", hint="Run their cells again."
            )
        return self.fresh[-1].reply

    def place_of(self, owner: str) -> int:
        """Where the turn of that cell is, or would be."""
        owners = [turn.owner for turn in self.turns]
        return owners.index(owner) if owner and owner in owners else len(owners)

    def put(self, place: int, turn: Turn) -> None:
        """Replace the turn at `place`, or append it; the later ones are stale then."""
        self.turns[place : place + 1] = [turn]
        self._changed_at(place + 1)

    def leave(self, owner: str) -> None:
        """Take the cell's turn out, if it has one."""
        place = self.place_of(owner)
        if place < len(self.turns):
            del self.turns[place]
            self._changed_at(place)

    def _changed_at(self, place: int) -> None:
        self.turns[place:] = [replace(turn, stale=True) for turn in self.turns[place:]]


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A turn on its way.

    * `place`: where it will be in its thread.
    * `owner`, `arguments`: as in `Turn`.
    * `count`: how many of the messages asked belong to it.
    """

    thread: Thread
    place: int
    owner: str
    arguments: CellArguments
    count: int = 1

    @property
    def title(self) -> str:
        """What the answer's strip says."""
        return f"thread {self.thread.name}, turn {self.place + 1}"

    def keep(self, reply: Reply, asked: int) -> bool:
        """
        Put the answer into the thread; `asked` of its messages were sent. False if there is no text.

        No service takes an empty answer back: such a turn is not kept, and the thread stays as it was.
        """
        if not reply.strip():
            return False
        messages = _answered(reply.messages[asked - self.count :])
        messages = _renumbered(messages, self.place)
        self.thread.put(self.place, Turn(self.owner, messages, reply, self.arguments))
        return True


class Threads:
    """All threads of one notebook, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Thread] = {}

    def __iter__(self) -> Any:
        """Those that have turns, oldest first."""
        return iter([thread for thread in self._by_name.values() if thread.turns])

    def draft(self, owner: str, arguments: CellArguments) -> Draft:
        """The turn of a cell that is about to be asked."""
        name = arguments.thread
        thread = self._by_name.setdefault(name, Thread(name))
        return Draft(thread, thread.place_of(owner), owner, arguments)

    def find(self, name: str) -> Thread:
        """
        The thread of that name.

        Raises:
            UsageError: there is none.
        """
        known = {thread.name: thread for thread in self}
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(known)}."
        if not known:
            hint = "There is none yet: %%llm -c NAME begins one."
        raise UsageError(f"There is no thread {name!r}.", hint=hint)

    def turn_of(self, reply: object) -> tuple[Thread, int] | None:
        """Where that very answer is, if it is in a thread."""
        for thread in self:
            for place, turn in enumerate(thread.turns):
                if turn.reply is reply:
                    return thread, place
        return None

    def leave(self, owner: str, name: str = "") -> None:
        """The cell belongs to thread `name` now, and to no other."""
        for thread in self:
            if owner and thread.name != name:
                thread.leave(owner)

    def fork(self, name: str, new: str) -> Thread:
        """
        Copy the fresh turns to a thread of another name; again, in place of the copies before.

        Raises:
            UsageError: no such thread, or the other one has turns of its own beginning.
        """
        source = self.find(name)
        target = self._by_name.setdefault(check_name(new), Thread(new, origin=name))
        if source is target or (target.turns and target.origin != name):
            raise UsageError(
                f"There is a thread {new!r} already.", hint=f"%llm thread {new} clear empties it."
            )
        copies = [replace(turn, owner="", copied=True) for turn in source.fresh]
        own = [replace(turn, stale=True) for turn in target.turns if not turn.copied]
        target.turns, target.origin = [*copies, *own], name
        return target

    def clear(self, name: str) -> None:
        """Forget a thread. Raises: UsageError: there is none."""
        self.find(name)
        del self._by_name[name]


def check_name(name: str) -> str:
    """
    The same name.

    Raises:
        UsageError: it is no word.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a thread.",
            hint="Use letters, digits, _ and -; a letter first.",
        )
    return name


def _answered(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The same, without calls at the end that got no result: services refuse those."""
    *rest, last = map(dict, messages)
    if not last.pop("tool_calls", None):
        return [*rest, last]
    return [*rest, last] if last.get("content") else rest


_MADE_UP = re.compile(r"call_\d+_\d+")


def _renumbered(messages: list[dict[str, Any]], place: int) -> list[dict[str, Any]]:
    """The same; ids of calls that were made up here differ from those of other turns."""

    def renamed(ident: object) -> object:
        ours = isinstance(ident, str) and _MADE_UP.fullmatch(ident)
        return f"turn{place}_{ident}" if ours else ident

    for message in messages:
        if "tool_call_id" in message:
            message["tool_call_id"] = renamed(message["tool_call_id"])
        if calls := message.get("tool_calls"):
            message["tool_calls"] = [{**call, "id": renamed(call.get("id"))} for call in calls]
    return messages
