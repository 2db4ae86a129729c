"""A folder of recordings: what is there is replayed, what is not is asked for; half of one is never taken."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mock_server import Drop, End, Hold, Raw, Token, chunk

import ipyllm
from ipyllm import errors
from ipyllm.local import weights
from ipyllm.testing import record, replay
from ipyllm.transport.cassette import read
from ipyllm.transport.cassette import replacing as replacing_module
from ipyllm.transport.cassette.identity import digest, nearest, readable


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Make the environment name a folder that is not there yet."""
    folder = tmp_path / "answers"
    monkeypatch.setenv("IPYLLM_CASSETTES", str(folder))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv("IPYLLM_MODEL", raising=False)
    return folder


@pytest.fixture
def vllm(mock, monkeypatch):
    """Make `vllm/...` the scripted server."""
    monkeypatch.setenv("VLLM_BASE_URL", mock.base_url)
    return mock


@pytest.fixture
def filled(folder, vllm) -> Path:
    """Give the folder with one answer, Hello to Hi."""
    vllm.answer(Token("Hel"), Token("lo"), End())
    assert ipyllm.ask("Hi", model="vllm/m") == "Hello"
    vllm.reset()
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(monkeypatch, name: str) -> None:
    monkeypatch.setenv("IPYLLM_CASSETTES_MODE", name)


def test_what_is_missing_is_recorded_and_then_replayed(filled, vllm):
    """Under a name for people, with the request's own letters at its end; asked twice, it answers twice."""
    (name,) = files(filled)
    assert name.startswith("vllm-m-hi-")
    assert name.endswith(".jsonl")
    for _ in range(2):
        reply = ipyllm.ask("Hi", model="vllm/m")
        assert (reply, reply.finish_reason, reply.usage.output_tokens) == ("Hello", "stop", 2)
    assert vllm.exchanges == []
    assert files(filled) == [name]


def test_the_readable_part_of_a_name_may_be_changed(filled, vllm):
    """The letters at the end find it."""
    (path,) = filled.iterdir()
    path.rename(path.with_name("lesson-1-" + path.name.rpartition("-")[2]))
    assert ipyllm.ask("Hi", model="vllm/m") == "Hello"
    assert vllm.exchanges == []


def test_in_replay_a_changed_request_is_refused(filled, vllm, monkeypatch):
    """Never a silent live call: the error has the first difference and the file."""
    mode(monkeypatch, "replay")
    with pytest.raises(errors.UsageError, match=r'messages\[0\].content is "Ho"') as caught:
        ipyllm.ask("Ho", model="vllm/m")
    assert files(filled)[0] in str(caught.value)
    assert 'in the recording "Hi"' in str(caught.value)
    assert vllm.exchanges == []


def test_in_replay_an_empty_folder_is_refused(folder, vllm, monkeypatch):
    """One that is not there, too."""
    mode(monkeypatch, "replay")
    with pytest.raises(errors.UsageError, match="has no recording of this request to vllm/m"):
        ipyllm.ask("Hi", model="vllm/m")
    assert vllm.exchanges == []
    assert not folder.exists()


def test_record_asks_for_all_anew(filled, vllm, monkeypatch):
    """The new answer takes the old one's place."""
    mode(monkeypatch, "record")
    vllm.answer(Token("Hey"), End())
    assert ipyllm.ask("Hi", model="vllm/m") == "Hey"
    mode(monkeypatch, "replay")
    assert ipyllm.ask("Hi", model="vllm/m") == "Hey"
    assert len(files(filled)) == 1


