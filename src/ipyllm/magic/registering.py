"""`%load_ext ipyllm`, and the way back."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any, cast

from ipyllm.dialects import dialect
from ipyllm.front_end import display_kind
from ipyllm.magic import complete, handover, models_comm
from ipyllm.magic.arguments import usage
from ipyllm.magic.commands import COMMANDS, help_text
from ipyllm.magic.failures import unwatch, watch
from ipyllm.magic.magic import LlmMagics
from ipyllm.magic.settings import IPyLLM
from ipyllm.transport.http import warm_up
from ipyllm.transport.loop import network_loop
from ipyllm.widget.model import prepare

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ("register", "unregister")


def register(shell: InteractiveShell) -> None:
    """Add the magics; warn when they take the place of somebody else's."""
    manager: Any = shell.magics_manager
    before = manager.magics["cell"].get("llm")
    owner = getattr(before, "__module__", "") or ""
    if before is not None and not owner.startswith("ipyllm."):
        warnings.warn(
            f"%%llm was already registered by {owner!r}; ipyllm takes its place now.", stacklevel=3
        )
    magics = LlmMagics(shell)
    if (earlier := handover.taken(shell)) is not None:
        magics.threads, magics.purse, values = earlier
        magics.settings = IPyLLM(shell, magics.refuse, **values)
    shell.register_magics(magics)
    cast("list[object]", shell.configurables).append(magics.settings)
    for kind, text in (("cell", usage), ("line", lambda: "\n" + help_text())):
        manager.magics[kind]["llm"].__func__.getdoc = text  # what `?` shows
    watch(shell)
    models_comm.register(shell)
    complete.register(shell, magics, COMMANDS)
    # Here rather than in the first answer, where it would be part of its time to first token.
    dialect("openai_chat")
    asyncio.run_coroutine_threadsafe(warm_up(), network_loop()).result()
    if display_kind(shell) == "widget":
        prepare()


def unregister(shell: InteractiveShell) -> None:
    """Take all of it away again."""
    unwatch(shell)
    models_comm.unregister(shell)
    complete.unregister(shell)
    manager: Any = shell.magics_manager
    magics = manager.registry.pop("LlmMagics", None)
    if not isinstance(magics, LlmMagics):
        return
    values = magics.settings.trait_values(config=True)
    handover.leave(shell, (magics.threads, magics.purse, values))
    for kind in ("cell", "line"):
        if getattr(manager.magics[kind].get("llm"), "__self__", None) is magics:
            del manager.magics[kind]["llm"]
    ours, known = (magics, magics.settings), cast("list[object]", shell.configurables)
    known[:] = [one for one in known if not any(one is gone for gone in ours)]
