"""Server-sent events: the framing cases of the WHATWG text, and the accidents of real streams."""

from __future__ import annotations

import pytest
from cuts import byte_by_byte, cuts, each_way
from hypothesis import example, given
from hypothesis import strategies as st

from ipyllm.errors import ProtocolError
from ipyllm.wire import sse
from ipyllm.wire.sse import Frame, SseDecoder


def decoded(chunks: list[bytes]) -> list[Frame]:
    decoder = SseDecoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.close()


def message(data: bytes) -> Frame:
    return Frame("", data)


A, B = message(b"a"), message(b"b")

CASES: dict[str, tuple[bytes, list[Frame]]] = {
    "LF": (b"data: a\n\ndata: b\n\n", [A, B]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [A, B]),
    "CR": (b"data: a\r\rdata: b\r\r", [A, B]),
    "mixed line ends": (b"data: a\r\n\ndata: b\n\r\ndata: a\r\n\r", [A, B, A]),
    "BOM": (b"\xef\xbb\xbfdata: a\n\n", [A]),
    "BOM before CRLF": (b"\xef\xbb\xbfdata: a\r\n\r\n", [A]),
    "only the first BOM is stripped": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [B]),
    "BOM later is text": (b"data: a\n\ndata: \xef\xbb\xbfb\n\n", [A, message(b"\xef\xbb\xbfb")]),
    "comment": (b": OPENROUTER PROCESSING\n\ndata: a\n\n", [A]),
    "comment inside an event": (b"data: a\n: ping\ndata: b\n\n", [message(b"a\nb")]),
    "data of several lines": (b"data: a\ndata: b\ndata:\n\n", [message(b"a\nb\n")]),
    "no space after the colon": (b"data:a\n\ndata:b\n\n", [A, B]),
    "only one space is stripped": (b"data:  a\n\n", [message(b" a")]),
    "no data, no event": (b"event: ping\n\nid: 1\n\ndata: a\n\n", [A]),
    "empty data, no event": (b"data:\n\ndata: \n\ndata\n\ndata: a\n\n", [A]),
    "two empty lines of data": (b"data\ndata\n\n", [message(b"\n")]),
    "event type": (b"event: error\ndata: a\n\n", [Frame("error", b"a")]),
    "event type after its data": (b"data: a\nevent: error\n\n", [Frame("error", b"a")]),
    "the last event type counts": (b"event: x\nevent: y\ndata: a\n\n", [Frame("y", b"a")]),
    "event type is reset by dispatch": (b"event: x\ndata: a\n\ndata: b\n\n", [Frame("x", b"a"), B]),
    "event type is reset without dispatch": (b"event: x\n\ndata: b\n\n", [B]),
    "id and retry": (b"id: 7\nretry: 10\ndata: a\n\nid\ndata: b\n\n", [A, B]),
    "unterminated event": (b"data: a\n\ndata: b\n", [A, B]),
    "unterminated line": (b"data: a\n\ndata: b", [A, B]),
    "unterminated comment": (b"data: a\n\n: b", [A]),
    "CR as the last byte": (b"data: a\r", [A]),
    "U+2028, U+2029, U+0085, FF, VT": (
        "data: a\u2028b\u2029c\u0085d\x0ce\x0b\n\n".encode(),
        [message("a\u2028b\u2029c\u0085d\x0ce\x0b".encode())],
    ),
    "invalid UTF-8": (b"data: \xff\xc3\n\ndata: b\n\n", [message(b"\xff\xc3"), B]),
    "invalid UTF-8 in the type": (b"event: \xff\ndata: a\n\n", [Frame("\ufffd", b"a")]),
    "NUL": (b"data: \x00a\n\nid: \x00\ndata: b\n\n", [message(b"\x00a"), B]),
    "colon only": (b":\n\n:\ndata: a\n:\n\n", [A]),
    "colon inside data": (b"data: a: b\n\n", [message(b"a: b")]),
    "field without colon": (b"data\nevent\ndata: a\n\n", [message(b"\na")]),
    "unknown field": (b"dat: x\ndatax: y\nDATA: z\n data: w\ndata: a\n\n", [A]),
    "many blank lines": (b"\n\n\ndata: a\n\n\n\n\n\ndata: b\n\n\n\n", [A, B]),
    "padding after the payload": (b"data: a   \n\n", [message(b"a   ")]),
    "nothing": (b"", []),
}


@each_way
@pytest.mark.parametrize("raw, frames", CASES.values(), ids=CASES)
def test_framing(cut, raw, frames):
    """Each case gives its frames, whole and byte by byte."""
    assert decoded(cut(raw)) == frames


