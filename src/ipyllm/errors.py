"""
What can go wrong, in words a user can act on.

    IpyllmError                     one line: what was seen, where, what to do
    ├── UsageError                  the cell or the call is wrong: flag, name, empty prompt
    ├── InvalidAnswer               it came, and is not what --schema asked for
    ├── ModelUnavailable            the embedded model cannot run: extra, weights, process
    └── ServiceError                the endpoint answered with an error, or not at all
        ├── AuthError               401, 403, or no key
        ├── NotFound                404: no such model or no such address
        ├── RateLimited             429, or the quota is spent
        ├── BadRequest              any other 4xx
        │   ├── ContextTooLong      more tokens than the model takes
        │   └── ContentFiltered     the service's filter refused it
        ├── ServerError             5xx, or an error event in the stream
        │   └── Overloaded          503, 529: too busy, or still loading the model
        ├── ConnectionLost          refused, unreachable, or cut
        ├── Timeout                 a limit of ours ran out
        └── ProtocolError           what came is not a stream this dialect knows
    Stopped(KeyboardInterrupt)      the user interrupted; the answer so far is kept
"""

from __future__ import annotations

__all__ = (
    "AuthError",
    "BadRequest",
    "ConnectionLost",
    "ContentFiltered",
    "ContextTooLong",
    "InvalidAnswer",
    "IpyllmError",
    "ModelUnavailable",
    "NotFound",
    "Overloaded",
    "ProtocolError",
    "RateLimited",
    "ServerError",
    "ServiceError",
    "Stopped",
    "Timeout",
    "UsageError",
)


class IpyllmError(Exception):
    """
    An error whose message is one sentence for the person at the notebook.

    * `message`: what was seen and where.
    * `hint`: what to do about it; may be empty.
    * `reply`: the `Reply` with what had arrived, where there was one.
    """

    reply: object = None

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this instead of formatting frames: no traceback, and
        # no 250 ms of work between an interrupt and an idle kernel.
        return [f"{type(self).__name__}: {self}"]


class UsageError(IpyllmError):
    """The cell or the call itself is wrong; nothing was sent."""


class InvalidAnswer(IpyllmError):
    """The answer is not of the shape that was asked for; what came is kept."""


class ModelUnavailable(IpyllmError):
    """The embedded model cannot run here yet; the hint has the command to run."""


class ServiceError(IpyllmError):
    """
    The endpoint answered with an error, or did not answer.

    * `status`: HTTP status, or None where there was none.
    * `retry_after`: seconds the service asks to wait, if it does.
    * `retry`: whether asking again can help, where that is known.
    """

    retry_after: float | None = None
    retry: bool | None = None

    def __init__(self, message: str, *, hint: str = "", status: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class AuthError(ServiceError):
    """No key, a wrong key, or a key without the right."""


class NotFound(ServiceError):
    """No such model, or nothing at this address."""


class RateLimited(ServiceError):
    """Too many requests, or the quota is spent."""


class BadRequest(ServiceError):
    """The service does not take this request."""


class ContextTooLong(BadRequest):
    """The prompt, or prompt and answer together, is longer than the model takes."""


class ContentFiltered(BadRequest):
    """The service's content filter refused the prompt."""


class ServerError(ServiceError):
    """The service failed, before or in the answer."""


class Overloaded(ServerError):
    """The service has too much to do, or is still loading the model."""


class ConnectionLost(ServiceError):
    """Refused, unreachable, or cut before the answer was whole."""


class Timeout(ServiceError):
    """A time limit of ours ran out."""


class ProtocolError(ServiceError):
    """What came is not a stream this dialect knows."""


class Stopped(KeyboardInterrupt):
    """
    The user interrupted; all that had arrived is in the variable and on screen.

    * `reply`: the `Reply` with what had arrived.
    """

    reply: object = None

    def __init__(self, message: str = "interrupted") -> None:
        super().__init__(message)

    def _render_traceback_(self) -> list[str]:
        return [f"Stopped: {self}"]
