"""What one cell's flags do to what it asks: into a file, out of one, through the cache, under a glass."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from mock_server import End, Hold, Token

import ipyllm
from ipyllm import errors
from ipyllm.magic.recording import Recording, cache, last_wire, note, through
from ipyllm.transport.cassette import read


@pytest.fixture
def vllm(mock, monkeypatch, tmp_path):
    """Make `vllm/...` the scripted server, and the cache a folder of this test."""
    monkeypatch.setenv("VLLM_BASE_URL", mock.base_url)
    monkeypatch.setenv("IPYLLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("IPYLLM_CASSETTES", raising=False)
    return mock


@pytest.fixture
def talk(tmp_path) -> Path:
    return tmp_path / "talk.jsonl"


def ask(prompt: str = "Hi", **flags: object) -> ipyllm.Reply:
    with through(Recording(**flags), ["vllm/m"]):
        return ipyllm.ask(prompt, model="vllm/m")


def prompts(talk: Path) -> list[str]:
    return [one.header["request"]["messages"][0]["content"] for one in read(talk)]


def scripted(vllm, *answers: str) -> None:
    vllm.reset()
    for text in answers:
        vllm.answer(Token(text), End())


def test_what_is_recorded_replays(vllm, talk):
    """Cell by cell into one file, and out of it in any order; the server is not asked."""
    scripted(vllm, "one", "two")
    assert [ask("A", record=str(talk)), ask("B", record=str(talk))] == ["one", "two"]
    vllm.reset()
    assert [ask(prompt, replay=str(talk), speed=0) for prompt in "BAB"] == ["two", "one", "two"]
    assert vllm.exchanges == []


def test_the_same_request_takes_its_old_place(vllm, talk):
    """A cell that is run again leaves one recording, where the first was."""
    scripted(vllm, "one", "two", "new")
    for prompt in "ABA":
        ask(prompt, record=str(talk))
    assert prompts(talk) == ["A", "B"]
    assert ask("A", replay=str(talk), speed=0) == "new"


def test_attempts_of_one_cell_stay_together(vllm, talk):
    """One that failed and one that did not; the next run of the cell takes the place of both."""
    scripted(vllm, "two")
    ask("B", record=str(talk))
    vllm.reset()
    vllm.fail(503, {"error": {"message": "Busy"}}, retry_after_ms="1")
    vllm.answer(Token("one"), End())
    ask("A", record=str(talk))
    assert prompts(talk) == ["B", "A", "A"]
    assert ask("A", replay=str(talk), speed=0) == "one"
    scripted(vllm, "one")
    ask("A", record=str(talk))
    assert prompts(talk) == ["B", "A"]


def test_a_changed_request_is_refused(vllm, talk):
    """The error says how to record it."""
    scripted(vllm, "one")
    ask("A", record=str(talk))
    vllm.reset()
    with pytest.raises(errors.UsageError, match=r'content is "C".*--record') as caught:
        ask("C", replay=str(talk), speed=0)
    assert str(talk) in str(caught.value)
    assert vllm.exchanges == []


def test_a_foreign_file_is_left_as_it_is(vllm, talk):
    """Nothing is asked, nothing is written."""
    talk.write_text("my thesis\n", "utf-8")
    with pytest.raises(errors.UsageError, match="Name another file"):
        ask(record=str(talk))
    assert talk.read_text("utf-8") == "my thesis\n"
    assert vllm.exchanges == []


def test_only_this_cell_is_replayed(vllm, talk):
    """What another thread asks meanwhile goes to the server."""
    scripted(vllm, "recorded")
    ask(record=str(talk))
    scripted(vllm, "live")
    said: list[str] = []
    with through(Recording(replay=str(talk), speed=0), ["vllm/m"]):
        other = threading.Thread(target=lambda: said.append(ipyllm.ask("Hi", model="vllm/m")))
        other.start()
        other.join()
        said.append(ipyllm.ask("Hi", model="vllm/m"))
    assert said == ["live", "recorded"]


def test_the_cache_answers_the_second_time(vllm):
    """And says that its times are none; a cell without the flag is asked as ever."""
    scripted(vllm, "one", "two")
    first, second, live = ask(cache=True), ask(cache=True), ask()
    assert [first, second, live] == ["one", "one", "two"]
    assert [note(first), note(live)] == ["", ""]
    assert note(second).startswith("cached 20")
    assert "times are not the model's" in note(second)


def test_the_cache_keeps_whole_answers_only(vllm):
    """Neither what was stopped nor what was refused."""
    vllm.fail(400, {"error": {"message": "No."}})
    vllm.answer(Token("Hel"), Hold())
    with pytest.raises(errors.BadRequest):
        ask(cache=True)
    with through(Recording(cache=True), ["vllm/m"]):
        running = ipyllm.stream("Hi", model="vllm/m")
        for _ in running:
            running.cancel()
    assert running.reply.finish_reason == "interrupted"
    assert cache("").startswith("0 answers, 0 kB, in ")


def test_a_damaged_cache_is_no_trouble(vllm, tmp_path):
    """It is asked again, and mended."""
    scripted(vllm, "one", "two")
    ask(cache=True)
    (path,) = (tmp_path / "cache" / "answers").iterdir()
    path.write_text("once\n", "utf-8")
    assert [ask(cache=True), ask(cache=True)] == ["two", "two"]


def test_the_cache_is_counted_and_cleared(vllm, tmp_path):
    """Only what is ours: weights beside it stay."""
    scripted(vllm, "one", "two")
    ask("A", cache=True)
    ask("B", cache=True)
    weights = tmp_path / "cache" / "model.gguf"
    weights.write_bytes(b"GGUF")
    assert cache("").startswith("2 answers, ")
    assert cache("clear").startswith("deleted 2 answers, ")
    assert cache("").startswith("0 answers, ")
    assert weights.exists()
    with pytest.raises(errors.UsageError, match="Known: %llm cache clear"):
        cache("clean")


def test_the_wire_is_kept_when_asked(vllm, monkeypatch):
    """And shown below the answer; `%llm wire` shows it again."""
    shown: list[object] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    scripted(vllm, "one")
    ask()
    assert shown == []
    ask(wire=True)
    assert shown == [last_wire()]
    assert "TextDelta &#x27;one&#x27;" in last_wire()._repr_html_()


def test_the_wire_of_a_replay_is_that_of_the_recording(vllm, talk, monkeypatch):
    """The same HTML each time: a notebook that is executed again does not change."""
    monkeypatch.setattr("IPython.display.display", lambda _: None)
    scripted(vllm, "one")
    ask(record=str(talk))
    seen = []
    for _ in range(2):
        ask(replay=str(talk), speed=0, wire=True)
        seen.append(last_wire()._repr_html_())
    assert seen[0] == seen[1]
    (recording,) = read(talk)
    assert [one.chunks for one in last_wire().recordings] == [recording.chunks]
    assert str(recording.header["url"]) in seen[0]


WRONG = {
    "two": ({"record": "a", "replay": "b"}, "--record and --replay do not go together"),
    "cached": ({"replay": "a", "cache": True}, "--replay and --cache do not go together"),
    "speed": ({"speed": 1.0}, "--speed belongs to --replay"),
    "backwards": ({"replay": "a", "speed": -1.0}, "--speed takes 0"),
    "no number": ({"replay": "a", "speed": float("nan")}, "--speed takes 0"),
    "background": ({"wire": True, "background": True}, "--wire shows an answer that is over"),
}


@pytest.mark.parametrize("flags, said", WRONG.values(), ids=WRONG)
def test_flags_that_do_not_go_together(flags, said):
    """In one line."""
    with pytest.raises(errors.UsageError, match=said):
        Recording(**flags)


@pytest.mark.parametrize("model", ["python/f", "browser"])
@pytest.mark.parametrize("flag", ["record", "replay", "cache", "wire"])
def test_models_without_a_wire(model, flag):
    """Said, not ignored."""
    with (
        pytest.raises(errors.UsageError, match=f"--{flag} has no part in -m"),
        through(Recording(**{flag: "x"}), [model]),
    ):
        pass


def test_a_missing_folder(tmp_path):
    """Before anything is asked."""
    with (
        pytest.raises(errors.UsageError, match="There is no folder"),
        through(Recording(record=str(tmp_path / "no" / "talk.jsonl")), ["vllm/m"]),
    ):
        pass


def test_a_torn_line_is_dropped(vllm, talk):
    """Of a recording another program broke off: what is whole stays, the new one is added."""
    scripted(vllm, "one", "two")
    ask("A", record=str(talk))
    header = json.loads(talk.read_text("utf-8").splitlines()[0])
    header["request"] = {**header["request"], "n": 2}
    with talk.open("a", encoding="utf-8") as file:
        file.write(json.dumps(header) + '\n[1.0, "da')
    ask("B", record=str(talk))
    assert prompts(talk) == ["A", "A", "B"]
    assert [type(one.error).__name__ for one in read(talk)] == [
        "NoneType",
        "ConnectionLost",
        "NoneType",
    ]
