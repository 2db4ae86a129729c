"""A real Jupyter server, real kernels, the real model: one process for all of them."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from server.jupyter import Jupyter, installed

from ipyllm.errors import ModelUnavailable
from ipyllm.local import server, shared, weights
from ipyllm.server import pool
from ipyllm.server.offer import Offer

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(sys.platform != "linux", reason="pidfd, /proc"),
]

CELL = "%%llm -m local -p max_tokens=8\nSay hello."


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    with Jupyter(tmp_path_factory.mktemp("jupyter")) as started:
        yield started


@pytest.fixture(scope="module")
def kernels(jupyter):
    two = jupyter.kernel(), jupyter.kernel()
    for kernel in two:
        kernel.run("%load_ext ipyllm")
    return two


@pytest.fixture
def offer():
    made = Offer()
    made.publish()
    yield made
    made.close()


def copy(folder, name):
    path = folder / f"{name}.gguf"
    try:
        os.link(weights.find(), path)
    except OSError:
        shutil.copy(weights.find(), path)
    return path


def lent(path, cancelled=None, loading=lambda: None):
    return shared.ask(path.resolve(), cancelled or threading.Event(), loading)


def is_gone(watch, within=5.0):
    return bool(select.select([watch], [], [], within)[0])


def answers(kernel):
    cell = kernel.run(CELL)
    assert not cell.errors
    assert cell.shown
    return cell


def test_the_list_shows_it_enabled_and_ok(tmp_path):
    """With the configuration where a wheel puts it, and nothing else."""
    run = subprocess.run(
        [sys.executable, "-m", "jupyter_server.extension.serverextension", "list"],
        env=installed(tmp_path) | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = run.stdout + run.stderr
    line = next(line for line in said.splitlines() if "ipyllm.server" in line)
    assert "enabled" in line, said
    ok = [line for line in said.splitlines() if "ipyllm.server" in line and "OK" in line]
    assert ok, said


def test_two_kernels_have_one_process(jupyter, kernels):
    """Asked at once, from two kernels: one load, one process, both answer."""
    for pid in jupyter.models():
        os.kill(pid, signal.SIGKILL)
    jupyter.until_no_model()  # one that is still dying is still handed out
    with ThreadPoolExecutor(2) as pool_:
        list(pool_.map(answers, kernels))
    assert len(jupyter.models()) == 1


def test_a_restarted_kernel_loads_nothing(jupyter, kernels):
    """The process is the server's."""
    answers(kernels[0])
    before = jupyter.models()
    kernels[0].restart()
    kernels[0].run("%load_ext ipyllm")
    answers(kernels[0])
    assert jupyter.models() == before


def test_a_killed_model_is_started_by_the_next_call(jupyter, kernels):
    """No error, and again one process for both."""
    answers(kernels[0])
    (before,) = jupyter.models()
    os.kill(before, signal.SIGKILL)
    answers(kernels[1])
    answers(kernels[0])
    (after,) = jupyter.models()
    assert after != before


def test_the_token_is_in_no_log(jupyter, kernels):
    """At the server's most talkative."""
    answers(kernels[0])
    token = kernels[0].run("import os; print(os.environ['IPYLLM_SERVER_TOKEN'], end='')").stdout
    assert len(token) > 30
    assert "ipyllm.server" in jupyter.log
    assert token not in jupyter.log


def test_a_killed_server_leaves_no_orphan(tmp_path):
    """By kill -9, so that nobody can clean up."""
    with Jupyter(tmp_path) as jupyter:
        kernel = jupyter.kernel()
        kernel.run("%load_ext ipyllm")
        answers(kernel)
        (model,) = jupyter.models()
        pids = [os.pidfd_open(model), os.pidfd_open(kernel.pid)]
        jupyter.process.kill()
        gone = [is_gone(pid) for pid in pids]
    for pid in pids:
        os.close(pid)
    assert gone == [True, True]


def test_without_the_extension_each_kernel_has_its_own(tmp_path):
    """As it always was."""
    with Jupyter(tmp_path, extension=False) as jupyter:
        kernel = jupyter.kernel()
        kernel.run("%load_ext ipyllm")
        answers(kernel)
        assert len(jupyter.models()) == 1
        assert kernel.run("import os; print('IPYLLM_SERVER' in os.environ)").stdout == "False\n"


def test_what_was_asked_for_longest_ago_makes_room(offer, tmp_path):
    """Two stay; the third takes the place of the one that nobody asked for since."""
    first, second, third = (copy(tmp_path, name) for name in ("first", "second", "third"))
    for path in (first, second, first, third):
        assert lent(path)
    assert server.running(first)
    assert not server.running(second)
    assert server.running(third)


def test_one_that_answers_is_not_stopped(offer, tmp_path, monkeypatch):
    """Rather three for a while than an answer that breaks off."""
    first, second, third = (copy(tmp_path, name) for name in ("first", "second", "third"))
    monkeypatch.setattr(pool, "_is_answering", lambda running: running.pid == busy.pid)
    busy = lent(first)
    assert lent(second)
    assert lent(third)
    assert server.running(first)
    assert not server.running(second)


def test_a_model_that_runs_was_not_loaded_for_you(offer):
    """Its load is not in your answer's timing, and nothing says loading."""
    waits = []
    path = weights.find()
    cold = lent(path, loading=lambda: waits.append("cold"))
    warm = lent(path, loading=lambda: waits.append("warm"))
    assert cold.load_s > 0 == warm.load_s
    assert (cold.pid, cold.api_key) == (warm.pid, warm.api_key)
    assert waits == ["cold"]


def test_an_idle_model_says_so(offer):
    """llama.cpp's own word for it, with our settings."""
    assert pool._is_answering(lent(weights.find())) is False


def test_a_kernel_that_hangs_up_ends_the_load(offer, tmp_path):
    """The same as a cancel in a kernel that loads by itself."""
    cancelled, path = threading.Event(), copy(tmp_path, "first")
    with pytest.raises(ModelUnavailable, match="cancelled"):
        lent(path, cancelled, loading=cancelled.set)
    assert lent(path)  # waits for the load that is being cancelled, then for its own


def test_a_damaged_model_is_one_sentence(offer, tmp_path):
    """The server's reason, in the kernel."""
    path = tmp_path / "cut.gguf"
    with weights.find().open("rb") as source:
        path.write_bytes(source.read(5_000_000))
    with pytest.raises(ModelUnavailable, match=r"cut.gguf did not load"):
        lent(path)