@each_way
@pytest.mark.parametrize("raw, frames", CASES.values(), ids=CASES)
def test_framing_after_a_plain_event(cut, raw, frames):
    """No case depends on being the start of a stream, but for the BOM."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if raw.startswith(b"\xef\xbb\xbf"):
        frames = [B]
    assert decoded([b"data: first\n\n", *cut(raw)]) == [message(b"first"), *frames]


@each_way
def test_a_plain_event_at_a_time(cut):
    """One whole event in each chunk, as paced servers send them, takes the short way to the same."""
    decoder = SseDecoder()
    chunks = [b"data: %d\n\n" % i for i in range(5)]
    frames = [f for chunk in chunks for piece in cut(chunk) for f in decoder.feed(piece)]
    assert frames == [message(b"%d" % i) for i in range(5)]


def test_an_event_is_given_when_its_blank_line_ends():
    """Nothing waits for the byte after the event, not even the LF of a CRLF."""
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\n\r") == [A]
    assert decoder.feed(b"\ndata: b\n\n") == [B]


def test_the_held_lf_survives_empty_chunks():
    """An empty chunk between CR and LF changes nothing."""
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r") == []
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"\n") == [A]


@each_way
def test_comments_are_counted(cut):
    """A comment is a sign of life, so the decoder counts them."""
    decoder = SseDecoder()
    for piece in cut(b": ping\n\n:\n\ndata: a\n: pong\n\n"):
        decoder.feed(piece)
    assert decoder.comments == 3


@each_way
def test_unknown_lines_are_kept(cut):
    """Lines that are no field of the format are kept for whoever has to say what came instead."""
    decoder = SseDecoder()
    for piece in cut(b"HTTP says:\n<html>\ndata: a\n\n"):
        decoder.feed(piece)
    assert decoder.unknown == [b"HTTP says:", b"<html>"]


def test_unknown_lines_are_kept_within_limits():
    """A page of any size does not fill the memory."""
    decoder = SseDecoder()
    decoder.feed((b"x" * 10_000 + b"\n") * 100)
    assert len(decoder.unknown) == 64
    assert max(map(len, decoder.unknown)) == 4096


@each_way
@pytest.mark.parametrize(
    "raw", [b"data: " + b"x" * 95, b"data: " + b"x" * 95 + b"\n\n", b": " + b"x" * 99, b"x" * 101]
)
def test_a_line_over_the_limit_is_refused(monkeypatch, cut, raw):
    """A line without end is refused once it passes MAX_LINE."""
    monkeypatch.setattr(sse, "MAX_LINE", 100)
    with pytest.raises(ProtocolError):
        decoded(cut(raw))


@each_way
def test_an_event_over_the_limit_is_refused(monkeypatch, cut):
    """Many short lines of data without a blank one are refused as well."""
    monkeypatch.setattr(sse, "MAX_LINE", 100)
    with pytest.raises(ProtocolError):
        decoded(cut(b"data: 1234\n" * 12))


@each_way
def test_lines_and_events_up_to_the_limit_pass(monkeypatch, cut):
    """The limit counts one line or one event, not the stream."""
    monkeypatch.setattr(sse, "MAX_LINE", 100)
    raw = b"data: " + b"x" * 94 + b"\n\n"
    assert decoded(cut(raw * 5)) == [message(b"x" * 94)] * 5


def test_a_long_line_in_many_chunks_is_joined_once():
    """Its cost is linear: the pieces are kept as they came until the line ends."""
    decoder = SseDecoder()
    size = 2**20
    line = b"data: " + b"x" * size
    pieces = [line[i : i + 1024] for i in range(0, len(line), 1024)]
    for count, piece in enumerate(pieces, 1):
        assert decoder.feed(piece) == []
        assert len(decoder._pending) == count  # the pieces themselves, not a growing copy
    assert decoder.feed(b"\n\n") == [message(b"x" * size)]
    assert decoder._pending == []


# Pieces that make line ends, fields and BOMs meet much more often than random bytes do.
_MORSELS = [b"data", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"event", b"id", b"x", b"{}"]
_MORSELS += [b"\xef\xbb\xbf", b"\xef", b"\xc3\xa9", b"\xff", b"\x00", b"[DONE]", b"data: x\n\n"]
streams = st.lists(st.sampled_from(_MORSELS), max_size=30).map(b"".join)


@given(cuts(streams | st.binary(max_size=80)))
@example((b"data: x\r\n\r\n", [b"data: x\r", b"\n\r", b"\n"]))
def test_any_cut_decodes_alike(case):
    """Where the network cuts never changes what is decoded."""
    raw, pieces = case
    assert decoded(pieces) == decoded([raw])


@given(streams)
def test_bytes_decode_as_the_standards_text_says(raw):
    """The decoder agrees with a slow transcription of the WHATWG steps."""
    assert decoded(byte_by_byte(raw)) == _by_the_book(raw)


def _by_the_book(raw: bytes) -> list[Frame]:
    text = raw.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    frames: list[Frame] = []
    data, event = "", ""
    for line in [*lines, ""]:  # unlike the standard, the end of the stream ends the event
        if not line:
            if data.removesuffix("\n"):
                frames.append(Frame(event, data.removesuffix("\n").encode("latin-1")))
            data, event = "", ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data += value + "\n"
        elif name == "event":
            event = value.encode("latin-1").decode("utf-8", "replace")
    return frames
