"""One module per JSON grammar: how to ask in it, how to decode its stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ipyllm.events import Event
    from ipyllm.request import Request

__all__ = ("Decoder", "Dialect")


class Decoder(Protocol):
    """Bytes in, events out. Every stream ends in exactly one `Finish`, from `close` at the latest."""

    finished: bool  # the API's own end was seen: nothing more has to be read

    def feed(self, chunk: bytes) -> list[Event]:
        """Take bytes, cut anywhere. Raises: ProtocolError."""
        ...

    def close(self) -> list[Event]:
        """No more bytes will come: what is still held, and the `Finish`."""
        ...


class Dialect(Protocol):
    """What each module here gives."""

    PATH: str  # of the endpoint, below the base URL

    def body(self, request: Request) -> dict[str, Any]:
        """The JSON to send."""
        ...

    def Decoder(self) -> Decoder:  # noqa: N802 - it is the module's class
        """A fresh decoder for one response."""
        ...
