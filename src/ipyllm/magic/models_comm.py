"""
The models a front end can choose among, over a comm the page opens (`ipyllm.models`).

The page sends `{"kind": "list"}`, `{"kind": "ask", "provider": NAME}` and
`{"kind": "choose", "model": NAME}`. It gets `{"kind": "default", "model": ...}` when it opens, when
one is chosen and when a cell has changed it; `{"kind": "models", "models": [...], "asking": N}`, again
each time one of `N` providers has answered; `{"kind": "refused", "message": ...}`.

A model is `{"name", "state", "detail"}`; a name that ends with `/` is a provider whose models are to
be named. States: `ready`, `asking`, `off` (no server there), `unset` (no key, no weights). Keys are
told by the names of their variables, never by value.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ipyllm.errors import IpyllmError
from ipyllm.keys import find_key
from ipyllm.local import weights
from ipyllm.magic.listing import models_of
from ipyllm.providers import Provider, providers, shown_url

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ("TARGET", "ModelsComm", "register", "unregister")

TARGET = "ipyllm.models"
_MAX_MODELS = 200
"""Of one provider; of more only the first are listed, any other can be named."""
_OPEN: list[ModelsComm] = []


class ModelsComm:
    """One page's choice among models. `comm`: with `send`, `on_msg`, `on_close`."""

    def __init__(self, shell: InteractiveShell, comm: Any) -> None:
        self._shell = shell
        self._comm = comm
        self._lock = threading.Lock()
        self._rows: dict[str, list[dict[str, str]]] = {}
        self._asking: set[str] = set()
        self._told = ""
        comm.on_msg(self._on_message)
        comm.on_close(self._closed)
        self.tell_default()

    def tell_default(self) -> None:
        """Say which model answers without `-m`, if the page does not know it yet."""
        model = _magics(self._shell).default()
        if model != self._told:
            self._told = model
            self._comm.send({"kind": "default", "model": model})

    def _on_message(self, message: dict[str, Any]) -> None:
        match message["content"]["data"]:
            case {"kind": "list"}:
                self._list()
            case {"kind": "ask", "provider": str(name)} if name in providers():
                self._ask(providers()[name])
            case {"kind": "choose", "model": str(name)}:
                self._choose(name)
            case _:
                pass

    def _closed(self, _message: object) -> None:
        if self in _OPEN:
            _OPEN.remove(self)

    def _choose(self, name: str) -> None:
        try:
            _magics(self._shell).choose(name)
        except IpyllmError as exc:
            self._comm.send({"kind": "refused", "message": _line(exc)})
            return
        self.tell_default()

    def _list(self) -> None:
        with self._lock:
            self._rows = {"local": [_local()]}
            self._rows |= {one.name: [_row(one)] for one in providers().values()}
        self._ask(*(one for one in providers().values() if not one.key_needed))

    def _ask(self, *wanted: Provider) -> None:
        """Ask for their models in a thread each: a server that is silent holds up nobody."""
        with self._lock:
            asked = [one for one in wanted if one.name not in self._asking]
            self._asking |= {one.name for one in asked}
            self._tell()
        for one in asked:
            threading.Thread(target=self._asked, args=(one,), daemon=True).start()

    def _asked(self, provider: Provider) -> None:
        try:
            names = models_of(provider.name).splitlines()[:_MAX_MODELS]
            rows = [_model(name) for name in names if " " not in name] or [_row(provider)]
        except IpyllmError as exc:
            state = "off" if find_key(provider.key_env) or not provider.key_needed else "unset"
            rows = [_model(f"{provider.name}/", state, _line(exc))]
        with self._lock:
            self._rows[provider.name] = rows
            self._asking.discard(provider.name)
            self._tell()

    def _tell(self) -> None:
        """Under the lock that what it says was changed under: one alone says that nobody is asked now."""
        rows = [
            row | {"state": "asking"} if name in self._asking else row
            for name, group in self._rows.items()
            for row in group
        ]
        self._comm.send({"kind": "models", "models": rows, "asking": len(self._asking)})


def register(shell: InteractiveShell) -> None:
    """Answer pages that ask; in a terminal there are none."""
    manager = _manager(shell)
    if manager is None or TARGET in manager.targets:
        return

    def opened(comm: Any, _message: Any) -> None:
        _OPEN.append(ModelsComm(shell, comm))

    manager.register_target(TARGET, opened)
    shell.events.register("post_run_cell", _tell_all)


def unregister(shell: InteractiveShell) -> None:
    """Answer no more."""
    manager = _manager(shell)
    if manager is None or TARGET not in manager.targets:
        return
    del manager.targets[TARGET]
    shell.events.unregister("post_run_cell", _tell_all)
    for one in [*_OPEN]:
        one._comm.close()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    _OPEN.clear()


def _tell_all(_result: Any) -> None:
    for one in [*_OPEN]:
        one.tell_default()


def _manager(shell: InteractiveShell) -> Any:
    return getattr(getattr(shell, "kernel", None), "comm_manager", None)


def _magics(shell: InteractiveShell) -> Any:
    registry: Any = shell.magics_manager
    return registry.registry["LlmMagics"]


def _local() -> dict[str, str]:
    try:
        weights.find()
    except IpyllmError as exc:
        return _model("local", "unset", exc.hint or str(exc))
    return _model("local", detail="embedded in this kernel")


def _row(provider: Provider) -> dict[str, str]:
    name = f"{provider.name}/"
    if not provider.key_needed:
        return _model(name, "off", shown_url(provider))
    key = find_key(provider.key_env)
    if key is None:
        return _model(name, "unset", f"{provider.key_env[0]} is not set")
    return _model(name, detail=f"{key.name} is set")


def _line(exc: IpyllmError) -> str:
    return str(exc).partition("\n")[0]


def _model(name: str, state: str = "ready", detail: str = "") -> dict[str, str]:
    return {"name": name, "state": state, "detail": detail}
