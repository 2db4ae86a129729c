"""A grid against a scripted server: rows as they come, failures, stops, and going on from a file."""

from __future__ import annotations

import json
import signal
import threading
from dataclasses import dataclass

import pytest
from mock_server import Drop, End, Hold, MockServer, Raw, Token, event, wait_for

from ipyllm.errors import AuthError, Stopped, UsageError
from ipyllm.sweep import grid
from ipyllm.sweep.journal import Journal

KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def served(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMACPP_BASE_URL", mock.base_url)
    monkeypatch.setenv("VLLM_BASE_URL", mock.base_url.replace("127.0.0.1", "localhost"))


def asked(mock: MockServer) -> list[str]:
    return sorted(one.json["messages"][-1]["content"] for one in mock.exchanges)


def test_all_rows_come_with_text_and_numbers(mock):
    mock.tokens(3)
    g = grid(
        ["x", "y"], models=["llamacpp/a", "llamacpp/b"], params={"temperature": [0]}, repeats=2
    )
    rows = sorted(g, key=lambda row: row.index)
    assert rows == g.rows
    assert len(g) == len(rows) == 8
    assert {(r.state, r.text, r.tokens, r.input_tokens, r.finish_reason) for r in rows} == {
        ("done", "t0 t1 t2 ", 3, 7, "stop")
    }
    assert all(row.ttft is not None and row.total is not None for row in rows)
    assert mock.exchange().json["temperature"] == 0
    assert asked(mock) == ["x"] * 4 + ["y"] * 4


def test_a_row_streams_while_it_runs(mock):
    """Its text grows; the table shows it."""
    gate = mock.gate()
    mock.answer(Token("so <far>"), Hold(gate), Token(" and on"), End())
    g = grid("x", models="llamacpp/a")
    wait_for(lambda: g[0].text == "so <far>" or None, "the first token")
    assert g[0].state == "running"
    assert "so &lt;far&gt;" in g.bundle(live=True)["text/html"]
    gate.open()
    assert g.wait()[0].text == "so <far> and on"


def test_no_more_than_at_once_run_for_each_endpoint(mock):
    """Two addresses: twice as many."""
    gate = mock.gate()
    mock.answer(Token("a"), Hold(gate), End())
    g = grid([f"p{n}" for n in range(6)], models=["llamacpp/a", "vllm/a"], at_once=2)
    wait_for(lambda: len(mock.exchanges) == 4 or None, "four requests")
    assert sum(row.state == "running" for row in g.rows) == 4
    gate.open()
    assert all(row.state == "done" for row in g)
    assert len(mock.exchanges) == 12


def test_failures_are_rows(mock):
    """A refusal, an error in the stream, a cut: a line each, with what came."""
    mock.fail(400, {"error": {"message": "no\nsuch thing"}})
    mock.answer(Token("a"), Raw(event(error={"message": "broken", "code": 500})))
    mock.answer(Token("b"), Drop())
    mock.tokens(1)
    g = grid(["1", "2", "3", "4"], models="llamacpp/a", at_once=1).wait()
    kinds = [(row.state, row.error.partition(":")[0], row.text) for row in g.rows]
    assert kinds == [
        ("failed", "BadRequest", ""),
        ("failed", "ServerError", "a"),
        ("failed", "ConnectionLost", "b"),
        ("done", "", "t0 "),
    ]
    assert all("\n" not in row.error for row in g.rows)


def test_a_function_that_raises_is_a_row():
    def broken(prompt):
        raise ValueError(f"no {prompt}")

    g = grid(["x", "y"], models=broken).wait()
    assert [row.error for row in g.rows] == ["ValueError: no x", "ValueError: no y"]
    assert g[0].model == "python/broken"


def test_cancel_keeps_what_came_and_asks_no_more(mock):
    mock.answer(Token("kept"), Hold())
    g = grid(["1", "2", "3"], models="llamacpp/a", at_once=1)
    wait_for(lambda: g[0].text or None, "the first token")
    g.cancel()
    g.wait()
    assert [(row.state, row.text, row.finish_reason) for row in g.rows] == [
        ("stopped", "kept", "interrupted"),
        ("stopped", "", "interrupted"),
        ("stopped", "", "interrupted"),
    ]
    assert mock.exchange().wait_gone()
    assert len(mock.exchanges) == 1


def test_an_interrupt_stops_all_and_keeps_what_came(mock):
    """The loop still gets the rows that were asked, then `Stopped`."""
    mock.answer(Token("kept"), Hold())
    g = grid(["1", "2"], models="llamacpp/a", at_once=1)

    def interrupt():
        wait_for(lambda: g[0].text or None, "the first token")
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    seen = []
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(Stopped):
            seen.extend(row.text for row in g)
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert seen == ["kept"] or (seen == [] and g[0].text == "kept")


def test_leaving_the_loop_early_stops_the_rest(mock):
    mock.tokens(1)
    mock.answer(Token("a"), Hold())
    g = grid(["1", "2", "3"], models="llamacpp/a", at_once=1)
    rows = iter(g)
    assert next(rows).state == "done"
    rows.close()
    g.wait()
    assert {row.state for row in g.rows[1:]} == {"stopped"}


def test_a_budget_ends_the_grid(mock):
    """What runs is cut, what waits is not asked."""
    mock.tokens(10)
    g = grid(["1", "2", "3"], models="llamacpp/a", at_once=1, budget="15tok").wait()
    assert [(row.state, row.finish_reason) for row in g.rows] == [
        ("done", "stop"),
        ("stopped", "budget"),
        ("stopped", "budget"),
    ]
    assert len(mock.exchanges) == 2


@dataclass
class City:
    name: str


def test_a_schema_gives_objects_also_from_the_file(mock, tmp_path):
    mock.answer(Token('{"name": '), Token('"Rome"}'), End())
    options = {"models": "llamacpp/a", "schema": City, "path": tmp_path / "run.jsonl"}
    assert grid("x", **options).wait()[0].value == City("Rome")
    again = grid("x", **options).wait()[0]
    assert (again.value, again.kept) == (City("Rome"), True)
    assert len(mock.exchanges) == 1


def test_a_restart_pays_only_for_what_is_missing(mock, tmp_path):
    """Failures are asked again, a changed call anew, more repeats only as many as are new."""
    mock.fail(400, "no")
    mock.tokens(2)
    path = tmp_path / "deep" / "run.jsonl"
    first = grid(["x", "y"], models="llamacpp/a", at_once=1, path=path).wait()
    assert [row.state for row in first.rows] == ["failed", "done"]
    mock.exchanges.clear()
    second = grid(["x", "y"], models="llamacpp/a", path=path).wait()
    assert [(row.text, row.kept) for row in second.rows] == [("t0 t1 ", False), ("t0 t1 ", True)]
    assert second[1].ttft == first[1].ttft
    assert asked(mock) == ["x"]
    mock.exchanges.clear()
    third = grid(["x", "z"], models="llamacpp/a", repeats=2, path=path)
    assert len(list(third)) == 4
    assert asked(mock) == ["x", "z", "z"]
    fourth = grid(["x", "z"], models="llamacpp/a", repeats=2, path=path, params={"n": [1]}).wait()
    assert not any(row.kept for row in fourth.rows)


def test_a_torn_line_loses_nothing_else(mock, tmp_path):
    """Cut anywhere in its last line, the file gives all rows before it and takes new ones."""
    mock.tokens(1)
    path = tmp_path / "run.jsonl"
    grid(["x", "y"], models="llamacpp/a", at_once=1, path=path).wait()
    whole = path.read_bytes()
    last = whole[:-1].rindex(b"\n") + 1
    for cut in (last, last + 1, (last + len(whole)) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        mock.exchanges.clear()
        g = grid(["x", "y"], models="llamacpp/a", path=path).wait()
        assert [row.state for row in g.rows] == ["done", "done"]
        # All but its line end is all of it.
        assert asked(mock) == ([] if cut == len(whole) - 1 else ["y"])
        mock.exchanges.clear()
        assert all(row.kept for row in grid(["x", "y"], models="llamacpp/a", path=path).wait().rows)
        assert not mock.exchanges


def test_calls_under_way_at_a_kill_are_told_and_asked_again(mock, tmp_path):
    """The file has `asked` and no row: nobody knows what became of it."""
    mock.tokens(1)
    path = tmp_path / "run.jsonl"
    grid("x", models="llamacpp/a", path=path).wait()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    g = grid("x", models="llamacpp/a", path=path).wait()
    assert "1 asked before by a process that was killed" in repr(g)
    assert g[0].state == "done"
    assert len(mock.exchanges) == 2


def test_no_key_is_in_the_file(mock, tmp_path, monkeypatch):
    """Not from the environment, nor as the service repeats it, nor in a prompt."""
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    mock.answer(Token(f"you sent {KEY}"), End())
    path = tmp_path / "run.jsonl"
    g = grid([f"is {KEY} right?", "y"], models="vllm/a", path=path).wait()
    assert KEY in g[0].text
    assert KEY not in path.read_text()
    assert mock.exchange().headers["authorization"] == f"Bearer {KEY}"


def test_two_grids_do_not_write_one_file(mock, tmp_path):
    """Both would pay. Once the first is over the file is free."""
    gate = mock.gate()
    mock.answer(Token("a"), Hold(gate), End())
    path = tmp_path / "run.jsonl"
    g = grid("x", models="llamacpp/a", path=path)
    with pytest.raises(UsageError, match="in use by a grid"):
        grid("x", models="llamacpp/a", path=path)
    gate.open()
    g.wait()
    assert grid("x", models="llamacpp/a", path=path).wait()[0].kept


def test_a_folder_gets_a_file(mock, tmp_path):
    mock.tokens(1)
    grid("x", models="llamacpp/a", path=tmp_path).wait()
    lines = (tmp_path / "grid.jsonl").read_text().splitlines()
    header, begun, row = map(json.loads, lines)
    assert header == {"ipyllm_grid": 1}
    assert begun["asked"] == row["row"]
    assert (row["prompt"], row["text"], row["tokens"]) == ("x", "t0 ", 1)


def test_a_file_that_is_none_of_ours_stays_as_it_is(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("my thesis")
    with pytest.raises(UsageError, match="not a grid's file"):
        Journal(path)
    assert path.read_text() == "my thesis"


@pytest.mark.parametrize(
    "options, words",
    [
        ({"models": []}, "no model"),
        ({"models": "nobody/x"}, "Unknown provider 'nobody'"),
        ({"at_once": 0}, "at_once=0"),
        ({"at_once": 1.5}, "at_once=1.5"),
        ({"timeout": 0}, "leaves no time"),
        ({"budget": "much"}, "no budget"),
        ({"budget": "1usd"}, "needs a price"),
        ({"path": ""}, "names no file"),
        ({"schema": object()}, "object"),
        ({"engine": 3}, "no dask.distributed Client"),
    ],
)
def test_bad_input_is_one_sentence(mock, options, words):
    """Nothing is asked."""
    with pytest.raises(UsageError, match=words) as caught:
        grid("x", **{"models": "llamacpp/a", **options})
    assert "\n" not in str(caught.value)
    assert not mock.exchanges


def test_a_missing_key_is_said_at_once(monkeypatch, tmp_path):
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AuthError, match="GROQ_API_KEY"):
        grid("x", models=["llamacpp/a", "groq/b"])
