r"""
Halves of one character that a service cut over two deltas.

JSON may escape U+1F642 as `"\ud83d\ude42"`; some servers cut between the two. Each half
alone is legal JSON, but no text: it can be neither printed nor sent on.
"""

from __future__ import annotations

import re

__all__ = ("SurrogateJoiner",)

_LONE = re.compile("[\ud800-\udfff]")


class SurrogateJoiner:
    """`feed(text)` gives whole characters; a high half waits for its low one."""

    __slots__ = ("_high",)

    def __init__(self) -> None:
        self._high = ""

    def feed(self, text: str) -> str:
        """Join what was held with `text`; what can never become whole is U+FFFD."""
        if not self._high and (text.isascii() or not _LONE.search(text)):
            return text
        text = self._high + text
        self._high = ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._high = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def close(self) -> str:
        """Give U+FFFD for a half that never found its other, else nothing."""
        held, self._high = self._high, ""
        return "\N{REPLACEMENT CHARACTER}" if held else ""
