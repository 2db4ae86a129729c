"""Putting a file in another's place: a crash leaves the one or the other, never half of one."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

__all__ = ("replace_with",)


def replace_with(path: Path, content: bytes) -> None:
    """
    Write a file whole.

    Raises:
        OSError: as `open`; what was there stays.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
