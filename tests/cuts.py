"""The ways a network may cut one and the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import strategies as st


def whole(raw: bytes) -> list[bytes]:
    return [raw]


def byte_by_byte(raw: bytes) -> list[bytes]:
    return [raw[i : i + 1] for i in range(len(raw))]


def cut_at(raw: bytes, places: Iterable[int]) -> list[bytes]:
    return [raw[start:end] for start, end in pairwise([0, *sorted(places), len(raw)])]


each_way = pytest.mark.parametrize("cut", [whole, byte_by_byte])
"""Runs a case whole and byte by byte: the test's argument `cut` does it."""


@st.composite
def cuts(draw: st.DrawFn, raws: st.SearchStrategy[bytes]) -> tuple[bytes, list[bytes]]:
    """Some bytes, and the same bytes in pieces; some pieces may be empty."""
    raw = draw(raws)
    places = draw(st.lists(st.integers(0, len(raw)), max_size=12))
    return raw, cut_at(raw, places)
