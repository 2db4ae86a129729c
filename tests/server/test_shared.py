"""What passes between a kernel and the Jupyter server, without a model: who is heard, and who is not."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm import __version__
from ipyllm.errors import ModelUnavailable
from ipyllm.local import shared
from ipyllm.server import offer as offering
from ipyllm.server.offer import Offer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="asks through a Unix socket")

GONE = {"base_url": "http://127.0.0.1:9/v1", "api_key": "k", "load_s": 0.0, "pid": 1}
REFUSALS = {
    "hangs up": b"",
    "half a line": b'{"base_url": "http://127.0',
    "no JSON": b"HTTP/1.1 404 Not Found\r\n\r\n",
    "a list": b"[1, 2]\n",
    "nothing of use": b"{}\n",
    "no key": b'{"base_url": "http://127.0.0.1:80/v1"}\n',
    "no port": b'{"base_url": "http://127.0.0.1:/v1", "api_key": "k"}\n',
    "not loopback": b'{"base_url": "http://192.0.2.1:80/v1", "api_key": "k"}\n',
    "nobody there": json.dumps(GONE).encode() + b"\n",
    "loads, then ends": b'{"loading": true}\n',
    "too long": b" " * 70_000,
}


def never():
    raise AssertionError("there is nothing to wait for")


def nothing():
    pass


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "any.gguf"
    path.write_bytes(b"GGUF")
    return path


@pytest.fixture
def offer(monkeypatch):
    monkeypatch.delenv(shared.ADDRESS, raising=False)
    monkeypatch.delenv(shared.TOKEN, raising=False)
    made = Offer()
    yield made
    made.close()


@pytest.fixture
def answering(tmp_path, monkeypatch):
    """A server that says what it is told to, once."""
    listening, address = shared.listener(str(tmp_path))
    monkeypatch.setenv(shared.ADDRESS, address)
    monkeypatch.setenv(shared.TOKEN, "a token")
    threads = []

    def script(said, step=0, then=lambda connection: None):
        def serve():
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                with suppress(OSError):  # it hung up on us
                    for at in range(0, len(said), step or len(said) or 1):
                        connection.sendall(said[at : at + (step or len(said))])
                then(connection)

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()

    yield script
    listening.close()
    for thread in threads:
        thread.join(10)


def ask(path, cancelled=None, loading=nothing):
    return shared.ask(path, cancelled or threading.Event(), loading)


@pytest.mark.parametrize("address", ["", "/nowhere/socket", "12345@another-machine"])
def test_without_a_server_here_the_kernel_looks_after_itself(address, weights, monkeypatch):
    """No variable, no such file, or variables that came along from another machine."""
    monkeypatch.setenv(shared.ADDRESS, address)
    monkeypatch.setenv(shared.TOKEN, "a token")
    assert ask(weights, loading=never) is None


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("name", REFUSALS)
def test_an_answer_that_is_none_is_a_refusal(name, step, answering, weights):
    """The kernel starts its own process, and says nothing of it."""
    if step and name == "too long":
        step = 4096
    answering(REFUSALS[name], step)
    assert ask(weights) is None


def test_a_silent_server_is_not_waited_for(answering, weights, monkeypatch):
    """Stopped, or stuck: after the patience for the first line the kernel goes on alone."""
    assert shared._PATIENCE == 8.0
    monkeypatch.setattr(shared, "_PATIENCE", 0.1)
    answering(b"", then=lambda connection: connection.recv(1))
    assert ask(weights, loading=never) is None


@pytest.mark.parametrize("step", [0, 1])
def test_an_address_is_taken_if_somebody_is_there(step, answering, weights):
    """Both lines at once or byte by byte; what it waits for is said once."""
    waits = []
    with socket.create_server(("127.0.0.1", 0)) as model:
        url = f"http://127.0.0.1:{model.getsockname()[1]}/v1"
        line = {"base_url": url, "api_key": "k", "load_s": 0.5, "pid": 7}
        answering(b'{"loading": true}\n' + json.dumps(line).encode() + b"\n", step)
        found = ask(weights, loading=lambda: waits.append(1))
    assert found is not None
    assert (found.base_url, found.api_key, found.load_s, found.pid) == (url, "k", 0.5, 7)
    assert waits == [1]


def test_a_failed_load_is_said_as_it_is(answering, weights):
    """Trying again in the kernel would fail as well, and take as long."""
    answering(b'{"error": "The model any.gguf did not load.", "hint": "Fetch it again."}\n')
    with pytest.raises(ModelUnavailable) as caught:
        ask(weights)
    assert (caught.value.message, caught.value.hint) == (
        "The model any.gguf did not load.",
        "Fetch it again.",
    )


def test_a_cancel_hangs_up(answering, weights):
    """That is how the server hears of it."""
    cancelled, heard = threading.Event(), []
    answering(b'{"loading": true}\n', then=lambda c: heard.append(c.recv(1)))
    with pytest.raises(ModelUnavailable, match="cancelled"):
        ask(weights, cancelled, loading=cancelled.set)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_an_error(said):
    """Garbage raises what `ask` takes for a refusal, and nothing else."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        with suppress(OSError, ValueError):
            assert isinstance(shared.receive(ours, 5.0), dict)


