"""Which source answers `-m spec`, and what it sends."""

from __future__ import annotations

import pytest

from ipyllm.errors import UsageError
from ipyllm.events import Finish, Notice, TextDelta
from ipyllm.local import weights
from ipyllm.request import Request
from ipyllm.run.pump import Run
from ipyllm.run.sink import NullSink
from ipyllm.run.source import HttpSource, LocalSource, source_for
from ipyllm.transport.limits import Limits

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


def test_the_end_comes_with_the_last_bytes():
    """Nobody has to wait for the end of the response once the API said its last."""
    source = source_for("vllm/m", REQUEST, Limits())
    raw = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    assert source.decode(raw) == [TextDelta("a")]
    assert source.decode(b"data: [DONE]\n\n") == [Finish("stop", "stop")]


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
