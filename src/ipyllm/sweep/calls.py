"""From the combinations to the calls: what is asked, of whom, and what it is called in the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipyllm.structured.schema import shape
from ipyllm.sweep.drive import Call
from ipyllm.sweep.question import Question
from ipyllm.sweep.row import Row

if TYPE_CHECKING:
    from ipyllm.sweep.cells import Cell
    from ipyllm.transport.limits import Limits

__all__ = ("Form", "calls_of")


@dataclass(frozen=True, slots=True)
class Form:
    """What the answers have to be: `schema` and `retries` as `ipyllm.stream` takes them."""

    schema: object = None
    retries: int = 0


def calls_of(
    cells: Sequence[Cell], form: Form, limits: Limits, names: Mapping[str, Any] | None = None
) -> list[Call]:
    """
    One call for each cell.

    Raises:
        IpyllmError: one of the models cannot be asked at all, or the schema is none.
    """
    places: dict[int, tuple[str, bool]] = {}
    keys = _Keys(None if form.schema is None else shape(form.schema, names).schema)
    calls: list[Call] = []
    for index, cell in enumerate(cells):
        model = cell.model
        question = Question(
            model, cell.prompt, cell.system, cell.params, form.schema, form.retries, limits
        )
        if id(model) not in places:  # what is wrong with it is said before anything is asked
            question.prepared(names)
            places[id(model)] = (model.endpoint, model.is_alone)
        row = Row(index, cell.prompt, cell.variables, model.label, cell.params, cell.repeat)
        calls.append(Call(row, question, keys.of(question), *places[id(model)]))
    return calls


class _Keys:
    """
    A name for each call: what is asked, and the how-manieth of its like it is.

    So more repeats ask only for the new ones, and whatever changes in a call makes it another.
    """

    def __init__(self, schema: Mapping[str, Any] | None) -> None:
        self._schema = schema
        self._seen: Counter[str] = Counter()

    def of(self, question: Question) -> str:
        """Its name."""
        digest = question.digest(self._schema)
        self._seen[digest] += 1
        return f"{digest}-{self._seen[digest] - 1}"