def question(offer, weights, **other):
    """What the offer says to one line; empty when it hangs up."""
    line = {"version": __version__, "token": offer._token, "path": str(weights)} | other
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(offer.address)
        connection.settimeout(10)
        connection.sendall(json.dumps(line).encode() + b"\n")
        try:
            return connection.recv(4096)
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize(
    "other",
    [
        {"token": ""},
        {"token": "wrong"},
        {"token": "\u00e9"},
        {"token": None},
        {"version": "0.0.0"},
        {"path": "/nowhere/any.gguf"},
        {"path": None},
        {"path": "a\0b"},
    ],
)
def test_who_may_not_ask_is_hung_up_on(other, offer, weights):
    """No reason is given: the kernel needs none, and nobody else gets one."""
    assert question(offer, weights, **other) == b""


def test_a_server_without_the_engine_leaves_it_to_the_kernel(offer, weights, monkeypatch):
    """The kernel's environment may have the extra that the server's has not."""
    monkeypatch.setattr(offering, "find_spec", lambda name: None)
    assert question(offer, weights) == b""


def test_bad_questions_do_not_end_the_offer(offer, weights):
    """One connection's trouble is its own."""
    for said in (b"", b"\n", b"[]\n", b"\xff\n", b"{}\n"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(offer.address)
            connection.sendall(said)
    assert question(offer, weights, token="wrong") == b""


def test_only_its_owner_reaches_the_socket(offer):
    """Others on this machine are kept out by the folder."""
    assert stat.S_IMODE(Path(offer.address).parent.stat().st_mode) == 0o700


def test_the_token_is_new_each_time_and_in_no_repr(offer):
    """It is in the environment, and nowhere else."""
    other = Offer()
    offer.publish()
    try:
        assert os.environ[shared.TOKEN] == offer._token != other._token
        assert offer._token not in repr(offer)
        assert os.environ[shared.ADDRESS] == offer.address
    finally:
        other.close()
    assert os.environ[shared.TOKEN] == offer._token


def test_closing_leaves_nothing(offer):
    """No variable, no file, nobody who listens."""
    offer.publish()
    offer.close()
    assert shared.ADDRESS not in os.environ
    assert shared.TOKEN not in os.environ
    assert not Path(offer.address).parent.exists()


def test_a_server_starts_with_little():
    """Nothing of the model's, nothing of httpx: what a start costs is two small modules."""
    code = (
        "import sys; from ipyllm.server.offer import Offer; Offer().close();"
        "print(*sorted(name for name in sys.modules if name.split('.')[0] in"
        " ('ipyllm', 'httpx', 'IPython', 'anywidget', 'msgspec', 'asyncio')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [
        *("ipyllm", "ipyllm._version", "ipyllm.errors", "ipyllm.local", "ipyllm.local.shared"),
        *("ipyllm.server", "ipyllm.server.offer"),
    ]
