"""Answers recorded once and replayed in tests: from Python, from a cell, in order, without a key."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mock_server import Drop, End, Hold, Pause, Token
from traitlets.config import Config

import ipyllm
from ipyllm import errors
from ipyllm.local import weights
from ipyllm.testing import record, replay
from ipyllm.transport.cassette import file as cassette_file


@pytest.fixture
def cassette(tmp_path) -> Path:
    return tmp_path / "c.jsonl"


@pytest.fixture
def vllm(mock, monkeypatch):
    """Make `vllm/...` the scripted server."""
    monkeypatch.setenv("VLLM_BASE_URL", mock.base_url)
    monkeypatch.delenv("IPYLLM_MODEL", raising=False)
    return mock


@pytest.fixture
def hello(vllm, cassette) -> Path:
    """Give a cassette with one answer: Hello to Hi."""
    vllm.answer(Token("Hel"), Token("lo"), End())
    with record(cassette):
        assert ipyllm.ask("Hi", model="vllm/m") == "Hello"
    vllm.reset()
    return cassette


def test_an_answer_comes_back(hello, vllm):
    """The same events, usage and end; the server is not asked."""
    with replay(hello):
        reply = ipyllm.ask("Hi", model="vllm/m")
    assert (reply, reply.finish_reason, reply.model) == ("Hello", "stop", "vllm/m")
    assert reply.usage.output_tokens == 2
    assert vllm.exchanges == []


def test_no_key_no_address(vllm, cassette, monkeypatch):
    """What was recorded with a key, at an address of one's own, replays without either."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-0123456789")
    vllm.answer(Token("Hello"), End())
    with record(cassette):
        ipyllm.ask("Hi", model="openai/m", base_url=vllm.base_url)
    monkeypatch.delenv("OPENAI_API_KEY")
    with replay(cassette):
        assert ipyllm.ask("Hi", model="openai/m") == "Hello"


def test_the_embedded_model_needs_no_weights(hello, monkeypatch):
    """Nor its engine: what it said is on the cassette."""
    monkeypatch.setattr(weights, "find", lambda _="": pytest.fail("looked for weights"))
    lines = hello.read_text("utf-8").splitlines()
    stem = weights.DEMO.path.stem
    header = json.loads(lines[0]) | {"model": f"local/{stem}"}
    header["request"] |= {"model": stem, "return_progress": True, "max_tokens": 160}
    hello.write_text("\n".join([json.dumps(header), *lines[1:], ""]), "utf-8")
    with replay(hello):
        reply = ipyllm.ask("Hi", model="local")
    assert (reply, reply.model) == ("Hello", "local")
    assert "demo" in reply.label


def test_another_question_is_refused(hello, vllm):
    """Never a silent live call; the error names the first difference."""
    with replay(hello), pytest.raises(errors.UsageError, match=r"messages\[0\].content is \"Ho\""):
        ipyllm.ask("Ho", model="vllm/m")
    assert vllm.exchanges == []


def test_a_thread_pool_is_in_the_replay_too(vllm, cassette):
    """What it asks comes from the cassette, whoever comes first."""
    for _ in range(4):
        vllm.answer(Token("a"), End())
    with record(cassette), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: ipyllm.ask(f"Q{n}", model="vllm/m"), range(4)))
    vllm.reset()
    with replay(cassette), ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda n: ipyllm.ask(f"Q{n}", model="vllm/m"), range(4))) == ["a"] * 4
    assert vllm.exchanges == []


def test_a_cut_answer_is_cut_again(vllm, cassette):
    """With what had arrived, and in the same words."""
    vllm.answer(Token("Hel"), Drop())
    with record(cassette), pytest.raises(errors.ConnectionLost) as first:
        ipyllm.ask("Hi", model="vllm/m")
    with replay(cassette), pytest.raises(errors.ConnectionLost) as second:
        ipyllm.ask("Hi", model="vllm/m")
    assert (str(second.value), second.value.reply) == (str(first.value), "Hel")


def test_retries_replay(vllm, cassette):
    """Two attempts, two recordings: the second answers, without the pause."""
    vllm.fail(503, {"error": {"message": "Busy"}}, retry_after_ms="1")
    vllm.answer(Token("a"), End())
    with record(cassette):
        assert ipyllm.ask("Hi", model="vllm/m") == "a"
    with replay(cassette):
        assert ipyllm.ask("Hi", model="vllm/m") == "a"
    assert cassette.read_text("utf-8").count('"ipyllm"') == 2


def test_times_are_those_of_the_recording(vllm, cassette):
    """At speed 1 the first token takes as long as it took."""
    vllm.answer(Pause(0.1), Token("a"), Pause(0.05), Token("b"), End())
    with record(cassette):
        live = ipyllm.ask("Hi", model="vllm/m").timing
    with replay(cassette, speed=1):
        again = ipyllm.ask("Hi", model="vllm/m").timing
    for name in ("headers", "ttft", "ttfa"):
        assert 0 <= getattr(again, name) - getattr(live, name) + 0.001 < 0.05, name


def test_a_cell_is_recorded_and_replayed(vllm, cassette):
    """`%%llm` goes the same way."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "ipyllm")
    vllm.answer(Token("Hello"), End())
    with record(cassette):
        shell.run_cell_magic("llm", "-m vllm/m", "Hi")
    vllm.reset()
    with replay(cassette):
        shell.run_cell_magic("llm", "-m vllm/m -o again", "Hi")
    assert shell.user_ns["again"] == "Hello"
    assert vllm.exchanges == []


def test_after_the_cassette_the_network_is_asked(hello, vllm):
    """Also when the block was left by an error."""
    with pytest.raises(ZeroDivisionError), replay(hello):
        raise ZeroDivisionError
    vllm.answer(Token("live"), End())
    assert ipyllm.ask("Hi", model="vllm/m") == "live"


def test_a_recording_begins_anew(hello, vllm):
    """Run again, a file does not grow."""
    size = hello.stat().st_size
    vllm.answer(Token("Hel"), Token("lo"), End())
    with record(hello):
        ipyllm.ask("Hi", model="vllm/m")
    assert abs(hello.stat().st_size - size) < 40  # times have more or fewer digits


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    """Before anything is asked."""
    with (
        pytest.raises(errors.UsageError, match="cannot be written: No such file"),
        record(tmp_path / "none" / "c.jsonl"),
    ):
        pytest.fail("went on")


def test_a_disk_that_fails_costs_only_the_recording(vllm, cassette):
    """One line after the answer; the answer is kept."""
    vllm.answer(Token("Hello"), End())
    recording = record(cassette)
    recording.__enter__()
    cassette.unlink()
    cassette.mkdir()
    assert ipyllm.ask("Hi", model="vllm/m") == "Hello"
    with pytest.warns(UserWarning, match="is not whole: Is a directory"):
        recording.__exit__(None, None, None)


def test_waiting_for_an_end_has_an_end(vllm, cassette, monkeypatch):
    """An answer that still streams when the block is left is recorded to its end all the same."""
    monkeypatch.setattr(cassette_file, "_WAIT", 0.01)
    gate = vllm.gate()
    vllm.answer(Token("Hel"), Hold(gate), Token("lo"), End())
    with record(cassette):
        stream = ipyllm.stream("Hi", model="vllm/m")
        vllm.exchange().wait_sent(1)
    gate.open()
    assert stream.reply == "Hello"
    with replay(cassette):
        assert ipyllm.ask("Hi", model="vllm/m") == "Hello"
