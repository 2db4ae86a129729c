"""Chunked transfer coding, as RFC 9112 section 7.1 has it."""

from __future__ import annotations

import pytest
from cuts import cut_at, cuts, each_way
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.errors import ProtocolError
from ipyllm.wire.chunked import ChunkedDecoder


def decoded(pieces: list[bytes]) -> tuple[bytes, bool]:
    decoder = ChunkedDecoder()
    body = b"".join([decoder.feed(piece) for piece in pieces])
    if decoder.broken is not None:
        raise decoder.broken
    return body, decoder.finished


CASES = {
    "one chunk": (b"5\r\nhello\r\n0\r\n\r\n", b"hello", True),
    "two chunks": (b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", b"hello!", True),
    "empty body": (b"0\r\n\r\n", b"", True),
    "hexadecimal": (
        b"1A\r\n" + b"x" * 26 + b"\r\n0a\r\n" + b"y" * 10 + b"\r\n0\r\n\r\n",
        b"x" * 26 + b"y" * 10,
        True,
    ),
    "leading zeros": (b"0005\r\nhello\r\n000\r\n\r\n", b"hello", True),
    "extension": (b"5;name=value\r\nhello\r\n0;x\r\n\r\n", b"hello", True),
    "space after the size": (b"5 \r\nhello\r\n0\t\r\n\r\n", b"hello", True),
    "trailers": (b"5\r\nhello\r\n0\r\nDigest: x\r\nMore: y\r\n\r\n", b"hello", True),
    "bare LF": (b"5\nhello\r\n0\n\n", b"hello", True),
    "CRLF inside a chunk": (b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", b"\r\n0\r\n\r\n", True),
    "cut in a size": (b"5\r\nhello\r\n1", b"hello", False),
    "cut in a chunk": (b"5\r\nhel", b"hel", False),
    "cut before the last CRLF": (b"5\r\nhello\r\n0\r\n", b"hello", False),
    "nothing": (b"", b"", False),
}


@each_way
@pytest.mark.parametrize("raw, body, finished", CASES.values(), ids=CASES)
def test_coding(cut, raw, body, finished):
    """Each case gives its payload, and tells whether the last chunk came."""
    assert decoded(cut(raw)) == (body, finished)


BROKEN = {
    "no size": b"\r\nhello",
    "no number": b"xyz\r\nhello",
    "a sign": b"-5\r\nhello",
    "an underscore": b"1_0\r\n",
    "0x": b"0x5\r\nhello",
    "too many digits": b"1" * 16 + b"\r\n",
    "longer than it says": b"5\r\nhello!\r\n",
    "CR without LF": b"5\r\nhello\rx",
    "LF alone after a chunk": b"5\r\nhello\n",
    "a size line without end": b"5;" + b"x" * 5000,
    "a size line too long": b"5;" + b"x" * 5000 + b"\r\n",
    "a trailer without end": b"0\r\n" + b"x" * 5000,
    "HTML": b"<html>\r\n",
}


@each_way
@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
def test_broken_framing_is_refused(cut, raw):
    """A body that is not chunked as it says is an error, never silence."""
    with pytest.raises(ProtocolError):
        decoded(cut(raw))


def test_payload_is_given_as_it_arrives():
    """No byte of a chunk waits for the rest of the chunk."""
    decoder = ChunkedDecoder()
    assert decoder.feed(b"10\r\nhel") == b"hel"
    assert decoder.feed(b"lo") == b"lo"


def test_bytes_after_the_end_are_not_looked_at():
    """What follows the last chunk is not payload."""
    decoder = ChunkedDecoder()
    assert decoder.feed(b"1\r\na\r\n0\r\n\r\nHTTP/1.1 200") == b"a"
    assert decoder.feed(b"1\r\nb\r\n") == b""
    assert decoder.finished


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.data())
def test_encoding_and_decoding_is_a_round_trip(chunks, data):
    """Any body in any chunks, cut anywhere, comes back whole."""
    raw = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    places = data.draw(st.lists(st.integers(0, len(raw)), max_size=10))
    assert decoded(cut_at(raw, places)) == (b"".join(chunks), True)


_MORSELS = [b"\r\n", b"\r", b"\n", b"0", b"1", b"a", b"5", b";x", b" ", b"hello", b"\r\n0\r\n\r\n"]


@given(
    cuts(st.lists(st.sampled_from(_MORSELS), max_size=20).map(b"".join) | st.binary(max_size=60))
)
def test_any_cut_of_anything_decodes_alike(case):
    """Garbage gives payload or ProtocolError, the same however it is cut."""
    raw, pieces = case
    assert _outcome(pieces) == _outcome([raw])


def test_what_came_before_broken_framing_is_kept():
    """One read may bring an answer's last words and the fault after them."""
    decoder = ChunkedDecoder()
    assert decoder.feed(b"2\r\nHi\r\nZZ\r\n") == b"Hi"
    assert decoder.broken is not None
    assert decoder.feed(b"2\r\nno\r\n") == b""


def _outcome(pieces: list[bytes]) -> tuple[bytes, bool, bool]:
    decoder = ChunkedDecoder()
    body = b"".join([decoder.feed(piece) for piece in pieces])
    return body, decoder.finished, decoder.broken is not None
