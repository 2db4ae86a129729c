"""
The Jupyter Server extension: owns the embedded model's process, so that all kernels share it.

Nothing is started before a kernel asks; until then it is one socket and one waiting thread.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from ipyllm._version import __version__

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

# Names that Jupyter Server looks for.
__all__ = (
    "__version__",
    "_jupyter_server_extension_points",
    "_load_jupyter_server_extension",
)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "ipyllm.server"}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    from ipyllm.server.offer import Offer

    try:
        offer = Offer()
    except OSError as exc:  # no place for a socket: kernels look after themselves
        app.log.info("ipyllm: kernels will not share the embedded model: %s", exc.strerror)
        return
    # The environment of kernels that start from now on; those before know nothing of it.
    offer.publish()
    # A function extension hears nothing of a stop. By kill -9 not even this is called: the
    # model's process ends by itself then; the socket's folder stays.
    atexit.register(offer.close)
