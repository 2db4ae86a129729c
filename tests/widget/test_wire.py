"""What was on the wire, as HTML: every byte that came, what it made, and nothing that runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attacks import ATTACKS
from html_check import check, said
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyllm import errors
from ipyllm.events import Finish, TextDelta
from ipyllm.transport.cassette import Recording, read
from ipyllm.widget.moments import moments
from ipyllm.widget.wire import wire_html
from ipyllm.widget.wire_pieces import format_of, pieces
from ipyllm.widget.wire_view import Wire

FOLDER = Path(__file__).parents[1] / "cassettes"
CASSETTES = sorted(FOLDER.glob("*.jsonl"))
SSE = {"content-type": "text/event-stream; charset=utf-8"}


def delta(text: str) -> bytes:
    return (
        f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}\n\n".encode()
    )


def recording(*chunks: tuple[float, bytes], **header: object) -> Recording:
    about = {
        "api": "openai_chat",
        "model": "vllm/m",
        "url": "https://host/v1/chat/completions",
        "request": {"model": "m"},
        "headers": SSE,
        "ms": 12.5,
        "status": 200,
    }
    return Recording(about | header, 1, list(chunks), ended=1000.0)


def safe(html: str) -> str:
    """Of tags that are ours alone; the one `name` is that of the moments, and a quote in text is text."""
    return check(html.replace(' name="ipyllm-moment"', "").replace("&quot;", "'"))


@pytest.mark.parametrize("file", CASSETTES, ids=lambda file: file.stem)
def test_real_answers(file):
    """Every dialect: well-formed, with its address, its framing and its end."""
    html = safe(wire_html(read(file)))
    (one,) = read(file)
    assert str(one.header["url"]) in said(html)
    assert "reads" in said(html)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("place", ["text", "raw", "url", "headers", "request", "error", "api"])
def test_nothing_of_it_runs(attack, place):
    """Wherever it stands: only tags and attributes of ours come out."""
    match place:
        case "text":
            one = recording((1.0, delta(attack)), (2.0, delta(attack)))
        case "raw":
            one = recording((1.0, attack.encode()))
        case "headers":
            one = recording(headers={"content-type": attack, attack: attack})
        case "error":
            one = recording((1.0, b"x"))
            one.error = errors.ServerError(attack)
        case _:
            one = recording((1.0, b"x"), **{place: {"q": attack} if place == "request" else attack})
    safe(wire_html([one]))


def test_each_event_is_beside_its_bytes():
    """Two frames of one read, then one cut in the middle of a character."""
    raw = delta("é").replace(b"\\u00e9", "é".encode())
    cut = raw.index("é".encode()) + 1
    one = recording((1.0, delta("a") + delta("b")), (2.0, raw[:cut]), (3.0, raw[cut:]))
    found = pieces("openai_chat", "server-sent events", one.chunks)
    assert [(piece.ms, piece.first, piece.whole) for piece in found] == [
        (1.0, True, True),
        (1.0, False, True),
        (2.0, True, False),
        (3.0, True, True),
    ]
    assert [piece.events for piece in found] == [
        (TextDelta("a"),),
        (TextDelta("b"),),
        (),
        (TextDelta("é"), Finish("truncated")),
    ]
    assert "\\xc3" in said(safe(wire_html([one])))


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.binary(max_size=20)))
def test_no_byte_is_lost_and_any_is_shown(chunks):
    """Whatever comes: the pieces of each read are the read."""
    one = recording(*((float(at), chunk) for at, chunk in enumerate(chunks)))
    for framing in ("server-sent events", "JSON lines", "WebSocket frames", "bytes"):
        found = pieces("openai_chat", framing, one.chunks)
        assert b"".join(piece.data for piece in found) == b"".join(chunks)
    safe(wire_html([one]))


FORMATS = {
    "sse": ({"headers": SSE}, "server-sent events"),
    "ndjson": ({"headers": {"content-type": "application/x-ndjson"}}, "JSON lines"),
    "socket": ({"url": "wss://host/path", "headers": {}}, "WebSocket frames"),
    "unknown": ({"headers": {}}, "bytes"),
    "none": ({}, "bytes"),
    "strange": ({"headers": [1]}, "bytes"),
}


@pytest.mark.parametrize("header, framing", FORMATS.values(), ids=FORMATS)
def test_the_framing(header, framing):
    """By the address and the content type."""
    assert format_of(header) == framing


def test_a_long_answer_is_folded_and_cut():
    """The page stays usable, and what is not shown is counted."""
    one = recording(*((float(n), delta("x" * 3000)) for n in range(700)))
    html = safe(wire_html([one], left_out=[123], missed=2))
    words = said(html)
    assert "576 more" in words
    assert "100 more frames" in words
    assert "123 characters more were not kept" in words
    assert "2 more responses were not kept" in words
    assert len(html) < 3_000_000


def test_line_ends_and_control_characters_are_marks():
    """What separates frames is to be seen."""
    words = said(wire_html([recording((1.0, b"data: a\r\n\r\n\x00\x1b"))]))
    assert "data: a ␍ ↵ ␍ ↵" in words
    assert "␀␛" in words


def test_moments_need_no_script():
    """The text grows from one to the next; a single read has none."""
    many = pieces("openai_chat", "server-sent events", [(float(n), delta("ab")) for n in range(50)])
    html = safe(moments(many))
    assert html.count("<details") == 12
    assert "0 ms, 2 characters" in said(html)
    assert "49 ms, 100 characters" in said(html)
    assert moments(many[:1]) == ""


def test_how_it_ended():
    """Stopped, failed, or simply over; nothing at all is said, too."""
    one = recording((1.0, b"x"))
    one.stopped = True
    assert "1,000.0 ms: stopped by whoever asked" in said(wire_html([one]))
    assert "Nothing was on the wire." in said(wire_html([]))


def test_a_cassette_can_be_looked_at():
    """By its path, and in a line as text."""
    wire = Wire(CASSETTES[0])
    assert wire._repr_html_() == wire_html(read(CASSETTES[0]), left_out=[0])
    assert repr(wire).startswith("<Wire of 1 responses, ")
