"""
Keeps keys out of other libraries' logs.

At DEBUG websockets logs the request's headers, httpcore the response's, in which services repeat
what they were sent; httpx logs the address, password and all, at INFO.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ipyllm.keys import Key

if TYPE_CHECKING:
    from ipyllm.providers import Target

__all__ = ("keep_out_of_logs",)

_LOGGERS = (
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpx",
    "websockets.client",
)


class _Discretion(logging.Filter):
    """Takes out every key that was used in this process."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[Key] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the line pass, without keys."""
        message = record.getMessage()
        if any(key.is_in(message) for key in list(self.keys)):
            for key in list(self.keys):
                message = key.hide(message)
            record.msg, record.args = message, ()
        return True


_discretion = _Discretion()


def keep_out_of_logs(target: Target) -> None:
    """From now on nobody logs the key, or the address's password, of `target`."""
    password = unquote(urlsplit(target.base_url).password or "")
    new = {key for key in (target.key, Key("password", password)) if key and key.value}
    if new <= _discretion.keys:
        return
    _discretion.keys |= new
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_discretion)  # adding it twice adds it once
