"""A key that is planted is nowhere in what ipyllm writes, shows, logs or raises."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import time
import traceback
from dataclasses import replace

import pytest
from mock_server import Drop, End, Hold, Raw, Token, chunk, event, refused_port, whole

import ipyllm
from ipyllm import errors
from ipyllm.keys import Key, find_key
from ipyllm.magic.listing import models_text
from ipyllm.providers import resolve
from ipyllm.request import Request
from ipyllm.run import pump
from ipyllm.run.policy import Policy
from ipyllm.run.source import source_for
from ipyllm.testing import record, replay
from ipyllm.transport.http import Marks, post
from ipyllm.transport.limits import Limits
from ipyllm.widget.static_html import bundle, metadata

SECRET = "sk-planted-0123456789abcdef"
LOGGERS = ("httpx", "httpcore", "websockets", "asyncio", "ipyllm", "h11", "anyio")


@pytest.fixture(autouse=True)
def _planted(monkeypatch, tmp_path):
    """Put the key where a provider finds it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    """Let a second attempt follow at once."""
    monkeypatch.setattr(pump, "Policy", lambda: Policy(retries=1, first=0.0))


@pytest.fixture
def log(caplog):
    """Let everybody log all they know."""
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, logger=name)
    caplog.set_level(logging.DEBUG)
    return caplog


def said(caplog) -> str:
    formatter = logging.Formatter("%(name)s %(message)s")
    return "\n".join(
        f"{formatter.format(line)} {line.args!r} {line.msg!r}" for line in caplog.records
    )


def formatted(exc: BaseException) -> str:
    """Give all a traceback shows: every frame's variables, every chained exception."""
    shown = traceback.TracebackException.from_exception(exc, capture_locals=True).format()
    return "\n".join([repr(exc), str(exc), repr(vars(exc)), *shown])


def echo(text: str = "You sent {}.") -> dict[str, object]:
    return {"error": {"message": text.format(f"Bearer {SECRET}"), "code": SECRET}}


def test_no_repr_has_it(mock):
    """Of a key, a target, a source, a stream, a run."""
    mock.answer(Token("Hello"), End())
    source = source_for("openai/m", Request("", ()), Limits(), base_url=mock.base_url)
    stream = ipyllm.stream("Hi", model="openai/m", base_url=mock.base_url)
    reply = stream.reply
    found = (find_key(("OPENAI_API_KEY",)), resolve("openai/m"), source, stream, stream._run, reply)
    for thing in found:
        assert SECRET not in repr(thing)
        assert SECRET not in str(thing)
        assert SECRET not in f"{thing!r}"
    assert SECRET not in models_text()
    assert SECRET.encode() not in pickle.dumps(reply)


ANSWERS = {
    "401": [whole(echo(), status=401, x_request_id=SECRET)],
    "401, a page": [whole(f"<html><title>{SECRET}</title></html>", status=401)],
    "429, in a header": [whole(echo(), status=429, retry_after=SECRET)],
    "500": [whole(SECRET, status=500)],
    "a page": [whole(f"<html><title>{SECRET}</title></html>")],
    "redirected": [whole("", status=302, location=f"http://x/?key={SECRET}")],
}
STREAMS = {
    "whole": [Token("Hel"), Token("lo"), End()],
    "cut": [Token("Hel"), Drop()],
    "reset": [Token("Hel"), Drop(reset=True)],
    "an error event": [Token("Hel"), Raw(event(**echo()))],
    "an error first": [Raw(event(**echo()))],
    "not JSON": [Token("Hel"), Raw(f"data: {{{SECRET}\n\n".encode())],
    "a comment": [Raw(f": {SECRET}\n\n".encode()), Token("Hel"), End()],
    "no HTTP chunk": [Token("Hel"), Raw(f"{SECRET}\r\n".encode()), Drop()],
}


def ask(url: str, **options):
    """Ask, and give the reply and what was raised."""
    try:
        return ipyllm.ask("Hi", model="openai/m", base_url=url, **options), None
    except (errors.IpyllmError, ZeroDivisionError) as exc:
        return getattr(exc, "reply", None), exc


@pytest.mark.parametrize("name", [*ANSWERS, *STREAMS])
def test_nothing_a_service_repeats_has_it(mock, log, tmp_path, name):
    """Errors, their tracebacks with variables, the reply, its outputs, the log, the cassette."""
    if name in ANSWERS:
        mock.respond(ANSWERS[name][0])
    else:
        mock.answer(*STREAMS[name])
    cassette = tmp_path / "c.jsonl"
    with record(cassette):
        reply, exc = ask(mock.base_url)
    assert mock.exchange().headers["authorization"] == f"Bearer {SECRET}"
    assert SECRET not in cassette.read_text("utf-8")
    assert SECRET not in said(log)
    if exc is not None:
        assert SECRET not in formatted(exc)
    if reply is not None:
        shown = [bundle(reply), metadata(reply), reply.raw_events, reply.error, reply.timing]
        assert SECRET not in repr(shown)
        assert SECRET not in json.dumps([shown[0], shown[1]], default=repr)
    with replay(cassette):
        _, again = ask(mock.base_url)
    assert type(again) is type(exc)


