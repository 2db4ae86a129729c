"""
What `%config IPyLLM` and `c.IPyLLM` in ipython_config.py can set.

`model` is the one default model: `%llm model` and the button in JupyterLab set the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traitlets import Bool, TraitError, Unicode, validate
from traitlets.config import Configurable

from ipyllm.errors import IpyllmError

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

__all__ = ("IPyLLM",)


class IPyLLM(Configurable):
    """Settings; each can be given in ipython_config.py as `c.IPyLLM.NAME = ...`."""

    model = Unicode(help="Who answers a %%llm without -m; empty: IPYLLM_MODEL, else local.").tag(
        config=True
    )
    list_models = Bool(
        default_value=True,
        help="Tab after -m asks servers that run here, and services with a key, for their models.",
    ).tag(config=True)

    def __init__(
        self, shell: InteractiveShell | None, refuse: Callable[[str], object], **values: object
    ) -> None:
        """`refuse` raises what %%llm would for that model; `values` come before the file's."""
        self._refuse: Callable[[str], object] | None = None
        # Not yet: a key that is missing must not keep the extension from loading.
        super().__init__(parent=shell, **values)
        self._refuse = refuse

    @validate("model")
    def _model(self, proposal: Any) -> str:
        name = proposal["value"].strip()
        if name and self._refuse is not None:
            try:
                self._refuse(name)
            except IpyllmError as exc:
                raise TraitError(str(exc)) from None
        return name