def test_no_key_is_needed_for_what_is_there(folder, vllm, monkeypatch):
    """Neither in auto nor in replay; for what is not there it is still the key that is missing."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-0123456789")
    vllm.answer(Token("Hello"), End())
    ipyllm.ask("Hi", model="openai/m", base_url=vllm.base_url)
    monkeypatch.delenv("OPENAI_API_KEY")
    assert ipyllm.ask("Hi", model="openai/m") == "Hello"
    with pytest.raises(errors.AuthError, match="set OPENAI_API_KEY"):
        ipyllm.ask("Ho", model="openai/m")
    mode(monkeypatch, "replay")
    assert ipyllm.ask("Hi", model="openai/m") == "Hello"
    assert "sk-planted" not in "".join(path.read_text("utf-8") for path in folder.iterdir())


@pytest.mark.parametrize("has_weights", [True, False])
def test_the_embedded_model_is_not_started_for_what_is_there(
    filled, monkeypatch, tmp_path, has_weights
):
    """With its weights and without; without them it is still they that are missing for the rest."""
    (path,) = filled.iterdir()
    lines = path.read_text("utf-8").splitlines()
    stem = weights.DEMO.path.stem
    header = json.loads(lines[0]) | {"model": f"local/{stem}"}
    header["request"] |= {"model": stem, "return_progress": True, "max_tokens": 160}
    path.unlink()
    (filled / f"x-{digest(header)}.jsonl").write_text(
        "\n".join([json.dumps(header), *lines[1:], ""])
    )
    monkeypatch.setenv("IPYLLM_CACHE", str(tmp_path / "empty"))
    if has_weights:
        monkeypatch.setattr(weights, "find", lambda _="": weights.DEMO.path)
    started = "ipyllm.local.server.ensure"
    monkeypatch.setattr(started, lambda *_: pytest.fail("started the model"))
    assert ipyllm.ask("Hi", model="local") == "Hello"
    if not has_weights:
        with pytest.raises(errors.ModelUnavailable, match="is not on this machine"):
            ipyllm.ask("Ho", model="local")


def test_an_answer_that_was_cut_is_not_kept(folder, vllm):
    """Nor is half of it in a file: the next time it is asked for again."""
    vllm.answer(Token("Hel"), Drop())
    with pytest.raises(errors.ConnectionLost):
        ipyllm.ask("Hi", model="vllm/m")
    assert not folder.exists()
    vllm.reset()
    vllm.answer(Token("Hello"), End())
    assert ipyllm.ask("Hi", model="vllm/m") == "Hello"


def test_of_attempts_the_one_that_succeeded_is_kept(folder, vllm):
    """The replay has nothing to wait for."""
    vllm.fail(503, {"error": {"message": "Busy"}}, retry_after_ms="1")
    vllm.answer(Token("a"), End())
    assert ipyllm.ask("Hi", model="vllm/m") == "a"
    (path,) = folder.iterdir()
    (recording,) = read(path)
    assert recording.error is None
    assert ipyllm.ask("Hi", model="vllm/m") == "a"


def test_what_the_service_will_never_take_is_kept(folder, vllm, monkeypatch):
    """A lesson on errors replays; a key that was wrong today does not."""
    vllm.fail(400, {"error": {"message": "No such parameter."}})
    vllm.fail(401, {"error": {"message": "Bad key."}})
    with pytest.raises(errors.BadRequest):
        ipyllm.ask("Hi", model="vllm/m")
    with pytest.raises(errors.AuthError):
        ipyllm.ask("Ho", model="vllm/m")
    assert len(files(folder)) == 1
    mode(monkeypatch, "replay")
    with pytest.raises(errors.BadRequest, match="No such parameter"):
        ipyllm.ask("Hi", model="vllm/m")


def stopped(prompt: str) -> str:
    """Ask, and stop after the first token."""
    running = ipyllm.stream(prompt, model="vllm/m")
    for _ in running:
        running.cancel()
    return running.reply.finish_reason


def test_a_stopped_answer_is_asked_for_again(folder, vllm, monkeypatch):
    """It is kept for a replay of the same stop, and takes no whole answer's place."""
    vllm.answer(Token("Hel"), Hold())
    assert stopped("Hi") == "interrupted"
    (recording,) = read(next(folder.iterdir()))
    assert recording.stopped
    mode(monkeypatch, "replay")
    assert ipyllm.ask("Hi", model="vllm/m") == "Hel"
    mode(monkeypatch, "auto")
    vllm.reset()
    vllm.answer(Token("Hello"), End())
    assert ipyllm.ask("Hi", model="vllm/m") == "Hello"
    mode(monkeypatch, "record")
    vllm.reset()
    vllm.answer(Token("He"), Hold())
    assert stopped("Hi") == "interrupted"
    mode(monkeypatch, "replay")
    assert ipyllm.ask("Hi", model="vllm/m") == "Hello"
    assert len(files(folder)) == 1


