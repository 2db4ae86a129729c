"""When a request is made again."""

from __future__ import annotations

import pytest

from ipyllm.events import StreamError
from ipyllm.run.policy import Policy

STEADY = Policy(chance=lambda: 0.0)


@pytest.mark.parametrize("kind", ["Overloaded", "RateLimited", "ServerError", "ConnectionLost"])
def test_what_may_pass_is_tried_again(kind):
    """Each pause is twice the one before; after three retries it is over."""
    error = StreamError(kind, "x")
    assert [STEADY.pause(error, failed) for failed in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, None]


@pytest.mark.parametrize(
    "kind", ["AuthError", "NotFound", "BadRequest", "ContextTooLong", "Timeout"]
)
def test_what_will_not_change_is_not_tried_again(kind):
    """Asking again would get the same answer."""
    assert STEADY.pause(StreamError(kind, "x"), 1) is None


def test_the_services_own_word_wins():
    """`x-should-retry` decides both ways."""
    assert STEADY.pause(StreamError("Overloaded", "x", retry=False), 1) is None
    assert STEADY.pause(StreamError("BadRequest", "x", retry=True), 1) == 0.5


def test_the_service_says_how_long():
    """Its pause is taken as it is, up to a minute."""
    assert STEADY.pause(StreamError("RateLimited", "x", retry_after=7.5), 1) == 7.5
    assert STEADY.pause(StreamError("RateLimited", "x", retry_after=0.0), 1) == 0.0
    assert STEADY.pause(StreamError("RateLimited", "x", retry_after=3600.0), 1) is None


def test_pauses_differ_and_have_a_limit():
    """Chance takes off up to a quarter; no pause is longer than the longest."""
    error = StreamError("Overloaded", "x")
    assert Policy(chance=lambda: 1.0).pause(error, 1) == 0.375
    assert Policy(retries=9, chance=lambda: 0.0).pause(error, 9) == 8.0
