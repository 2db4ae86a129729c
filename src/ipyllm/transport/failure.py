"""
How a request failed, in our words: statuses, pages in place of streams, lost connections.

This is the one seam where httpx's and httpcore's exceptions become ours.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import httpx

from ipyllm import errors
from ipyllm.wire.complaint import Complaint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipyllm.keys import Key

__all__ = ("check", "from_status", "hidden", "mapped", "retry_after", "where")

_PATIENCE = 5.0  # seconds for the body of an error
_CUT = ("Server disconnected", "peer closed")  # h11's and httpcore's words for a lost connection
_MAX_BODY = 64 * 1024  # bytes of an error's body that are read
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_RETRY_INFO = re.compile(r'"retryDelay":\s*"([0-9]+(?:\.[0-9]+)?)s"')
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_BASE_HINT = "Is the base URL right? It usually ends in /v1."


async def check(response: httpx.Response, url: str) -> None:
    """Raise what the service says, if this is no stream. Raises: ServiceError."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.is_success and kind not in ("text/html", "application/xhtml+xml"):
        return
    body = bytearray()
    # The status says enough: a body that is cut, or does not end, must not take its place.
    with suppress(httpx.HTTPError), anyio.move_on_after(_PATIENCE):
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _MAX_BODY:
                break
    text = body.decode("utf-8", "replace").strip()
    raise from_status(response.status_code, response.reason_phrase, response.headers, text, url)


def from_status(
    status: int, phrase: str, headers: Mapping[str, str], text: str, url: str
) -> errors.ServiceError:
    """What a response that is no stream means: its class, the service's own words, what to do."""
    if 200 <= status < 300:
        return errors.ProtocolError(
            f"{where(url)} answered with a web page{_title(text)}, not a stream.", hint=_BASE_HINT
        )
    complaint = _complaint(text)
    said = _said(text, complaint)
    message = f"{where(url)} answered {status}" + (f": {said}" if said else f" {phrase}")
    name = (complaint or Complaint(said)).kind(status)
    kind: type[errors.ServiceError] = getattr(errors, name)
    wait = retry_after(headers, text)
    error = kind(
        message.rstrip().rstrip(".") + ".", hint=_hint(kind, wait, complaint), status=status
    )
    error.retry_after = wait
    error.retry = _retry(headers, status, complaint)
    return error


def _hint(kind: type[errors.ServiceError], wait: float | None, complaint: Complaint | None) -> str:
    if issubclass(kind, errors.AuthError):
        return "Check the key."
    if issubclass(kind, errors.NotFound):
        return "Check the model's name and the base URL."
    if issubclass(kind, errors.ContextTooLong):
        over = f" by {complaint.over:,} tokens" if complaint and complaint.over else ""
        return f"Shorten the prompt or the conversation{over}."
    if issubclass(kind, errors.ContentFiltered):
        return "Reword the prompt."
    if issubclass(kind, (errors.RateLimited, errors.Overloaded)):
        return _asks(wait) if wait else "Wait a little and run the cell again."
    if issubclass(kind, errors.ProtocolError):
        return _BASE_HINT
    if issubclass(kind, errors.ServerError):
        return "Run the cell again; nothing was received."
    return ""


def _asks(seconds: float) -> str:
    return f"It asks to wait {seconds:g} s."


def retry_after(headers: Mapping[str, str], text: str = "") -> float | None:
    """Seconds the service asks to wait, from whichever header or body says so; None if none does."""
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if _SECONDS.fullmatch(value):
            return float(value) * scale
        if value.endswith("GMT"):
            with suppress(ValueError, OverflowError):
                return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    # Gemini says it in the details of the error.
    found = _RETRY_INFO.search(text)
    return float(found[1]) if found else None


def _retry(headers: Mapping[str, str], status: int, complaint: Complaint | None) -> bool | None:
    said = headers.get("x-should-retry", "")
    if said in ("true", "false"):
        return said == "true"
    if status == 402:
        return False
    return complaint.retry if complaint else None


def _complaint(text: str) -> Complaint | None:
    try:
        return Complaint.of(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _said(text: str, complaint: Complaint | None) -> str:
    if complaint:
        said = complaint.message
    elif "<html" in text[:1000].lower() or "<!doctype" in text[:1000].lower():
        said = "a web page" + _title(text)
    else:
        said = text
    return " ".join(said.split())[:500]


def _title(text: str) -> str:
    found = _TITLE.search(text)
    return f" ({' '.join(found[1].split())[:80]!r})" if found else ""


def mapped(exc: Exception, url: str) -> errors.ServiceError:
    """What an exception of httpx or httpcore means, in our words."""
    place = where(url)
    reason = " ".join(str(exc).split())[:200]
    match exc:
        case httpx.ConnectTimeout():
            return errors.Timeout(
                f"No connection to {place} in time.", hint="Is the address right?"
            )
        case httpx.ConnectError():
            refused = "refused" in reason.lower() or "connect call failed" in reason.lower()
            what = "Connection refused: nothing listens at" if refused else "Cannot connect to"
            tail = "" if refused or not reason else f" ({reason})"
            return _never(f"{what} {place}{tail}.", "Is the server running?")
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | ValueError():
            return _never(f"{place} is no address ({reason}).", "Check --base-url.")
        case httpx.DecodingError():
            return errors.ProtocolError(f"What {place} sent cannot be unpacked ({reason}).")
        case httpx.RemoteProtocolError() if not reason.startswith(_CUT):
            return errors.ProtocolError(f"{place} does not speak HTTP ({reason}).", hint=_BASE_HINT)
        case _:
            return errors.ConnectionLost(
                f"{place} closed the connection before the answer was whole."
            )


def _never(message: str, hint: str) -> errors.ConnectionLost:
    """A connection that asking again will not make."""
    error = errors.ConnectionLost(message, hint=hint)
    error.retry = False
    return error


def where(url: str) -> str:
    """The address without user, password and query: those may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:  # "Invalid IPv6 URL"
        return "The base URL"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def hidden(exc: errors.ServiceError, key: Key | None) -> errors.ServiceError:
    """The same error without the key, which services repeat in their messages."""
    if key is None or not key.is_in(str(exc)):
        return exc
    shown = type(exc)(key.hide(exc.message), hint=key.hide(exc.hint), status=exc.status)
    shown.retry_after, shown.retry = exc.retry_after, exc.retry
    return shown
