"""
Models that can be named after `-m`, as far as they are known in the time a Tab may take.

Who runs here, and who has a key, is asked for its list on the network's loop; what has not come
within `PATIENCE` is there at the next Tab. A service is asked with the user's key or not at all.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipyllm.errors import AuthError
from ipyllm.magic.complete_choice import Choice, Choices, chosen
from ipyllm.magic.listing import model_names
from ipyllm.providers import PROVIDERS, Provider, providers, shown_url
from ipyllm.providers.aliases import aliases
from ipyllm.transport.loop import network_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ("FRESH", "PATIENCE", "RETRY", "Models")

PATIENCE = 0.15
"""Seconds that Tab waits for lists."""
FRESH = 300.0
"""Seconds until a list is asked for again."""
RETRY = 5.0
"""Seconds until who gave none is."""

_MAX_NAMES = 2000  # of one provider
_SPECIAL = re.compile(r"""[\s"'\\]""")  # such a name would have to be quoted


@dataclass(slots=True)
class _Asked:
    """One list: since when it is `coming`, and what was known before."""

    coming: Future[list[str]]
    since: float
    before: list[str]

    @property
    def names(self) -> list[str]:
        if self.coming.done() and not self.coming.cancelled() and not self.coming.exception():
            return self.coming.result()
        return self.before

    def is_stale(self, now: float) -> bool:
        if not self.coming.done():
            return False
        failed = self.coming.cancelled() or self.coming.exception() is not None
        return now - self.since > (RETRY if failed else FRESH)

    def is_without_key(self) -> bool:
        done = self.coming.done() and not self.coming.cancelled()
        return done and isinstance(self.coming.exception(), AuthError)


class Models:
    """
    What the providers said last.

    * `clock`: seconds.
    * `may_ask`: whether they may be asked; else only their names are known.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        may_ask: Callable[[], bool] = lambda: True,
    ) -> None:
        self._clock = clock
        self._may_ask = may_ask
        self._asked: dict[tuple[str, str], _Asked] = {}
        self._lock = threading.Lock()  # a terminal may complete in a thread

    def choices(self, fragment: str) -> Choices:
        """Aliases, providers, and the models of those this may be the beginning of."""
        known = list(_providers().values())
        wanted = [one for one in known if _may_be(fragment, one.name)]
        asked = self._lists(wanted) if self._may_ask() else {}
        rows = [Choice(name, f"alias of {model}") for name, model in aliases().items()]
        rows += [Choice("local", "the embedded model"), Choice("browser", "the page's own model")]
        for one in known:
            rows += _rows(one, asked.get(one.name))
        rows += [Choice("python/", "of this notebook"), Choice("ws/", "HOST:PORT/PATH")]
        return chosen(fragment, rows)

    def providers(self, fragment: str) -> Choices:
        """Those that have a list of models."""
        rows = [Choice(one.name, shown_url(one)) for one in _providers().values()]
        return chosen(fragment, [*rows, Choice("browser", "the pages of this notebook")])

    def _lists(self, wanted: Iterable[Provider]) -> dict[str, _Asked]:
        asked = {one.name: self._ask(one) for one in wanted}
        wait([one.coming for one in asked.values()], timeout=PATIENCE)
        return asked

    def _ask(self, provider: Provider) -> _Asked:
        place, now = (provider.name, shown_url(provider)), self._clock()
        with self._lock:
            known = self._asked.get(place)
            if known is None or known.is_stale(now):
                names = model_names(provider.name, _MAX_NAMES)
                coming = asyncio.run_coroutine_threadsafe(names, network_loop())
                known = _Asked(coming, now, known.names if known else [])
                self._asked[place] = known
        return known


def _may_be(fragment: str, name: str) -> bool:
    whole = f"{name}/"
    return whole.startswith(fragment.casefold()) or fragment.casefold().startswith(whole)


def _providers() -> dict[str, Provider]:
    try:
        return providers()
    except Exception:  # a package that registers one may be broken  # noqa: BLE001
        return {one.name: one for one in PROVIDERS}


def _rows(provider: Provider, asked: _Asked | None) -> Iterator[Choice]:
    lacking = asked is not None and asked.is_without_key()
    state = f"{provider.key_env[0]} is not set" if lacking else shown_url(provider)
    yield Choice(f"{provider.name}/", state)
    for name in asked.names if asked else ():
        if name.isprintable() and not _SPECIAL.search(name):
            yield Choice(f"{provider.name}/{name}", "model")
