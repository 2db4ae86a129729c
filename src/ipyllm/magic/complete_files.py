"""Files and folders, as one types them on a line that a shell's rules split."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

from ipyllm.magic.complete_choice import Choice, Choices, chosen

__all__ = ("files",)

_MAX_ENTRIES = 2000  # of one folder
_SPECIAL = re.compile(r"""([\s"'\\])""")


def files(fragment: str) -> Choices:
    """What is in the folder typed so far; hidden ones after a dot only."""
    quote = fragment[:1] if fragment[:1] in ("'", '"') else ""
    typed = fragment[len(quote) :]
    plain = typed if quote else re.sub(r"\\(.)", r"\1", typed)
    folder, slash, last = plain.rpartition("/")
    start = quote + _shown(folder + slash, quote)
    entries = _entries(Path(folder + slash or ".").expanduser(), hidden=last.startswith("."))
    found = [Choice(start + _shown(name, quote), what) for name, what in entries]
    return chosen(fragment, found)


def _entries(folder: Path, *, hidden: bool) -> list[tuple[str, str]]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(islice(found, _MAX_ENTRIES), key=lambda one: one.name)
            seen = [one for one in entries if hidden or not one.name.startswith(".")]
            return [(f"{e.name}/", "folder") if e.is_dir() else (e.name, "file") for e in seen]
    except OSError:
        return []


def _shown(name: str, quote: str) -> str:
    return name if quote else _SPECIAL.sub(r"\\\1", name)