def test_a_crash_while_writing_leaves_what_was_there(filled, vllm, monkeypatch):
    """The old file whole, and no part beside it."""
    before = [path.read_bytes() for path in filled.iterdir()]

    def full(_self, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(replacing_module.Path, "replace", full)
    mode(monkeypatch, "record")
    vllm.answer(Token("Hey"), End())
    said: list[str] = []
    monkeypatch.setattr("warnings.warn", lambda words, *_: said.append(words))
    assert ipyllm.ask("Hi", model="vllm/m") == "Hey"
    assert [path.read_bytes() for path in filled.iterdir()] == before
    ipyllm.transport.loop.network_loop().call_soon_threadsafe(lambda: None)
    assert said == [f"The answer could not be kept in {filled}: No space left on device."]


def test_a_damaged_file_is_named(filled, vllm):
    """Not silently asked for again."""
    (path,) = filled.iterdir()
    path.write_text("once\n", "utf-8")
    with pytest.raises(errors.UsageError, match="line 1: this is no JSON") as caught:
        ipyllm.ask("Hi", model="vllm/m")
    assert path.name in str(caught.value)
    assert vllm.exchanges == []


def test_a_thread_pool_is_in_it_too(folder, vllm):
    """Many at once, each with its own file."""
    for _ in range(8):
        vllm.answer(Token("a"), End())
    for _ in range(2):
        with ThreadPoolExecutor(8) as pool:
            said = list(pool.map(lambda n: ipyllm.ask(f"Q{n}", model="vllm/m"), range(8)))
        assert said == ["a"] * 8
    assert len(files(folder)) == 8
    assert len(vllm.exchanges) == 8


def test_turns_with_tools_are_files_of_their_own(folder, vllm, monkeypatch):
    """The second request has the result in it; both replay."""

    def double(x: int) -> int:
        """Twice x."""
        return 2 * x

    call = {"name": "double", "arguments": '{"x": 21}'}
    calls = {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": call}]}
    vllm.answer(Raw(chunk(calls)), End("tool_calls"))
    vllm.answer(Token("42"), End())
    assert ipyllm.ask("Twice 21?", model="vllm/m", tools=[double]) == "42"
    assert len(files(folder)) == 2
    vllm.reset()
    mode(monkeypatch, "replay")
    assert ipyllm.ask("Twice 21?", model="vllm/m", tools=[double]) == "42"
    assert vllm.exchanges == []


def test_other_cassettes_come_through_it(filled, vllm, tmp_path, monkeypatch):
    """A recording made meanwhile holds what was replayed, with its times; a replay needs no folder."""
    mode(monkeypatch, "replay")
    path = tmp_path / "c.jsonl"
    with record(path):
        assert ipyllm.ask("Hi", model="vllm/m") == "Hello"
    (copy,), (first,) = read(path), read(next(filled.iterdir()))
    assert (copy.chunks, copy.ended) == (first.chunks, first.ended)
    assert copy.header["url"] == first.header["url"]
    next(filled.iterdir()).unlink()
    with replay(path):
        assert ipyllm.ask("Hi", model="vllm/m") == "Hello"
    assert vllm.exchanges == []


WRONG = {
    "mode": (
        "_MODE",
        "live",
        "IPYLLM_CASSETTES_MODE=live is no mode. Write auto, record or replay.",
    ),
    "speed": ("_SPEED", "fast", "IPYLLM_CASSETTES_SPEED=fast is no number. 1 is as recorded."),
    "backwards": ("_SPEED", "-1", "speed=-1.0 is no speed. 1 is as recorded, 0 at once."),
}


@pytest.mark.parametrize("name, value, said", WRONG.values(), ids=WRONG)
def test_a_wrong_variable(folder, monkeypatch, name, value, said):
    """In one line, before anything is asked."""
    monkeypatch.setenv(f"IPYLLM_CASSETTES{name}", value)
    with pytest.raises(errors.UsageError) as caught:
        ipyllm.ask("Hi", model="vllm/m")
    assert str(caught.value) == said
    assert not folder.exists()


SPEEDS = [
    ({}, 0.0),
    ({"JPY_SESSION_NAME": "a.ipynb"}, 1.0),
    ({"IPYLLM_CASSETTES_SPEED": "2.5"}, 2.5),
]


@pytest.mark.parametrize("variables, speed", SPEEDS)
def test_the_usual_speed(folder, monkeypatch, variables, speed):
    """As recorded where a page looks on; at once where a notebook is executed."""
    from ipyllm.transport.cassette.environment import library

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert library().speed == speed


def header(**request: object) -> dict[str, object]:
    return {"api": "openai_chat", "model": "vllm/m", "request": request}


def test_the_nearest_recording_is_the_most_alike():
    """Of the same model; fewest fields differ, then most letters are the same."""
    wanted = header(messages=[{"content": "Why is the sky blue?"}], top_p=1)
    near = header(messages=[{"content": "Why is the sky red?"}], top_p=1)
    others = [
        header(messages=[{"content": "Name a bird."}], top_p=1),
        header(messages=[{"content": "Why is the sky blue!"}], top_p=2),
        header(messages=[{"content": "Why is the sky blue?"}], top_p=1) | {"model": "vllm/other"},
    ]
    assert nearest(wanted, [*others, near]) is near
    assert nearest(wanted, []) is None


NAMES = {
    "chat": (
        {"messages": [{"role": "system", "content": "Be brief."}, {"content": "Hi, you!"}]},
        "hi-you",
    ),
    "parts": ({"messages": [{"content": [{"type": "text", "text": "Look"}]}]}, "look"),
    "gemini": ({"contents": [{"parts": [{"text": "Hallo"}]}]}, "hallo"),
    "responses": ({"input": "One"}, "one"),
    "no letters": ({"prompt": "你好"}, ""),
    "long": ({"prompt": "a" * 99}, "a" * 40),
    "a path": ({"prompt": "../../etc/passwd"}, "etc-passwd"),
}


@pytest.mark.parametrize("request_, said", NAMES.values(), ids=NAMES)
def test_a_name_for_people(request_, said):
    """The model, then the last words; nothing a file system minds."""
    assert readable(header(**request_)) == "-".join(filter(None, ("vllm-m", said)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)  # a busy machine is no failure
@given(st.dictionaries(st.text(max_size=3), JSON, max_size=3))
def test_the_order_of_fields_means_nothing(request_):
    """The same JSON has the same letters, however it is written; another has others."""
    turned = json.loads(json.dumps(dict(reversed(request_.items()))))
    assert digest(header(r=request_)) == digest(header(r=turned))
    assert digest(header(r=request_)) != digest(header(r=[request_]))


def test_zero_is_zero():
    """An integer or not; but true is not one."""
    assert digest(header(temperature=0)) == digest(header(temperature=0.0))
    assert digest(header(n=1)) != digest(header(n=True))
