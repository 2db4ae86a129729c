"""Prompts x variables x models x parameters x repeats: every combination once, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

from ipyllm.errors import UsageError
from ipyllm.sweep.listed import listed
from ipyllm.sweep.model import Model
from ipyllm.sweep.template import filled, names_in

__all__ = ("Cell", "cells")

_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One combination.

    * `prompt`, `system`: filled. `repeat`: from 0.
    """

    prompt: str
    system: str
    variables: Mapping[str, Any]
    model: Model
    params: Mapping[str, Any]
    repeat: int


def cells(
    prompts: object,
    models: Sequence[Model],
    params: object = None,
    repeats: int = 1,
    variables: object = None,
    system: str = "",
) -> list[Cell]:
    """
    All combinations: the models in the innermost loop but for repeats, so that they run side by side.

    Raises:
        UsageError: nothing to ask, a name in a prompt that is no variable, or something of the wrong kind.
    """
    asked = _prompts(prompts)
    _whole(repeats, "repeats")
    cases = _cases(variables, [*asked, system])
    texts: list[tuple[str, str, dict[str, Any]]] = [
        (prompt, system, {}) if case is None else (filled(prompt, case), filled(system, case), case)
        for prompt in asked
        for case in cases
    ]
    settings = _combinations(params, "params")
    count = len(texts) * len(settings) * len(models) * repeats
    if count > _MOST:
        raise UsageError(f"A grid of {count:,} calls.", hint=f"At most {_MOST:,}.")
    return [
        Cell(prompt, told, case, model, setting, repeat)
        for (prompt, told, case), setting, model, repeat in product(
            texts, settings, models, range(repeats)
        )
    ]


def _prompts(given: Any) -> list[str]:
    prompts = listed(given)
    for prompt in prompts:
        if not isinstance(prompt, str):
            raise UsageError(f"{str(prompt)[:80]!r} is no prompt.", hint="A prompt is a str.")
        if not prompt.strip():
            raise UsageError("A prompt is empty.", hint="Give a str, or a list of them.")
    if not prompts:
        raise UsageError("There is nothing to ask.", hint="Give a prompt, or a list of them.")
    return prompts


def _cases(given: Any, templates: Sequence[str]) -> list[dict[str, Any] | None]:
    """What fills the templates; None: they are no templates."""
    if given is None:
        return [None]
    if isinstance(given, Mapping):
        used = {name for template in templates for name in names_in(template)}
        unused = [str(name) for name in cast("Mapping[object, object]", given) if name not in used]
        if unused:  # it would only ask the same again and again
            raise UsageError(
                f"No prompt names {{{unused[0]}}}.", hint="repeats= asks the same several times."
            )
    found = _combinations(given, "variables")
    return [dict(one) for one in found]


def _combinations(given: Any, name: str) -> list[Mapping[str, Any]]:
    """A dict of lists: their product; a list of dicts: as it is."""
    match given:
        case None:
            return [{}]
        case Mapping():
            return _product(cast("Mapping[object, object]", given), name)
        case str() | bytes():
            pass
        case Iterable():
            found = list(cast("Iterable[object]", given))
            if not found:
                raise UsageError(f"{name} is empty.", hint="Leave it out, or give what to try.")
            if all(isinstance(one, Mapping) for one in found):
                return [dict(one) for one in cast("list[Mapping[str, Any]]", found)]
        case _:
            pass
    raise UsageError(
        f"{name}={str(cast('object', given))[:60]!r} is neither a dict of lists nor a list of dicts.",
        hint=f'Write {name}={{"name": [..]}} or {name}=[{{"name": ..}}].',
    )


def _product(given: Mapping[object, object], name: str) -> list[Mapping[str, Any]]:
    values: list[list[Any]] = []
    for key, one in given.items():
        if not isinstance(key, str):
            raise UsageError(f"{name} has the name {key!r}.", hint="A name is a str.")
        values.append(listed(one))
        if not values[-1]:
            raise UsageError(f"{name} has nothing for {key!r}.", hint="Give a list of values.")
    return [dict(zip(cast("Iterable[str]", given), row, strict=True)) for row in product(*values)]


def _whole(value: object, name: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{name}={value!r} is no number of times.", hint="It is 1 or more.")
