"""Which source answers `-m spec`, and what it sends."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator

import pytest
from mock_server import refused_port
from mock_ws import Close, Server, Step, scripted

from ipyllm.errors import UsageError
from ipyllm.events import Finish, Notice, TextDelta
from ipyllm.local import server, weights
from ipyllm.local.server import LocalServer
from ipyllm.request import Request
from ipyllm.run.policy import Policy
from ipyllm.run.pump import Run
from ipyllm.run.reply import Reply
from ipyllm.run.sink import NullSink
from ipyllm.run.source import HttpSource, LocalSource, source_for
from ipyllm.transport.limits import Limits
from ipyllm.transport.loop import network_loop

REQUEST = Request("", ({"role": "user", "content": "Hi"},))


def test_a_provider_is_asked_over_http():
    """What people see is `provider/model`."""
    source = source_for("vllm/org/m", REQUEST, Limits())
    assert isinstance(source, HttpSource)
    assert (source.model, source.label, source.load) == ("vllm/org/m", "vllm/org/m", None)


def test_local_is_the_embedded_model(monkeypatch, tmp_path):
    """Without a name it is the demo model, and says so."""
    path = tmp_path / "some.gguf"
    monkeypatch.setattr(weights, "find", lambda _name="": path)
    demo = source_for("local", REQUEST, Limits())
    named = source_for("local/some.gguf", REQUEST, Limits())
    assert isinstance(demo, LocalSource)
    assert isinstance(named, LocalSource)
    assert "demo" in demo.label
    assert named.label == "local/some.gguf"


def test_a_local_model_that_never_started_is_truncated(monkeypatch, tmp_path):
    """Nothing came, and nothing claims to be whole."""
    monkeypatch.setattr(weights, "find", lambda _name="": tmp_path / "some.gguf")
    source = source_for("local", REQUEST, Limits())
    assert source.decode(b"data: [DONE]\n\n") == []
    assert source.close() == [Finish("truncated")]


def test_a_local_model_that_died_since_is_asked_for_again(mock, monkeypatch, tmp_path):
    """A killed process takes connections a moment longer: who is told its address gets no error."""
    dead = LocalServer(f"http://127.0.0.1:{refused_port()}/v1", "key", 0.0, 1)
    alive = LocalServer(mock.base_url, "key", 0.1, 2)
    told = iter([dead, alive])
    monkeypatch.setattr(weights, "find", lambda _name="": tmp_path / "some.gguf")
    monkeypatch.setattr(server, "ensure", lambda *_: next(told))
    mock.tokens(2)
    policy = Policy(first=0.0)
    run = Run(source_for("local", REQUEST, Limits()), NullSink(), policy=policy)
    run.start()
    assert run.pump() == "t0 t1 "


def test_the_end_comes_with_the_last_bytes():
    """Nobody has to wait for the end of the response once the API said its last."""
    source = source_for("vllm/m", REQUEST, Limits())
    raw = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    assert source.decode(raw) == [TextDelta("a")]
    assert source.decode(b"data: [DONE]\n\n") == [Finish("stop", "stop")]


def test_a_providers_own_parameters_are_sent_unless_the_user_sets_them(mock, monkeypatch):
    """llama.cpp tells how far it has read the prompt only if asked."""
    monkeypatch.setenv("LLAMACPP_BASE_URL", mock.base_url)
    for params, sent in (({}, True), ({"return_progress": False}, False)):
        mock.tokens(1)
        asked = Request("", REQUEST.messages, params=params)
        run = Run(source_for("llamacpp/m", asked, Limits()), NullSink())
        run.start()
        run.pump()
        assert mock.exchange().json["return_progress"] is sent


def test_an_unknown_provider_is_refused():
    """Before anything runs."""
    with pytest.raises(UsageError):
        source_for("nobody/m", REQUEST, Limits())


def test_phases_are_told(mock, monkeypatch):
    """Connecting, then waiting once the request is sent."""
    mock.tokens(1)
    run = Run(source_for("vllm/m", REQUEST, Limits(), base_url=mock.base_url), NullSink())
    said: list[object] = []
    run.tee = said.extend
    run.start()
    run.pump()
    phases = [event.text for event in said if isinstance(event, Notice) and event.kind == "phase"]
    assert phases == ["connecting", "waiting"]


def over_socket(spec: str, base_url: str = "", **params: object) -> Reply:
    """Ask over a WebSocket."""
    request = Request("", REQUEST.messages, "", params)
    run = Run(source_for(spec, request, Limits(), base_url=base_url), NullSink())
    run.start()
    return run.pump()


@contextlib.contextmanager
def socket(*steps: Step) -> Iterator[Server]:
    """Serve a script from the network's thread."""
    serving, loop = scripted(*steps), network_loop()
    yield asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result()
    asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result()


def test_any_websocket_is_asked_as_ws():
    """Without a scheme it is ws://; no model is sent unless one is given."""
    with socket("Hel", '{"text": "lo"}', Close()) as server:
        reply = over_socket("ws/" + server.url.removeprefix("ws://") + "/x?token=secret", n=1)
        assert (reply, reply.finish_reason) == ("Hello", "stop")
        assert "secret" not in reply.model
        (asked,) = map(json.loads, server.asked)
        assert "model" not in asked
        assert (asked["messages"], asked["n"]) == ([{"role": "user", "content": "Hi"}], 1)
        assert server.requests[0].path == "/x?token=secret"
    with socket(Close()) as server:
        over_socket(f"ws/{server.url}", model="m")
        assert json.loads(server.asked[0])["model"] == "m"


def test_a_provider_is_asked_over_a_websocket_at_a_ws_address(monkeypatch):
    """OpenAI's Responses: the request is an event, the answer's events are messages."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    events = (
        {"type": "response.output_text.delta", "delta": "Hello", "output_index": 0},
        {"type": "response.completed", "response": {"status": "completed", "usage": {}}},
    )
    with socket(*map(json.dumps, events), asyncio.Event()) as server:
        reply = over_socket("openai-responses/gpt-5", base_url=server.url + "/v1")
        assert (reply, reply.finish_reason) == ("Hello", "stop")
        (asked,) = map(json.loads, server.asked)
        assert (asked["type"], asked["model"]) == ("response.create", "gpt-5")
        assert "stream" not in asked
        (request,) = server.requests
        assert request.path == "/v1/responses"
        assert request.headers["Authorization"] == "Bearer sk-0123456789"


def test_ws_takes_no_other_address():
    """One line."""
    with pytest.raises(UsageError, match="takes no https address"):
        source_for("ws/https://host/x", REQUEST, Limits())
