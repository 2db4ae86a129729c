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
    """
    `feed(text)` gives whole characters; a high half waits for its low one.

    * `high`: the half that waits, else "".
    """

    __slots__ = ("high",)

    def __init__(self) -> None:
        self.high = ""

    def feed(self, text: str) -> str:
        """Join what was held with `text`; what can never become whole is U+FFFD."""
        if not self.high and (text.isascii() or not _LONE.search(text)):
            return text
        text = self.high + text
        self.high = ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self.high = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def close(self) -> str:
        """Give U+FFFD for a half that never found its other, else nothing."""
        held, self.high = self.high, ""
        return "\N{REPLACEMENT CHARACTER}" if held else ""
