"""
Messages from the page, while a cell blocks the main thread.

A blocked kernel reads no messages: the cell itself must. Private parts of ipykernel are used,
every one looked up in `_parts`; where one is missing, there is no pump.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import zmq
from IPython.core.getipython import get_ipython

if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = ("CommPump",)

_SLICE = 50  # ms; libzmq's poll goes on after a signal whose handler raises nothing


class CommPump:
    """
    Delivers comm messages while a cell blocks the main thread.

        pump = CommPump.here()
        if pump is not None:
            with pump:
                while not answered():
                    pump.wait(1.0)

    Whatever else the page asks meanwhile (cells of a Run All) is kept, and given back to the
    kernel in order at the end. Pumps may nest: it is the outermost that gives back.
    """

    _entered: CommPump | None = None

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts
        self._depth = 0
        self._ready: deque[tuple[Any, dict[str, Any]]] = deque()  # opened, to be delivered
        self._kept: deque[list[Any]] = deque()  # the kernel's own business, raw

    @classmethod
    def here(cls) -> CommPump | None:
        """The pump of this thread; None where messages come without it, or cannot come."""
        if threading.current_thread() is not threading.main_thread():
            return None
        if cls._entered is not None:
            return cls._entered
        parts = _parts()
        return None if parts is None else cls(parts)

    @classmethod
    def is_entered(cls) -> bool:
        """Whether the main thread delivers messages now; asked by any thread."""
        return cls._entered is not None

    def __enter__(self) -> CommPump:  # noqa: PYI034 - Self came with Python 3.11
        self._depth += 1
        CommPump._entered = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            CommPump._entered = None
            with _Signals() as signals, signals.held():
                self._give_back()

    def wait(self, seconds: float) -> None:
        """Deliver what is there, or what comes within `seconds`; a SIGINT ends it as well."""
        until = time.monotonic() + seconds
        with _Signals() as signals:
            while True:
                with signals.held():
                    self._take()
                left = until - time.monotonic()
                if self._deliver() or signals.seen or left <= 0:
                    return
                self._parts.stream.socket.poll(min(_SLICE, max(1, int(left * 1000))))

    # ------------------------------------------------------------------------------

    def _take(self) -> None:
        while True:
            try:
                raw = self._parts.stream.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            opened = self._opened(raw)
            if opened is None:
                self._kept.append(raw)
            else:
                self._ready.append(opened)

    def _opened(self, raw: list[Any]) -> tuple[Any, dict[str, Any]] | None:
        """Sender and message, if it is one for a comm."""
        session = self._parts.session
        try:
            idents, frames = session.feed_identities(raw, copy=False)
            # Without content: with it the signature is remembered, and the kernel would take the
            # message for a duplicate when it gets it back.
            header = session.deserialize(frames, content=False, copy=False)["header"]
            if header["msg_type"] in self._parts.handlers:
                return idents, session.deserialize(frames, content=True, copy=False)
        except Exception:  # noqa: BLE001, S110 - malformed, or the kernel's own "stop aborting"
            pass
        return None

    def _deliver(self) -> bool:
        delivered = bool(self._ready)
        while self._ready:
            self._call(*self._ready.popleft())
        return delivered

    def _call(self, idents: Any, message: dict[str, Any]) -> None:
        # No busy, no idle, and the parent stays the cell's: what a handler shows is its output.
        try:
            self._parts.handlers[message["header"]["msg_type"]](self._parts.stream, idents, message)
        except Exception:
            self._parts.log.exception("Exception in message handler:")

    def _give_back(self) -> None:
        stream = self._parts.stream
        while self._ready:  # an interrupt came before them
            stream.io_loop.add_callback(self._call, *self._ready.popleft())
        while self._kept:
            stream._run_callback(stream._recv_callback, self._kept.popleft())  # noqa: SLF001
        # The socket tells of new messages once, and we may have been the one it told.
        stream.flush(zmq.POLLIN)


@dataclass(frozen=True, slots=True)
class _Parts:
    """
    What of the kernel is used.

    * `stream`: pyzmq's ZMQStream the main shell reads; of it `socket`, `io_loop`, `flush`, privately
      `_recv_callback` (what it calls with a message) and `_run_callback` (how it calls it).
    * `session`: `feed_identities` and `deserialize` of jupyter_client's Session.
    * `handlers`: the kernel's own for comm_open, comm_msg, comm_close.
    """

    stream: Any
    session: Any
    handlers: dict[str, Any]
    log: Any


def _parts() -> _Parts | None:
    kernel: Any = getattr(get_ipython(), "kernel", None)
    stream: Any = _stream(kernel)
    session = getattr(kernel, "session", None)
    log = getattr(kernel, "log", None)
    all_handlers: Any = getattr(kernel, "shell_handlers", None)
    if not isinstance(all_handlers, dict) or log is None:
        return None
    handlers: dict[str, Any] = {
        name: all_handlers.get(name)  # pyright: ignore[reportUnknownMemberType]
        for name in ("comm_open", "comm_msg", "comm_close")
    }
    wanted = (
        *handlers.values(),
        getattr(stream, "_recv_callback", None),
        getattr(stream, "_run_callback", None),
        getattr(stream, "flush", None),
        getattr(getattr(stream, "io_loop", None), "add_callback", None),
        getattr(session, "feed_identities", None),
        getattr(session, "deserialize", None),
    )
    known = all(callable(part) for part in wanted)
    known = known and isinstance(getattr(stream, "socket", None), zmq.Socket)
    return _Parts(stream, session, handlers, log) if known else None


def _stream(kernel: Any) -> Any:
    """What the main shell reads: ipykernel 6 the network, 7 what its channel thread passes on."""
    thread = getattr(kernel, "shell_channel_thread", None)
    if thread is None:
        return getattr(kernel, "shell_stream", None)
    if getattr(thread, "parent_thread", None) is not threading.current_thread():
        return None
    pair_of = getattr(getattr(thread, "manager", None), "get_shell_channel_to_subshell_pair", None)
    try:
        return getattr(pair_of(None), "to_stream", None) if callable(pair_of) else None
    except Exception:  # noqa: BLE001 - not as we know it
        return None


class _Signals:
    """SIGINT, seen on its way to the handler that is there; within `held` it waits."""

    def __init__(self) -> None:
        self.seen = False
        self._pending = False
        self._holding = False
        self._before: Any = None

    def __enter__(self) -> _Signals:  # noqa: PYI034 - Self came with Python 3.11
        before = signal.getsignal(signal.SIGINT)
        if callable(before):
            self._before = before
            signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def held(self) -> _Held:
        return _Held(self)

    def hold(self) -> None:
        self._holding = True

    def release(self) -> None:
        self._holding = False
        if self._pending:
            self._pending = False
            signal.raise_signal(signal.SIGINT)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        if self._holding:
            self._pending = True
        else:
            self._before(number, frame)


class _Held:
    def __init__(self, signals: _Signals) -> None:
        self._signals = signals

    def __enter__(self) -> None:
        self._signals.hold()

    def __exit__(self, *_: object) -> None:
        self._signals.release()
