"""A structured answer while it grows, for whoever iterates."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ipyllm.events import Event, Turn, ValueDelta

if TYPE_CHECKING:
    from ipyllm.structured.partial_json import PartialJson

__all__ = ("Growing",)


class Growing:
    """`feed` events; `value` is a copy of what they spell so far."""

    def __init__(self) -> None:
        self._json: PartialJson | None = None
        self._broken = False

    def feed(self, events: Iterable[Event]) -> bool:
        """Whether there is more of the value than before."""
        grew = False
        for event in events:
            match event:
                case ValueDelta(text):
                    grew = self._read(text) or grew
                case Turn(reason="retry", ttft=None):
                    self._json, self._broken = None, False
                case _:
                    pass
        return grew

    def _read(self, text: str) -> bool:
        from ipyllm.structured.partial_json import InvalidJson, PartialJson

        if self._broken:
            return False
        if self._json is None:
            self._json = PartialJson(edits=False)
        try:
            self._json.feed(text)
        except InvalidJson:
            self._broken = True  # what came before it stays
        return True

    @property
    def value(self) -> Any:
        """What came, as plain Python; None before anything did."""
        return None if self._json is None else copy.deepcopy(self._json.value)
