"""
Where kernels ask for the embedded model: a socket of our own, and what it answers.

Not a handler of the Jupyter server's: that may be busy saving a notebook while somebody waits
for a token, and its address may be a proxy's. Others on this machine are kept out by the
folder's permissions (0700) and by the token.
"""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ipyllm._version import __version__
from ipyllm.local import shared

if TYPE_CHECKING:
    from ipyllm.local.shared import Question
    from ipyllm.server.pool import Pool

__all__ = ("Offer",)

_PATIENCE = 5.0  # seconds for a kernel's question


class Offer:
    """
    The embedded model, offered to who knows the token.

    * `address`: what `ipyllm.local.shared` connects to.
    """

    __slots__ = ("_folder", "_listener", "_owner", "_pool", "_token", "address")

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._token = secrets.token_urlsafe(32)
        self._pool: Pool | None = None
        self._folder = tempfile.mkdtemp(prefix="ipyllm-")
        self._listener, self.address = shared.listener(self._folder)
        threading.Thread(target=self._listen, daemon=True, name="ipyllm-server").start()

    def publish(self) -> None:
        """Hand address and token to the processes this one starts from now on."""
        os.environ[shared.ADDRESS] = self.address
        os.environ[shared.TOKEN] = self._token

    def close(self) -> None:
        """Take the offer back, and end what it started."""
        if os.getpid() != self._owner:  # a fork's exit
            return
        # Not close() alone: it does not wake the thread in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        if os.environ.get(shared.TOKEN) == self._token:
            del os.environ[shared.ADDRESS], os.environ[shared.TOKEN]
        if self._pool:
            self._pool.close()

    def _listen(self) -> None:
        with suppress(OSError):  # closed
            self._attend_all()

    def _attend_all(self) -> None:
        connection, _ = self._listener.accept()
        # Not before the first question: 8 ms that most starts of a server can do without.
        from ipyllm.server.pool import Pool

        self._pool = pool = Pool()
        while True:
            # Daemons: a server that ends waits for no load.
            threading.Thread(
                target=self._attend, args=(connection, pool), daemon=True, name="ipyllm-ask"
            ).start()
            connection, _ = self._listener.accept()

    def _attend(self, connection: socket.socket, pool: Pool) -> None:
        """Hang up on who may not ask, and where the kernel would do better alone."""
        with connection, suppress(OSError, ValueError):
            question = cast("Question", shared.receive(connection, _PATIENCE))
            if self._may(question):
                shared.say(connection, pool.answer(Path(question["path"]), connection))
            # Not close() alone: it does not wake the thread in recv().
            connection.shutdown(socket.SHUT_RDWR)

    def _may(self, question: Question) -> bool:
        token = str(question.get("token", "")).encode()
        return (
            hmac.compare_digest(token, self._token.encode())
            and question.get("version") == __version__
            and find_spec("xllamacpp") is not None
            and Path(str(question.get("path", ""))).is_file()
        )
