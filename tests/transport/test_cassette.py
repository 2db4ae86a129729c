"""What is recorded comes back: bytes, times, ends; no secrets, and one clear line for what is not there."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyllm import errors
from ipyllm.keys import Key
from ipyllm.providers import Target
from ipyllm.testing import FakeClock
from ipyllm.transport.cassette import CassetteFile, Player, Recorder, read
from ipyllm.transport.cassette.form import chunk_line, difference
from ipyllm.transport.cassette.redact import Redactor, hidden, spellings
from ipyllm.transport.http import Marks
from ipyllm.transport.limits import Limits

SECRET = "sk-planted/0123456789"
TARGET = Target("vllm", "m", "openai_chat", "http://me:pass-word-1@host:80/v1?token=x")
WITH_KEY = Target("vllm", "m", "openai_chat", "http://host/v1", Key("VLLM_API_KEY", SECRET))
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
HEADERS = {"Content-Type": "text/event-stream", "X-RateLimit-Limit": "9", "Set-Cookie": "c=1"}
HEADER = {"ipyllm": 1, "api": "openai_chat", "model": "vllm/m", "request": ASKED}


class Network:
    """A `post` that answers by a script: seconds that pass, bytes, at last perhaps an error."""

    def __init__(self, *steps: float | bytes | BaseException, headers=HEADERS) -> None:
        self.steps = steps
        self.headers = headers

    async def __call__(self, target, path, payload, deliver, *, marks, limits) -> None:
        marks.sent = marks.clock()
        for step in (0.25, None, *self.steps):
            match step:
                case None:
                    marks.headers = marks.clock()
                    if marks.on_headers:
                        marks.on_headers(self.headers)
                case float():
                    marks.clock.advance(step)
                case bytes():
                    deliver(step)
                case _:
                    raise step


async def recorded(path: Path, *steps: Any, target: Target = TARGET, asked=ASKED, **more) -> None:
    """Append one recording."""
    send = Recorder(CassetteFile(path)).over(Network(*steps, **more))
    marks = Marks(FakeClock())
    await send(target, "/chat", asked, lambda _: None, marks=marks, limits=Limits())


async def played(player: Player, clock: FakeClock, *, target: Target = TARGET, asked=ASKED):
    """Give (seconds since it was sent, chunk) of each chunk, the marks, and the error."""
    marks, got = Marks(clock), []
    start, error = clock(), None
    try:
        await player.send(
            target,
            "/chat",
            asked,
            lambda chunk: got.append((round(clock() - start, 6), chunk)),
            marks=marks,
            limits=Limits(),
        )
    except errors.IpyllmError as exc:
        error = exc
    return got, marks, error


def player(path: Path, clock: FakeClock, speed: float | None = None) -> Player:
    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    return Player(path, speed=speed, sleep=sleep)


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


async def test_the_file(tmp_path):
    """A header, a line for each chunk with its time, and how it ended."""
    path = tmp_path / "c.jsonl"
    await recorded(path, 0.25, b"data: hello\n\n", 0.5, "é".encode()[:1], 0.125)
    header, *rest = lines(path)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", header.pop("recorded"))
    assert header == HEADER | {
        "url": "http://host:80/v1/chat",
        "status": 200,
        "headers": {"content-type": "text/event-stream", "x-ratelimit-limit": "9"},
        "ms": 250.0,
    }
    assert rest == [[500.0, "data: hello\n\n"], [1000.0, {"b64": "ww=="}], [1125.0, None]]


@pytest.mark.parametrize("speed, factor", [(None, 0), (0, 0), (1, 1), (2.0, 0.5)])
async def test_times_are_those_of_the_recording(tmp_path, speed, factor):
    """At speed 1 a token comes as long after the request as it did; headers too."""
    path = tmp_path / "c.jsonl"
    await recorded(path, 0.5, b"a", 1.0, b"b")
    clock = FakeClock()
    got, marks, error = await played(player(path, clock, speed), clock)
    assert got == [(0.75 * factor, b"a"), (1.75 * factor, b"b")]
    assert marks.headers - marks.sent == 0.25 * factor
    assert error is None


ENDS = {
    "refused": errors.ConnectionLost("Nothing listens.", hint="Is it running?"),
    "limited": errors.RateLimited("Too many.", hint="Wait.", status=429),
    "no model": errors.ModelUnavailable("No weights.", hint="Run it."),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_an_error_ends_the_replay_as_it_ended_the_answer(tmp_path, end):
    """The same class, words, status, and whether to ask again; after what came before it."""
    path = tmp_path / "c.jsonl"
    if isinstance(end, errors.ServiceError):
        end.retry, end.retry_after = False, 90.0
    with pytest.raises(type(end)):
        await recorded(path, b"a", end)
    got, _, error = await played(player(path, FakeClock()), FakeClock())
    assert [chunk for _, chunk in got] == [b"a"]
    assert (type(error), error.message, error.hint) == (type(end), end.message, end.hint)
    for name in ("status", "retry", "retry_after"):
        assert getattr(error, name, None) == getattr(end, name, None)


async def test_attempts_are_recordings_of_their_own(tmp_path):
    """The first replay fails as the first attempt did, and need not wait for the second."""
    path = tmp_path / "c.jsonl"
    with pytest.raises(errors.Overloaded):
        await recorded(path, errors.Overloaded("Busy.", status=503))
    await recorded(path, b"a")
    playing = player(path, FakeClock())
    _, _, error = await played(playing, FakeClock())
    assert (type(error), error.retry_after) == (errors.Overloaded, 0.0)
    assert (await played(playing, FakeClock()))[0] == [(0.0, b"a")]


async def test_a_stop_is_no_error_of_the_service(tmp_path):
    """What came before it replays, and then nothing more comes."""
    path = tmp_path / "c.jsonl"
    with pytest.raises(asyncio.CancelledError):
        await recorded(path, b"a", asyncio.CancelledError())
    got, _, error = await played(player(path, FakeClock()), FakeClock())
    assert (got, error) == ([(0.0, b"a")], None)


async def test_a_replay_can_be_stopped(tmp_path):
    """In the middle of a wait."""
    path = tmp_path / "c.jsonl"
    await recorded(path, 1e6, b"a")
    task = asyncio.ensure_future(
        Player(path, speed=1).send(
            TARGET, "/", ASKED, lambda _: None, marks=Marks(FakeClock()), limits=Limits()
        )
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_answers_that_overlap_stay_apart(tmp_path):
    """The second waits for its turn, and nothing of it is lost."""
    path = tmp_path / "c.jsonl"
    file = CassetteFile(path)
    one, two = (file.take(TARGET, "http://h", {"n": n}) for n in (1, 2))
    two.chunk(1, b"two")
    one.chunk(2, b"one")
    two.end(3, None)
    assert [line[1] for line in lines(path) if isinstance(line, list)] == ["one"]
    one.chunk(4, b"more")
    one.end(5, None)
    file.wait()
    recordings = read(path)
    assert [recording.header["request"]["n"] for recording in recordings] == [1, 2]
    assert [recording.chunks for recording in recordings] == [
        [(2, b"one"), (4, b"more")],
        [(1, b"two")],
    ]


def test_what_came_is_on_disk_at_once(tmp_path):
    """A crash costs the rest, not what was there."""
    path = tmp_path / "c.jsonl"
    take = CassetteFile(path).take(TARGET, "http://h", ASKED)
    take.chunk(1, b"a")
    assert lines(path)[1:] == [[1, "a"]]
    (recording,) = read(path)
    assert recording.chunks == [(1, b"a")]
    assert isinstance(recording.error, errors.ConnectionLost)
    assert f"{path}, line 2: the recording breaks off here" in str(recording.error)
    take.end(2, None)


@pytest.mark.parametrize("cut", range(1, 200, 7))
async def test_a_cut_file_says_where(tmp_path, cut):
    """Whatever is left of the last recording replays; then comes one line with file and number."""
    path = tmp_path / "c.jsonl"
    await recorded(path, b"first")
    whole = path.stat().st_size
    await recorded(path, b"second" * 20)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) - cut])
    first, *rest = read(path)
    assert (first.error, first.chunks) == (None, [(250.0, b"first")])
    if rest:
        assert f"{path}, line " in str(rest[0].error)
    assert whole


FOREIGN = {
    "empty object": ("{}\n", "line 1: this is no line of a cassette"),
    "text": ("once upon a time\n", "line 1: this is no JSON"),
    "bytes": (b"\xff\xfe\n", "line 1: this is no JSON"),
    "without an end of line": ("once", "line 1: it breaks off here"),
    "a chunk first": ('[1, "a"]\n', "line 1: this is no line of a cassette"),
    "another version": ('{"ipyllm": 2}\n', "line 1: a cassette of version 2"),
    "no such line": (json.dumps(HEADER) + "\n[1, 2]\n", "line 2: this is no line of a cassette"),
    "no base64": (json.dumps(HEADER) + '\n[1, {"b64": "?"}]\n', "line 2: this is no base64"),
    "more after the end": (json.dumps(HEADER) + '\n[1, null]\n[2, "a"]\n', "line 3"),
}


@pytest.mark.parametrize("content, said", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused(tmp_path, content, said):
    """In one line with the file and the number of the line."""
    path = tmp_path / "c.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(errors.UsageError) as caught:
        read(path)
    assert f"{path}, {said}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    """Where it was asked for."""
    with pytest.raises(errors.UsageError, match="cannot be read: No such file"):
        Player(tmp_path / "none.jsonl")


@pytest.mark.parametrize("speed", [-1.0, float("nan"), float("inf")])
def test_no_speed(tmp_path, speed):
    """Time goes forward."""
    with pytest.raises(errors.UsageError, match="is no speed"):
        Player(tmp_path / "none.jsonl", speed=speed)


async def test_another_request_is_no_recording(tmp_path):
    """The error says what was asked, what the cassette has, and the first difference."""
    path = tmp_path / "c.jsonl"
    await recorded(path, b"a")
    other = {"model": "m", "messages": [{"role": "user", "content": "Ho"}], "top_p": 1}
    _, _, error = await played(player(path, FakeClock()), FakeClock(), asked=other)
    assert isinstance(error, errors.UsageError)
    assert 'messages[0].content is "Ho", in the recording "Hi" of line 1' in str(error)
    assert "vllm/m" in str(error)


async def test_a_recording_answers_once(tmp_path):
    """Asked again, the cassette has no more."""
    path = tmp_path / "c.jsonl"
    await recorded(path, b"a")
    await recorded(path, b"b")
    playing = player(path, FakeClock())
    assert (await played(playing, FakeClock()))[0] == [(0.0, b"a")]
    assert (await played(playing, FakeClock()))[0] == [(0.0, b"b")]
    _, _, error = await played(playing, FakeClock())
    assert "all it has were replayed" in str(error)


DIFFERENCES = {
    "equal": ({"a": [1]}, {"a": [1]}, ""),
    "missing": ({"a": 1}, {}, "a is 1, the recording has none"),
    "not asked": ({}, {"a": 1}, "a is not asked, the recording has 1"),
    "deep": ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "a[0].b is 1, in the recording 2"),
    "longer": ({"a": [1, 2]}, {"a": [1]}, "a has 2 items, in the recording 1"),
    "true is not 1": ({"a": True}, {"a": 1}, "a is true, in the recording 1"),
    "other kind": ({"a": "1"}, {"a": 1}, 'a is "1", in the recording 1'),
}


@pytest.mark.parametrize("asked, has, said", DIFFERENCES.values(), ids=DIFFERENCES)
def test_the_first_difference(asked, has, said):
    """By its path."""
    assert difference(asked, has) == said


async def test_a_full_disk_stops_nobody(tmp_path):
    """The answer goes on, and what is wrong is said once, in a line."""
    file = CassetteFile(tmp_path / "missing" / "c.jsonl")
    send = Recorder(file).over(Network(b"a", b"b"))
    got: list[bytes] = []
    marks = Marks(FakeClock())
    await send(TARGET, "/", ASKED, got.append, marks=marks, limits=Limits())
    assert got == [b"a", b"b"]
    assert file.failure == f"The recording {file.path} is not whole: No such file or directory."


# secrets


async def test_the_key_is_nowhere(tmp_path):
    """Not where it was sent, nor where the service repeats it."""
    path = tmp_path / "c.jsonl"
    asked = ASKED | {"user": f"my key is {SECRET}"}
    echo = {
        "content-type": f"text/plain; {SECRET}",
        "x-request-id": SECRET,
        "authorization": SECRET,
    }
    error = errors.AuthError(f"Bad key {SECRET}.", hint=f"Not {SECRET}.", status=401)
    with pytest.raises(errors.AuthError):
        await recorded(
            path, f"said {SECRET} ".encode(), error, target=WITH_KEY, asked=asked, headers=echo
        )
    text = path.read_text("utf-8")
    assert SECRET not in text
    assert text.count("[key]") == 6


async def test_a_password_in_the_address_is_nowhere(tmp_path):
    """Nor the query."""
    path = tmp_path / "c.jsonl"
    await recorded(path, b"pass-word-1")
    assert "pass-word" not in path.read_text("utf-8")
    assert "token" not in path.read_text("utf-8")


async def test_a_recorded_key_need_not_be_there_at_replay(tmp_path):
    """A request with the key in it is found with the same key, whoever replays."""
    path = tmp_path / "c.jsonl"
    asked = ASKED | {"user": SECRET}
    await recorded(path, b"a", target=WITH_KEY, asked=asked)
    got, _, error = await played(
        player(path, FakeClock()), FakeClock(), target=WITH_KEY, asked=asked
    )
    assert (got, error) == ([(0.0, b"a")], None)


def redacted(secret: str, chunks: list[bytes]) -> list[tuple[float, bytes]]:
    redactor = Redactor(spellings([secret]))
    out = [one for ms, chunk in enumerate(chunks) for one in redactor.feed(ms, chunk)]
    return out + redactor.close()


@pytest.mark.parametrize("cut", range(len(SECRET) + 1))
def test_a_key_cut_across_chunks(cut):
    """It is one mark, in the chunk where it began."""
    chunks = [b"<" + SECRET[:cut].encode(), SECRET[cut:].encode() + b">", b"."]
    out = redacted(SECRET, chunks)
    assert b"".join(chunk for _, chunk in out) == b"<[key]>."
    assert [ms for ms, _ in out] == [0, 1, 2]


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.binary(max_size=12)), st.integers(0, 40))
def test_a_key_anywhere_in_any_cut_is_gone(chunks, place):
    """Byte by byte too; the rest of the bytes is untouched."""
    before = b"".join(chunks)
    text = before[:place] + SECRET.encode() + before[place:]
    expected = before[:place] + b"[key]" + before[place:]
    for size in (1, 3, 1000):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert b"".join(chunk for _, chunk in redacted(SECRET, pieces)) == expected


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.one_of(st.binary(min_size=1), st.text(min_size=1).map(str.encode))))
def test_any_chunks_come_back(tmp_path_factory, chunks):
    """Byte for byte, with the same cuts, also those that begin like a key."""
    path = tmp_path_factory.mktemp("c") / "c.jsonl"
    pieces = [*chunks, SECRET[:7].encode(), *chunks, SECRET[:-1].encode()]
    asyncio.run(recorded(path, *pieces, target=WITH_KEY))
    (recording,) = read(path)
    assert [chunk for _, chunk in recording.chunks] == pieces


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(alphabet=st.characters(codec="utf-16", categories=None)))
def test_a_chunk_is_one_line(text):
    """No line separator of Unicode breaks it."""
    line = chunk_line(1.5, text.encode("utf-8", "surrogatepass"))
    assert "\n" not in line
    assert json.loads(line)[0] == 1.5


def test_a_placeholder_is_no_secret():
    """ "EMPTY" would eat words."""
    assert spellings(["EMPTY"]) == ()


def test_the_spellings_of_a_key():
    """As it is, in JSON, in an address."""
    found = hidden(
        [SECRET, SECRET.replace("/", "\\/"), SECRET.replace("/", "%2F")], spellings([SECRET])
    )
    assert found == ["[key]"] * 3
