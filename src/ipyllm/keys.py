"""
Where a key comes from, and how it stays unseen.

The environment first, then `.env` in the working folder (never over a variable that is
set), then the system's keyring if the package `keyring` is installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Key", "find_key")

_SECRET = 8  # characters; what is shorter protects nothing, and stands in ordinary words
_MAX_ENV_FILE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and the variable it came from; only the latter is ever shown."""

    name: str
    value: str = field(repr=False)

    def hide(self, text: str) -> str:
        """Take the secret out of a text that comes from elsewhere (a service's error), also a part of it."""
        if not self.is_in(text):
            return text
        # A message is cut to a length somewhere, and the cut may go through the key.
        before, start, rest = text.partition(self.value[:_SECRET])
        same = takewhile(
            lambda pair: pair[0] == pair[1], zip(self.value[_SECRET:], rest, strict=False)
        )
        return f"{before}[key]{self.hide(rest[sum(1 for _ in same) :])}" if start else text

    def is_in(self, text: str) -> bool:
        """Whether the text shows the secret; a placeholder ("x", "EMPTY") for a server is none."""
        return len(self.value) >= _SECRET and self.value[:_SECRET] in text


def find_key(names: Iterable[str]) -> Key | None:
    """The first of these variables that has a value anywhere; None if none has."""
    names = tuple(names)
    for name in names:
        if value := os.environ.get(name, "").strip():
            return Key(name, value)
    stored = _env_file(Path(".env"))
    for name in names:
        if value := stored.get(name) or _from_keyring(name):
            return Key(name, value)
    return None


def _env_file(path: Path) -> dict[str, str]:
    try:
        text = path.read_bytes()[:_MAX_ENV_FILE].decode("utf-8-sig", "replace")
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"') and value.find(value[0], 1) > 0:
        return value[1 : value.find(value[0], 1)]
    return value.split(" #", 1)[0].rstrip()


def _from_keyring(name: str) -> str:
    if importlib.util.find_spec("keyring") is None:
        return ""
    keyring = importlib.import_module("keyring")
    return keyring.get_password("ipyllm", name) or ""
