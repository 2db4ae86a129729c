"""How an answer ended, in a sentence, and as the exception that says so."""

from __future__ import annotations

import pytest

from ipyllm import errors
from ipyllm.events import Finish, StreamError, TextDelta
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Timing
from ipyllm.run.outcome import failure, note
from ipyllm.run.reply import Reply


def replied(
    text: str, reason, *, error: StreamError | None = None, tokens: int = 0, estimated: bool = False
) -> Reply:
    completion = Completion()
    for event in [TextDelta(text)] if text else []:
        completion.add(event)
    if error is not None:
        completion.add(error)
    completion.add(Finish(reason))
    return Reply.of(completion, Timing(tokens=tokens, estimated=estimated))


@pytest.mark.parametrize(
    "reply, said",
    [
        (replied("a", "stop", tokens=1), ""),
        (replied("a", "length", tokens=1), "stopped at the token limit"),
        (
            replied("a", "interrupted", tokens=1),
            "interrupted by you after 1 token; the text is in `x`",
        ),
        (
            replied("a", "interrupted", tokens=1234, estimated=True),
            "interrupted by you after ~1,234 tokens; the text is in `x`",
        ),
        (replied("", "interrupted"), "interrupted by you before the first token"),
        (
            replied("a", "truncated", tokens=2),
            "cut off after 2 tokens: the stream ended without a sign of a finished answer",
        ),
        (
            replied("a", "content_filter", tokens=2),
            "cut by the service's content filter after 2 tokens",
        ),
        (replied("a", "error", tokens=2), "failed after 2 tokens; the text is in `x`"),
        (replied("", "error"), "failed before the first token"),
    ],
    ids=lambda value: "" if isinstance(value, Reply) else value or "nothing",
)
def test_the_note_beside_an_answer(reply, said):
    """One sentence for people: what happened, when, and where the text is."""
    assert note(reply, "x") == said


def test_the_stop_button_is_no_interrupt():
    """Whoever pressed Stop is told so."""
    assert note(replied("a", "interrupted", tokens=1), "x", stopped=True).startswith(
        "stopped after 1 token"
    )


def test_only_an_error_is_a_failure():
    """An interrupted or truncated answer raises nothing here."""
    assert failure(replied("a", "truncated"), "x") is None


def test_a_failure_says_where_the_text_is():
    """The class is the error's own; the hint tells what was kept."""
    failed = failure(
        replied("a", "error", error=StreamError("RateLimited", "Too many", status=429), tokens=3),
        "x",
    )
    assert isinstance(failed, errors.RateLimited)
    assert failed.status == 429
    assert str(failed) == "Too many. It came after 3 tokens; what had arrived is in `x`."


def test_a_failure_before_the_first_token_keeps_to_the_point():
    """Nothing arrived, so nothing is said about it."""
    failed = failure(
        replied("", "error", error=StreamError("AuthError", "Bad key.", status=401)), "x"
    )
    assert isinstance(failed, errors.AuthError)
    assert str(failed) == "Bad key."


@pytest.mark.parametrize("kind", ["ModelUnavailable", "NoSuchThing", "annotations"])
def test_any_kind_of_error_becomes_one_of_ours(kind):
    """Whatever a source calls its error, a user gets an IpyllmError."""
    failed = failure(replied("", "error", error=StreamError(kind, "Boom")), "x")
    assert isinstance(failed, errors.IpyllmError)
    assert str(failed) == "Boom."
