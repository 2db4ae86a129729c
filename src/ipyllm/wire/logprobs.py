"""Log probabilities of tokens, as OpenAI's APIs and those after them list them."""

from __future__ import annotations

from typing import Any

from ipyllm.wire.fields import dicts, text

__all__ = ("is_logprob", "token_logprobs")


def token_logprobs(listed: Any) -> tuple[tuple[str, float], ...]:
    """(token, logprob) of each `{"token": ..., "logprob": ...}` in a list."""
    return tuple(
        (text(one.get("token")), float(one["logprob"]))
        for one in dicts(listed)
        if is_logprob(one.get("logprob"))
    )


def is_logprob(value: Any) -> bool:
    """If it is a number a float can hold; NaN is none."""
    return isinstance(value, (int, float)) and abs(value) < 1e9
