"""One combination of the grid, and what became of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ipyllm.run import outcome

if TYPE_CHECKING:
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply

__all__ = ("Result", "Row", "State", "result_of")

State = Literal["waiting", "running", "done", "failed", "stopped"]
"""`stopped`: by the user or the budget; such a row has what came, and is asked again on resume."""


@dataclass(frozen=True, slots=True)
class Result:
    """
    What is kept of an answer: text and numbers, no events.

    * `json`: the text of a structured answer's value; "" for none. `value`: the object itself.
    * `error`: one line, "" if there is none.
    * `ttft`, `ttfa`, `decode_rate`, `total`, `tokens`, `estimated`: as in `ipyllm.Timing`.
    """

    state: State
    text: str = ""
    reasoning: str = ""
    json: str = ""
    value: Any = None
    finish_reason: str = ""
    error: str = ""
    ttft: float | None = None
    ttfa: float | None = None
    decode_rate: float | None = None
    total: float | None = None
    tokens: int = 0
    input_tokens: int | None = None
    estimated: bool = True


@dataclass(slots=True, eq=False, repr=False)
class Row:
    """
    One call of the grid.

    * `index`: its place, from 0. `prompt`: as it is sent. `variables`: what filled it.
    * `model`: `provider/model`. `params`: as they are sent. `repeat`: from 0.
    * `state`: `waiting`, `running`, `done`, `failed` or `stopped`.
    * `text`: so far, or the whole. `reasoning`, `value`: as in a `Reply`, once it is over.
    * `error`: why it failed, in one line; "" if it did not.
    * `ttft`, `ttfa`, `total`: seconds from the request; `decode_rate`: tokens/s after the first.
    * `tokens`: of the output; `estimated` if they are counted deltas. `input_tokens`: as the service says.
    * `kept`: it was answered in an earlier run and comes from the file.
    """

    index: int
    prompt: str
    variables: Mapping[str, Any]
    model: str
    params: Mapping[str, Any]
    repeat: int
    state: State = "waiting"
    kept: bool = False
    reasoning: str = ""
    value: Any = None
    finish_reason: str = ""
    error: str = ""
    ttft: float | None = None
    ttfa: float | None = None
    decode_rate: float | None = None
    total: float | None = None
    tokens: int = 0
    input_tokens: int | None = None
    estimated: bool = True
    _text: str = ""
    _so_far: Callable[[], str] | None = field(default=None)

    @property
    def text(self) -> str:
        """The answer; while it streams, what came so far."""
        so_far = self._so_far
        return self._text if so_far is None else so_far()

    @property
    def is_over(self) -> bool:
        """Nothing more comes."""
        return self.state in ("done", "failed", "stopped")

    def begin(self, so_far: Callable[[], str]) -> None:
        """It is asked; `so_far` gives its text from now on."""
        self._so_far = so_far
        self.state = "running"

    def settle(self, result: Result, *, kept: bool = False) -> None:
        """It is over; the state last: whoever sees that sees the rest."""
        self._text, self._so_far, self.kept = result.text, None, kept
        for name in _COPIED:
            setattr(self, name, getattr(result, name))
        self.state = result.state

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        said = self.error or self.text
        shown = said if len(said) <= 60 else said[:59] + "\N{HORIZONTAL ELLIPSIS}"
        return f"<Row {self.index} {self.model} {self.state}: {shown!r}>"


_COPIED = tuple(
    one.name for one in dataclasses.fields(Result) if one.name not in ("state", "text", "json")
)


def result_of(run: Run, reply: Reply) -> Result:
    """What is kept of a run that is over."""
    timing = reply.timing
    error = _error(run, reply)
    return Result(
        state=_state(reply, error),
        text=str(reply),
        reasoning=reply.reasoning,
        json=run.completion.value,
        value=reply.value,
        finish_reason=reply.finish_reason,
        error=error,
        ttft=timing.ttft,
        ttfa=timing.ttfa,
        decode_rate=timing.decode_rate,
        total=timing.total,
        tokens=timing.tokens,
        input_tokens=reply.usage.input_tokens,
        estimated=timing.estimated,
    )


def _state(reply: Reply, error: str) -> State:
    if reply.finish_reason in ("interrupted", "budget"):
        return "stopped"
    return "failed" if error else "done"


def _error(run: Run, reply: Reply) -> str:
    if run.bug is not None:
        return one_line(f"{type(run.bug).__name__}: {run.bug}")
    if (failed := outcome.failure(reply, "row.text")) is not None:
        return one_line(f"{type(failed).__name__}: {failed.message}")
    if reply.finish_reason == "truncated":
        return one_line(f"ConnectionLost: {outcome.note(reply, 'row.text')}")
    return ""


def one_line(text: str) -> str:
    """The same without line ends."""
    return " ".join(text.split())
