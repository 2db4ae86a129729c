"""
Takes secrets out of what is written down, also one that is cut across chunks.

A chunk is held back while its end may be the beginning of a secret, so what is written
depends on the bytes alone, never on when a file was flushed.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Redactor", "hidden", "spellings")

_MARK = b"[key]"
_SECRET = 8  # characters, as in `keys`: a placeholder ("x", "EMPTY") is no secret


def spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """Each secret as it may stand in a body: plain, in JSON, in an address; the longest first."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) >= _SECRET:
            escaped = json.dumps(secret)[1:-1]
            found |= {secret, escaped, escaped.replace("/", "\\/"), quote(secret, safe="")}
    return tuple(sorted(found, key=lambda word: (-len(word), word)))


def hidden(value: Any, secrets: tuple[str, ...]) -> Any:
    """The same JSON without the secrets."""
    match value:
        case str():
            for secret in secrets:
                value = value.replace(secret, _MARK.decode())
            return value
        case list() | tuple():
            return [hidden(item, secrets) for item in cast("list[Any]", value)]
        case dict():
            items = cast("dict[str, Any]", value).items()
            return {hidden(str(name), secrets): hidden(item, secrets) for name, item in items}
        case _:
            return value


class Redactor:
    """`feed(ms, chunk)` gives what can be written now; `close()` the rest. Chunks keep their cuts."""

    __slots__ = ("_held", "_pattern", "_secrets")

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._pattern = re.compile(b"|".join(map(re.escape, self._secrets)))
        self._held: list[tuple[float, bytes]] = []

    def feed(self, ms: float, chunk: bytes) -> list[tuple[float, bytes]]:
        """Take one chunk that came at `ms`."""
        if not self._secrets:
            return [(ms, chunk)]
        self._held.append((ms, chunk))
        if self._may_go_on(b"".join(chunk for _, chunk in self._held)):
            return []
        return self.close()

    def close(self) -> list[tuple[float, bytes]]:
        """No more comes: the beginning of a secret alone is none."""
        held, self._held = self._held, []
        if not self._secrets:
            return held
        text = b"".join(chunk for _, chunk in held)
        spans = [match.span() for match in self._pattern.finditer(text)]
        out: list[tuple[float, bytes]] = []
        start = 0
        for ms, chunk in held:
            end = start + len(chunk)
            if written := _without(text, spans, start, end):
                out.append((ms, written))
            start = end
        return out

    def _may_go_on(self, text: bytes) -> bool:
        return any(
            text.endswith(secret[:size])
            for secret in self._secrets
            for size in range(1, min(len(secret), len(text) + 1))
        )


def _without(text: bytes, spans: list[tuple[int, int]], start: int, end: int) -> bytes:
    """`text[start:end]`, the mark in place of each secret that begins in it."""
    pieces: list[bytes] = []
    for first, last in spans:
        if last <= start or first >= end:
            continue
        if first > start:
            pieces.append(text[start:first])
        if first >= start:
            pieces.append(_MARK)
        start = min(last, end)
    return b"".join([*pieces, text[start:end]])
