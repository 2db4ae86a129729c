"""Characters that a service cut in two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.wire.surrogates import SurrogateJoiner


def joined(pieces: list[str]) -> list[str]:
    joiner = SurrogateJoiner()
    return [*(joiner.feed(piece) for piece in pieces), joiner.close()]


CASES = {
    "whole": (["a🙂b"], ["a🙂b", ""]),
    "cut between the halves": (["a\ud83d", "\ude42b"], ["a", "🙂b", ""]),
    "half alone in its delta": (["\ud83d", "\ude42"], ["", "🙂", ""]),
    "halves in one delta": (["\ud83d\ude42"], ["🙂", ""]),
    "high half without low": (["a\ud83d", "b"], ["a", "\ufffdb", ""]),
    "low half without high": (["a\ude42b"], ["a\ufffdb", ""]),
    "two high halves": (["\ud83d", "\ud83d", "\ude42"], ["", "\ufffd", "🙂", ""]),
    "high half at the end": (["a\ud83d"], ["a", "\ufffd"]),
    "an empty delta between": (["\ud83d", "", "\ude42"], ["", "", "🙂", ""]),
    "text after a mended pair": (["\ud83d", "\ude42", "é"], ["", "🙂", "é", ""]),
}


@pytest.mark.parametrize("pieces, texts", CASES.values(), ids=CASES)
def test_halves_are_joined(pieces, texts):
    """A high half waits for its low one; what never becomes whole is U+FFFD."""
    assert joined(pieces) == texts


@given(st.lists(st.text(st.characters() | st.sampled_from("\ud83d\ude42\udfff\ud800"), max_size=4)))
def test_all_that_comes_out_is_text(pieces):
    """Any deltas give text that can be sent on, and no code point is lost."""
    text = "".join(joined(pieces))
    text.encode()
    whole = "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert text == whole
