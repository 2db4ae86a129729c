"""The folder of recordings the environment names: IPYLLM_CASSETTES, and how it is used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast, get_args

from ipyllm.errors import UsageError
from ipyllm.front_end import has_page
from ipyllm.transport.cassette.library import Library, Mode
from ipyllm.transport.cassette.tape import FOLDER

__all__ = ("library", "usual_speed")

_MODE = f"{FOLDER}_MODE"
_SPEED = f"{FOLDER}_SPEED"


def library() -> Library:
    """
    Find the folder; asked anew for each request, so that a cell can set it.

    Raises:
        UsageError: one of the variables is none of what it may be.
    """
    mode = os.environ.get(_MODE) or "auto"
    if mode not in get_args(Mode):
        raise UsageError(f"{_MODE}={mode} is no mode.", hint="Write auto, record or replay.")
    folder = Path(os.environ[FOLDER]).expanduser().absolute()
    return Library(folder, mode=cast("Mode", mode), speed=usual_speed())


def usual_speed() -> float:
    """As recorded where a page looks on; at once where nobody waits to see it."""
    given = os.environ.get(_SPEED, "")
    if not given:
        return 1.0 if has_page() else 0.0
    try:
        return float(given)
    except ValueError:
        raise UsageError(f"{_SPEED}={given} is no number.", hint="1 is as recorded.") from None
