"""Several answers to one prompt, on one clock: who spoke first, and who was done first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, SupportsIndex, overload

from ipyllm.run.batch import State, state_of
from ipyllm.run.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipyllm.run.pump import Run
    from ipyllm.run.sink import Sink

__all__ = ("Lane", "Race", "Stage", "lane_of", "places", "settled", "titles")

_DONE = ("stop", "length", "tool_calls", "content_filter", "refusal")


@dataclass(frozen=True, slots=True)
class Lane:
    """
    One answer of a race, in seconds from its start, which is the same for all.

    * `sent`: when its request went out; loading a model and connecting come before it.
    * `first`, `end`: its first token, and its end; None until then.
    * `finished`: it came to an end of its own; one that was stopped or failed takes no place.
    * `tokens`, `rate` (tokens/s): as far as known; `estimated` where nobody counted them.
    """

    title: str
    state: State = "connecting"
    sent: float | None = None
    first: float | None = None
    end: float | None = None
    finished: bool = False
    tokens: int = 0
    rate: float | None = None
    estimated: bool = False


def lane_of(run: Run, title: str, start: float, state: State) -> Lane:
    """How far a run is. `start`: on the run's clock."""
    with run.lock:
        timing = run.timing()
    offset = run.sent - start
    first = None if timing.ttft is None else offset + timing.ttft
    return Lane(title, state, offset, first, tokens=timing.tokens)


def settled(reply: Reply, sent: float, title: str, *, stopped: bool = False) -> Lane:
    """
    A lane at its end.

    * `sent`: seconds from the start of the race to its request. `stopped`: as in `state_of`.
    """
    timing = reply.timing
    return Lane(
        title,
        state_of(reply.finish_reason, stopped=stopped),
        sent,
        None if timing.ttft is None else sent + timing.ttft,
        None if timing.total is None else sent + timing.total,
        reply.finish_reason in _DONE,
        timing.tokens,
        timing.decode_rate,
        timing.estimated,
    )


def titles(labels: Iterable[str]) -> list[str]:
    """The same; those that meet more than once numbered."""
    names = list(labels)
    out: list[str] = []
    for index, name in enumerate(names):
        again = names[:index].count(name)
        out.append(f"{name} #{again + 1}" if names.count(name) > 1 else name)
    return out


class Stage(Protocol):
    """
    Where a race is shown; `sinks[i]` is where lane i is.

    `open` once all runs are made, `begin` as they start, `settle` once all are over.
    """

    @property
    def sinks(self) -> Sequence[Sink]: ...

    def open(self, runs: Sequence[Run]) -> None: ...

    def begin(self, start: float) -> None: ...

    def settle(self, race: Race) -> None: ...


class Race(tuple[Reply, ...]):  # noqa: SLOT001 - lanes beside the items
    """
    The replies in the order of their `-m`; `race["openai/gpt-4o"]` is the one of that model.

    * `lanes`: a `Lane` for each: its times on the common clock.
    * `by_first_token`, `by_finish`: the replies in those orders, without those that have no such time.
    """

    bundle: ClassVar[Callable[[Race], dict[str, Any]] | None] = None  # set by ipyllm.widget

    lanes: tuple[Lane, ...]

    def __new__(cls, replies: Iterable[Reply], lanes: Iterable[Lane]) -> Race:  # noqa: PYI034 - Self came with 3.11
        """As many lanes as replies."""
        race = super().__new__(cls, replies)
        race.lanes = tuple(lanes)
        return race

    @property
    def by_first_token(self) -> list[Reply]:
        """Who spoke first comes first."""
        return [self[index] for index in _ordered([lane.first for lane in self.lanes])]

    @property
    def by_finish(self) -> list[Reply]:
        """Who was done first comes first."""
        ends = [lane.end if lane.finished else None for lane in self.lanes]
        return [self[index] for index in _ordered(ends)]

    @overload
    def __getitem__(self, key: SupportsIndex | str, /) -> Reply: ...
    @overload
    def __getitem__(self, key: slice, /) -> tuple[Reply, ...]: ...
    def __getitem__(self, key: SupportsIndex | slice | str, /) -> Reply | tuple[Reply, ...]:
        """
        By place, or by model.

        Raises:
            KeyError: no lane has that model.
        """
        if not isinstance(key, str):
            return super().__getitem__(key)
        for reply, lane in zip(self, self.lanes, strict=True):
            if key in (reply.model, reply.label, lane.title):
                return reply
        raise KeyError(
            f"{key!r} was not in this race: {', '.join(lane.title for lane in self.lanes)}"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with the lanes."""
        return Race, (tuple(self), self.lanes)

    def __repr__(self) -> str:
        """Who took part."""
        return f"<Race of {', '.join(lane.title for lane in self.lanes)}>"

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, Any]:
        return {"text/plain": repr(self)} if Race.bundle is None else Race.bundle(self)


def places(times: Sequence[float | None]) -> list[int | None]:
    """1 for the earliest, and so on; None where there is no time."""
    out: list[int | None] = [None] * len(times)
    for place, index in enumerate(_ordered(times), 1):
        out[index] = place
    return out


def _ordered(times: Sequence[float | None]) -> list[int]:
    known = [(time, index) for index, time in enumerate(times) if time is not None]
    return [index for _, index in sorted(known)]
