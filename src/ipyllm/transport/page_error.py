"""
What a page says went wrong, as an error of ours with what to do about it.

The names are those of https://webmachinelearning.github.io/prompt-api/ and what Chromium 156 was seen to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ipyllm import errors

__all__ = ("lost", "no_page", "page_error", "unusable")

_Error = TypeVar("_Error", bound=errors.ServiceError)

_DOCS = "docs/browser-model.md lists what is needed."
_UNUSABLE = {
    "no-api": (
        "has no model of its own (LanguageModel is not defined)",
        f"Chrome 148 or newer on a desktop has one. {_DOCS}",
    ),
    "insecure": (
        "offers its model to secure pages only, and this one came over plain http",
        "Open the notebook over https, or as localhost.",
    ),
}


def unusable(state: str, reason: str, agent: str) -> errors.ModelUnavailable:
    """The error of a page without a model, from its hello."""
    agent = agent or "This browser"
    if state in _UNUSABLE:
        seen, hint = _UNUSABLE[state]
        return errors.ModelUnavailable(f"{agent} {seen}.", hint=hint)
    why = f": {_sentence(reason)}" if reason else "."
    hint = _DOCS
    if "Permission Policy" in reason or reason.startswith("NotAllowedError"):
        hint = (
            'This page is in a frame that may not use it: it needs <iframe allow="language-model">.'
        )
    return errors.ModelUnavailable(f"{agent} says its model is unavailable{why}", hint=hint)


def no_page(seconds: float) -> errors.ModelUnavailable:
    """The error where nobody answers."""
    return errors.ModelUnavailable(
        f"No page of this notebook answered within {seconds:g} s, and the model is the browser's.",
        hint="Open the notebook in a browser, and run the cell there.",
    )


def lost(how: str) -> errors.ConnectionLost:
    """The error where the page that ran the model is gone."""
    return _final(errors.ConnectionLost(f"The page whose model answered {how}.", hint="Run again."))


def page_error(content: Mapping[str, object]) -> errors.IpyllmError:
    """The error of a run, from `{stage, name, message, quota, requested}`."""
    name, message = str(content.get("name", "")), _sentence(str(content.get("message", "")))
    seen = f"The browser's model said {name or 'Error'}: {message}"
    if content.get("stage") == "js":
        return _final(errors.ServerError(f"The page's stream failed with {name}: {message}"))
    match name:
        case "QuotaExceededError":
            return _final(_too_long(content, message))
        case "NotSupportedError" | "NotAllowedError" if content.get("stage") == "create":
            return errors.ModelUnavailable(seen, hint=_refusal(message))
        case "NotReadableError":
            return _final(errors.ContentFiltered(seen))
        case "NotSupportedError" | "NotAllowedError" | "SyntaxError" | "TypeError" | "RangeError":
            return _final(errors.BadRequest(seen))
        case "NetworkError":
            hint = "The download of the model failed: check the network, and run again."
            return _final(errors.ConnectionLost(seen, hint=hint))
        case "InvalidStateError" | "AbortError":
            hint = "Its session was ended by the page or the browser; run again."
            return _final(errors.ConnectionLost(seen, hint=hint))
        case _:
            return _final(errors.ServerError(seen))


def _too_long(content: Mapping[str, object], message: str) -> errors.ContextTooLong:
    quota, requested = content.get("quota"), content.get("requested")
    if not isinstance(quota, (int, float)) or not isinstance(requested, (int, float)):
        return errors.ContextTooLong(f"The prompt is too long for the browser's model: {message}")
    over = requested - quota
    return errors.ContextTooLong(
        f"The prompt has {requested:,.0f} tokens, {over:,.0f} more than the {quota:,.0f} the browser's "
        "model takes.",
        hint="Shorten it, or begin a new conversation.",
    )


def _refusal(message: str) -> str:
    if "gesture" in message:
        return "Click into the notebook, and run the cell again."
    if "Permission Policy" in message:
        return (
            'This page is in a frame that may not use it: it needs <iframe allow="language-model">.'
        )
    return _DOCS


def _final(error: _Error) -> _Error:
    """Not asked again by itself: it is the user's own machine, and would say the same."""
    error.retry = False
    return error


def _sentence(text: str) -> str:
    text = " ".join(text.split()) or "it did not say why"
    return text if text.endswith((".", "!", "?")) else f"{text}."
