"""Limits and ids in response headers."""

from __future__ import annotations

import httpx
import pytest

from ipyllm.wire.rate_limits import rate_limits, request_id


@pytest.mark.parametrize(
    "headers, found",
    [
        (
            {"X-RateLimit-Remaining-Requests": "9", "content-type": "x"},
            {"x-ratelimit-remaining-requests": "9"},
        ),
        (
            {"anthropic-ratelimit-tokens-limit": "1", "retry-after": "15"},
            {"anthropic-ratelimit-tokens-limit": "1", "retry-after": "15"},
        ),
        ({"ratelimit": '"api";r=1;t=2'}, {"ratelimit": '"api";r=1;t=2'}),
        ({"server": "llama.cpp"}, {}),
    ],
    ids=str,
)
def test_limits_are_found_by_their_names(headers, found):
    """Whoever's they are; nothing else is kept."""
    assert rate_limits(httpx.Headers(headers)) == found


def test_a_request_has_an_id():
    """The service's own, to be told to its support."""
    assert request_id(httpx.Headers({"Request-Id": "req_1"})) == "req_1"
    assert request_id(httpx.Headers({"server": "x"})) == ""
