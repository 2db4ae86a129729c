"""Where a call ends whatever its JSON says: at a marker."""

from __future__ import annotations

import re
from collections.abc import Callable

from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("Ends", "Sink", "drop")

Sink = Callable[[str], None]


def drop(_: str) -> None:
    """Takes what nobody wants."""


class Ends:
    """
    The markers that end a call, and where to look for them.

    Outside of a JSON string they always do. Inside, `</tool_call>` may be what the model writes
    about: it ends the call there only after a raw line break (which JSON has in no string) or
    before one, or at the end. `hard`: tokens of their own, which are never content.
    """

    __slots__ = ("_hard", "_markers", "first", "inside", "outside")

    def __init__(self, *markers: str, hard: bool = False) -> None:
        self._markers = markers
        self._hard = hard
        self.first = {marker[0] for marker in markers}
        first = "".join(map(re.escape, self.first))
        self.outside = re.compile(rf'["{{}}\[\]{first}]')
        self.inside = re.compile(rf'["\n{first}]|\\.|\\\Z', re.DOTALL)

    def here(self, tape: Tape) -> Wait[str]:
        """The marker that comes next, not read; "" for none."""
        return (yield from tape.literal(*self._markers))

    def inside_string(self, tape: Tape, *, torn: bool) -> Wait[bool]:
        """Whether a marker comes next that ends the call from inside of a string."""
        found = yield from self.here(tape)
        if not found or self._hard or torn or found[0] == "\n":
            return bool(found)
        return (yield from tape.peek(len(found))) in ("", "\n", "\r")

    def until(self, tape: Tape, sink: Sink) -> Wait[bool]:
        """Pass all on up to a marker; False: none came."""
        while True:
            places = [tape.text.find(first, tape.at) for first in self.first]
            place = min((p for p in places if p >= 0), default=len(tape.text))
            sink(tape.take(place))
            if tape.at == len(tape.text):
                if not (yield from tape.grow()):
                    return False
            elif (yield from self.here(tape)):
                return True
            else:
                sink(tape.skip(1))
