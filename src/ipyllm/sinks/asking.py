"""A question on standard input: the terminal's, or the notebook's own prompt."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipyllm.run.pump import Run

__all__ = ("ask_on_stdin",)

_YES = ("y", "yes")


def ask_on_stdin(run: Run, question: str) -> bool | None:
    """Whether the answer is yes; None where nobody can be asked."""
    answers: list[str | None] = []

    def ask() -> None:
        try:
            answers.append(input(f"{question} [y/N] "))
        # IPython's StdinNotImplementedError is a NotImplementedError, its cause an EOF elsewhere.
        except (NotImplementedError, EOFError, OSError):
            answers.append(None)

    sys.stdout.flush()
    # Our handler raises nothing outside of `step`: the prompt could not be interrupted.
    run.step(ask)
    if not answers or answers[0] is None:
        return None if answers else False
    return answers[0].strip().lower() in _YES
