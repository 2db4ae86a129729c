"""
`engine=`: the same rows, asked by a cluster's workers.

The cluster here is `Client.submit` and `Future` as dask.distributed documents them, over threads and
pickles. Where dask is installed, a LocalCluster of it does the same.
"""

from __future__ import annotations

import pickle
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from mock_server import Hold, MockServer, Token, wait_for

from ipyllm.errors import UsageError
from ipyllm.sweep import grid


class Workers:
    """Every argument and result goes through a pickle, as between processes."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(4)

    def submit(self, func, *args, pure):
        assert not pure
        sent = pickle.dumps((func, args))
        return self._pool.submit(_work, sent)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class Broken:
    def submit(self, func, *args, pure):
        future: Future = Future()
        future.set_exception(RuntimeError("worker\ndied"))
        return future


def _work(sent: bytes) -> object:
    func, args = pickle.loads(sent)
    return pickle.loads(pickle.dumps(func(*args)))


@pytest.fixture(autouse=True)
def served(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMACPP_BASE_URL", mock.base_url)


@pytest.fixture
def workers():
    made = Workers()
    yield made
    made.close()


def test_rows_come_from_workers(mock, workers, tmp_path):
    """Text and numbers; failures too; and the file is this process's."""
    mock.fail(400, "no")
    mock.tokens(3)
    path = tmp_path / "run.jsonl"
    options = {"models": "llamacpp/a", "engine": workers, "at_once": 1, "path": path}
    g = grid(["x", "y"], **options).wait()
    assert [(row.state, row.text, row.tokens) for row in g.rows] == [
        ("failed", "", 0),
        ("done", "t0 t1 t2 ", 3),
    ]
    assert g[1].ttft is not None
    assert grid(["x", "y"], **options).wait()[1].kept


def test_a_worker_that_dies_is_a_row():
    g = grid("x", models="llamacpp/a", engine=Broken()).wait()
    assert g[0].error == "RuntimeError: worker died"


def test_cancel_does_not_wait_for_workers(mock, workers):
    gate = mock.gate()
    mock.answer(Token("a"), Hold(gate), Token("b"))
    g = grid(["x", "y", "z"], models="llamacpp/a", engine=workers, at_once=2)
    wait_for(lambda: len(mock.exchanges) == 2 or None, "two requests")
    g.cancel()
    g.wait()
    assert {row.state for row in g.rows} == {"stopped"}
    gate.open()


def test_a_budget_is_refused():
    with pytest.raises(UsageError, match="elsewhere"):
        grid("x", models="llamacpp/a", engine=Broken(), budget="5tok")


def test_a_real_cluster_does_the_same(mock):
    distributed = pytest.importorskip("distributed")
    mock.tokens(3)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=4, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        g = grid([f"p{n}" for n in range(8)], models="llamacpp/a", engine=client).wait()
    assert [row.text for row in g.rows] == ["t0 t1 t2 "] * 8
