"""
How a request failed, in our words: statuses, pages in place of streams, lost connections.

This is the one seam where httpx's and httpcore's exceptions become ours.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from ipyllm import errors
from ipyllm.wire.complaint import Complaint

if TYPE_CHECKING:
    from ipyllm.keys import Key

__all__ = ("check", "hidden", "mapped")

_OK = 200
_CUT = ("Server disconnected", "peer closed")  # h11's and httpcore's words for a lost connection
_MAX_BODY = 64 * 1024  # bytes of an error's body that are read
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_BASE_HINT = "Is the base URL right? It usually ends in /v1."


async def check(response: httpx.Response, url: str) -> None:
    """Raise what the service says, if this is no stream. Raises: ServiceError."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status_code == _OK and kind not in (
        "text/html",
        "application/xhtml+xml",
    ):
        return
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _MAX_BODY:
            break
    text = body.decode("utf-8", "replace").strip()
    if response.status_code == _OK:
        raise errors.ProtocolError(
            f"{_where(url)} answered with a web page{_title(text)}, not a stream.", hint=_BASE_HINT
        )
    raise _from_status(response, text, url)


def _from_status(response: httpx.Response, text: str, url: str) -> errors.ServiceError:
    status = response.status_code
    where = f"{_where(url)} answered {status}"
    said = f": {_said(text)}" if _said(text) else f" {response.reason_phrase}"
    message = where + said.rstrip().rstrip(".") + "."
    match status:
        case 401 | 403:
            return errors.AuthError(message, hint="Check the key.", status=status)
        case 404:
            return errors.NotFound(
                message, hint="Check the model's name and the base URL.", status=status
            )
        case 429:
            wait = response.headers.get("retry-after", "")
            hint = (
                f"It asks to wait {wait} s."
                if wait.replace(".", "").isdigit()
                else "Wait a little and run the cell again."
            )
            return errors.RateLimited(message, hint=hint, status=status)
        case _ if 300 <= status < 400:
            return errors.ProtocolError(message, hint=_BASE_HINT, status=status)
        case _ if status < 500:
            return errors.BadRequest(message, status=status)
        case _:
            return errors.ServerError(
                message, hint="Run the cell again; nothing was received.", status=status
            )


def _said(text: str) -> str:
    try:
        complaint = Complaint.of(json.loads(text))
    except ValueError:
        complaint = None
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
    where = _where(url)
    reason = " ".join(str(exc).split())[:200]
    match exc:
        case httpx.ConnectTimeout():
            return errors.Timeout(
                f"No connection to {where} in time.", hint="Is the address right?"
            )
        case httpx.ConnectError():
            refused = "refused" in reason.lower() or "connect call failed" in reason.lower()
            what = "Connection refused: nothing listens at" if refused else "Cannot connect to"
            tail = "" if refused or not reason else f" ({reason})"
            return errors.ConnectionLost(f"{what} {where}{tail}.", hint="Is the server running?")
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | ValueError():
            return errors.ConnectionLost(
                f"{where} is no address ({reason}).", hint="Check --base-url."
            )
        case httpx.DecodingError():
            return errors.ProtocolError(f"What {where} sent cannot be unpacked ({reason}).")
        case httpx.RemoteProtocolError() if not reason.startswith(_CUT):
            return errors.ProtocolError(f"{where} does not speak HTTP ({reason}).", hint=_BASE_HINT)
        case _:
            return errors.ConnectionLost(
                f"{where} closed the connection before the answer was whole."
            )


def _where(url: str) -> str:
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
    return type(exc)(key.hide(exc.message), hint=key.hide(exc.hint), status=exc.status)
