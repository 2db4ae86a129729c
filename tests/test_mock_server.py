"""The mock server has to be trusted before anything that is tested with it."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import httpx
import pytest
from mock_server import (
    Answer,
    Drop,
    End,
    Hold,
    MockServer,
    Pause,
    Progress,
    Raw,
    Token,
    unanswered_port,
)


def post(mock: MockServer) -> contextlib.AbstractContextManager[httpx.Response]:
    return httpx.stream("POST", f"{mock.base_url}/chat/completions", json={"model": "m"})


def events(body: str) -> list[dict]:
    lines = body.splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def test_tokens_arrive_in_order_with_usage_and_done(mock):
    mock.tokens(3)
    with post(mock) as response:
        body = response.read().decode()
    deltas = [c["delta"].get("content") for e in events(body) for c in e["choices"]]
    assert deltas == ["t0 ", "t1 ", "t2 ", None]
    assert events(body)[-1]["usage"]["completion_tokens"] == 3
    assert body.endswith("data: [DONE]\n\n")
    assert mock.exchange().json == {"model": "m"}


def test_gate_holds_the_rest_of_an_answer(mock):
    gate = mock.gate()
    mock.answer(Token("a"), Hold(gate), Token("b"), End())
    with post(mock) as response:
        mock.exchange().wait_sent(1)
        time.sleep(0.05)
        assert len(mock.exchange().sent) == 1
        gate.open()
        response.read()
    assert len(mock.exchange().sent) == 2
    mock.exchange().wait_finished()
    assert mock.exchange().gone is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer([Token("a"), Hold()]), id="stalled"),
        pytest.param(Answer(before=[Hold()]), id="no headers"),
        pytest.param(Answer([Progress(64, 1024), Hold()]), id="prefill"),
        pytest.param(Answer([Token("a"), Pause(60)]), id="pause"),
    ],
)
def test_going_away_is_logged_at_once(mock, answer):
    mock.respond(answer)
    with socket.create_connection(("127.0.0.1", mock.port)) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        mock.exchange().wait_requested()
        closed = time.monotonic()
    assert mock.exchange().wait_gone() - closed < 1


def test_deaf_server_takes_connections_and_sees_them_go(mock):
    mock.deaf = True
    with socket.create_connection(("127.0.0.1", mock.port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\n\r\n")
        assert mock.exchange().requested is None
    mock.exchange().wait_gone()


@pytest.mark.parametrize("reset", [False, True])
def test_dropped_connection_is_an_error_for_the_client(mock, reset):
    mock.answer(Token("a"), Drop(reset=reset))
    with pytest.raises(httpx.TransportError), post(mock) as response:
        response.read()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ({"error": {"message": "no"}}, "application/json"),
        ("<html>Bad gateway</html>", "text/html; charset=utf-8"),
        ("upstream is down", "text/plain; charset=utf-8"),
    ],
)
def test_http_error_has_its_body_and_headers(mock, body, content_type):
    mock.fail(429, body, Retry_After="2")
    with post(mock) as response:
        response.read()
    assert response.status_code == 429
    assert response.headers["content-type"] == content_type
    assert response.headers["retry-after"] == "2"
    assert (response.json() if isinstance(body, dict) else response.text) == body


def test_answers_are_used_in_order_and_the_last_again(mock):
    mock.answer(Raw(b"first"))
    mock.answer(Raw(b"last"))
    bodies = []
    with httpx.Client(base_url=mock.base_url) as client:
        for _ in range(3):
            bodies.append(client.post("/chat/completions").content)  # noqa: PERF401 - one at a time
    assert bodies == [b"first", b"last", b"last"]


def test_unanswered_port_neither_accepts_nor_refuses():
    with unanswered_port() as port, socket.socket() as client:
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.connect(("127.0.0.1", port))
