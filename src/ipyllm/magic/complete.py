"""
Tab in `%%llm` and `%llm`, by IPython's matchers: the same in JupyterLab, Notebook and a terminal.

In a prompt nobody else offers anything: prose is no Python. An error while completing says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from ipyllm.magic.complete_choice import Choices
from ipyllm.magic.complete_place import CellLine, Command, Prompt, place
from ipyllm.magic.interpolate import names_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

    from ipyllm.magic.complete_line import Known
    from ipyllm.magic.complete_models import Models
    from ipyllm.magic.magic import LlmMagics

__all__ = ("choices_at", "register", "unregister")

_NAME = "ipyllm"
_FIRST = 1_000_000  # priority: who comes first decides whether the others are asked


class _Nothing(list[Any]):
    """No completions, that still keep others out: IPython lets only those do so who have some."""

    def __len__(self) -> int:
        return 1


def choices_at(
    cell: str, row: int, column: int, known: Callable[[], Known], commands: Mapping[str, str]
) -> Choices | None:
    """What fits at a cursor, counted from 0; None where it is not ours to say."""
    where = place(cell, row, column)
    if where is None:
        return None
    from ipyllm.magic import complete_line, complete_names  # at the first Tab

    match where:
        case CellLine(before):
            return complete_line.on_line(before, known())
        case Command(before):
            return complete_line.in_command(before, known(), commands)
        case Prompt(before, after, flags):
            raw = "--raw" in flags.split()
            found = None if raw else complete_names.in_prompt(before, after, known().names)
            return found or Choices()


def register(shell: InteractiveShell, magics: LlmMagics, commands: Mapping[str, str]) -> None:
    """Offer words at Tab from now on."""
    from IPython.core import completer

    known = _known(shell, magics)

    as_matcher = cast("Any", completer).context_matcher

    @as_matcher(priority=_FIRST, identifier=_NAME)
    def ipyllm(context: CompletionContext) -> Any:
        row, column = context.cursor_line, context.cursor_position
        try:
            found = choices_at(context.full_text, row, column, known, commands)
        except Exception:  # Tab is no place for a traceback  # noqa: BLE001
            found = None
        if found is None:
            return {"completions": [], "suppress": False}
        offered = [completer.SimpleCompletion(one.text, type=one.what) for one in found.choices]
        return {
            "completions": offered or _Nothing(),
            "matched_fragment": found.fragment,
            "suppress": True,
            "ordered": True,
        }

    unregister(shell)
    _matchers(shell).append(ipyllm)


def unregister(shell: InteractiveShell) -> None:
    """Offer no more."""
    matchers = _matchers(shell)
    matchers[:] = [one for one in matchers if getattr(one, "matcher_identifier", "") != _NAME]


def _known(shell: InteractiveShell, magics: LlmMagics) -> Callable[[], Known]:
    @cache
    def models() -> Models:
        from ipyllm.magic.complete_models import Models

        return Models(may_ask=lambda: magics.settings.list_models)

    def known() -> Known:
        from ipyllm.magic.complete_line import Known

        return Known(names_of(shell), magics.threads, models())

    return known


def _matchers(shell: InteractiveShell) -> list[Any]:
    completer: Any = shell.Completer
    return completer.custom_matchers if completer is not None else []
