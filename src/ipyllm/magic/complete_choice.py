"""What Tab offers: words that go in the place of a fragment before the cursor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ("Choice", "Choices", "chosen")


@dataclass(frozen=True, slots=True)
class Choice:
    """`text` as it is put in; `what` it is, in a few words, shown beside it."""

    text: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """`fragment`: the end of what stands before the cursor, which a choice takes the place of."""

    fragment: str = ""
    choices: tuple[Choice, ...] = ()


def chosen(fragment: str, choices: Iterable[Choice], limit: int = 500) -> Choices:
    """Those that begin as the fragment does, in their order, whatever the case of its letters."""
    start = fragment.casefold()
    fitting = [one for one in choices if one.text.casefold().startswith(start)]
    return Choices(fragment, tuple(fitting[:limit]))