def test_no_failure_to_connect_has_it(log):
    """Refused, and an address that is none."""
    for url in (f"http://127.0.0.1:{refused_port()}/v1", "http://[::1/v1", "http://nobody.invalid"):
        _, exc = ask(url)
        assert exc is not None
        assert SECRET not in formatted(exc)
    assert SECRET not in said(log)


@pytest.mark.parametrize("name", ["401", "cut", "whole"])
async def test_no_traceback_of_the_transport_has_it(mock, name):
    """Raised where it happens, with all that httpx and httpcore chain to it."""
    if name in ANSWERS:
        mock.respond(ANSWERS[name][0])
    else:
        mock.answer(*STREAMS[name])
    target = resolve("openai/m", base_url=mock.base_url)
    marks = Marks(time.perf_counter)

    def burst(chunk: bytes) -> None:
        raise ZeroDivisionError  # a bug of whoever takes the bytes

    with pytest.raises((errors.ServiceError, ZeroDivisionError)) as caught:
        await post(target, "/x", {}, burst, marks=marks, limits=Limits())
    assert SECRET not in formatted(caught.value)


def test_no_traceback_of_a_timeout_has_it(mock):
    """Nor of a cancelled request."""
    mock.answer(Token("Hel"), Hold(), End())
    _, exc = ask(mock.base_url, timeout=0.3)
    assert isinstance(exc, errors.Timeout)
    assert SECRET not in formatted(exc)


def test_no_bug_of_a_decoder_has_it(mock, monkeypatch):
    """An exception that is none of ours goes up as it is, with its frames."""
    from ipyllm.run import source

    mock.answer(Token("Hel"), End())
    monkeypatch.setattr(source.HttpSource, "decode", lambda self, chunk: 1 / 0)
    _, exc = ask(mock.base_url)
    assert isinstance(exc, ZeroDivisionError)
    assert SECRET not in formatted(exc)


def test_a_password_in_an_address_is_nowhere(mock, log):
    """Such an address is a key too."""
    mock.respond(whole(echo("no"), status=401))
    _, exc = ask(mock.base_url.replace("://", "://me:pass-word-1@"))
    assert exc is not None
    assert "pass-word-1" not in str(exc)
    assert "pass-word-1" not in said(log)


def test_no_key_given_in_place_of_a_variable_is_repeated():
    """It is a slip that people make."""
    with pytest.raises(errors.IpyllmError) as caught:
        ipyllm.ask("Hi", model="openai/m", key_env=SECRET)
    assert SECRET not in str(caught.value)


def test_a_key_cut_across_two_reads_is_not_on_the_cassette(mock, tmp_path):
    """The first half alone says nothing; the mark stands where it began."""
    whole_event = chunk({"content": SECRET})
    middle = whole_event.index(SECRET.encode()) + 9
    gate = mock.gate()
    mock.answer(Raw(whole_event[:middle]), Hold(gate), Raw(whole_event[middle:]), End())
    cassette = tmp_path / "c.jsonl"
    with record(cassette):
        stream = ipyllm.stream("Hi", model="openai/m", base_url=mock.base_url)
        mock.exchange()
        gate.open()
        assert stream.reply == SECRET  # the answer itself is the reader's
    text = cassette.read_text("utf-8")
    assert SECRET not in text
    assert SECRET[:9] not in text
    with replay(cassette):
        assert ask(mock.base_url)[0] == "[key]"


def test_a_key_is_compared_not_shown():
    """Also in a failed assertion of a test of one's own."""
    assert SECRET not in repr([Key("A", SECRET), {"k": Key("A", SECRET)}])
    assert SECRET not in repr(asyncio.Future) + repr(Key)


async def test_no_log_of_a_handshake_has_it(log):
    """websockets logs all it sends at DEBUG."""
    pytest.importorskip("websockets")
    from mock_ws import Close, scripted

    from ipyllm.transport.websocket import exchange

    async with scripted("Hi", Close()) as server:
        target = replace(resolve("openai/m"), base_url=server.url)
        marks = Marks(time.perf_counter)
        await exchange(target, "", {}, lambda _: None, marks=marks, limits=Limits())
        (request,) = server.requests
    assert SECRET in request.headers["authorization"]
    lines = [line for line in said(log).splitlines() if "websockets.client" in line]
    assert any("[key]" in line for line in lines)
    assert not any(SECRET in line for line in lines)
