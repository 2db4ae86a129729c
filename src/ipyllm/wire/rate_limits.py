"""What a response's headers say of the limits one is under, and of the request itself."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ("rate_limits", "request_id")

# x-ratelimit-* OpenAI, Groq, xAI, Azure; anthropic-ratelimit-*; x-ratelimitbysize-* Mistral;
# ratelimit, ratelimit-policy Hugging Face (an IETF draft).
_LIMITS = ("x-ratelimit", "anthropic-ratelimit", "ratelimit", "retry-after")
_IDS = ("x-request-id", "request-id", "x-generation-id", "apim-request-id")


def rate_limits(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that speak of limits, by their own names; {} for a server that has none."""
    return {
        name.lower(): value for name, value in headers.items() if name.lower().startswith(_LIMITS)
    }


def request_id(headers: Mapping[str, str]) -> str:
    """The id under which the service knows this request; "" if it gives none."""
    return next((headers[name] for name in _IDS if name in headers), "")
