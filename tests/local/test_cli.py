"""The commands, run as a user runs them; pip is real, its index is a socket of ours."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ipyllm import cli

SOURCE = Path(cli.__file__).parents[1]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def environ(cache, port, retries="0"):
    return os.environ | {
        "IPYLLM_CACHE": str(cache),
        "PYTHONPATH": str(SOURCE),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_RETRIES": retries,
    }


# What runs in the background of a shell ignores SIGINT, and so would the command.
FETCH = """
import signal, sys
from ipyllm.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(["fetch-model"]))
"""


def start(env):
    return subprocess.Popen(
        [sys.executable, "-c", FETCH],
        env=env,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def index():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        yield listener


def test_version_is_one_line(capsys):
    assert cli.main(["version"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_no_command_shows_the_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main([])
    assert caught.value.code == 2
    assert "usage: ipyllm" in capsys.readouterr().err


def test_help_names_the_commands(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    assert "fetch-model" in capsys.readouterr().out


def test_import_brings_nothing_heavy():
    code = (
        "import sys, ipyllm.cli; "
        "print({'httpx', 'IPython', 'subprocess', 'zipfile', 'asyncio'} & set(sys.modules))"
    )
    env = os.environ | {"PYTHONPATH": str(SOURCE)}
    said = subprocess.check_output([sys.executable, "-c", code], env=env, text=True)
    assert said.strip() == "set()"


@pytest.mark.skipif(sys.platform == "win32", reason="no process group to interrupt")
def test_interrupt_is_one_line_and_exit_130(tmp_path, index):
    with start(environ(tmp_path, index.getsockname()[1])) as process:
        connection, _ = index.accept()  # pip asks, and gets no answer
        with connection:
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=30)
    lines = [line for line in err.splitlines() if "fetching" not in line]
    assert (process.returncode, lines, out) == (
        130,
        ["ipyllm: interrupted, nothing was left behind"],
        "",
    )
    assert not any(tmp_path.iterdir())


def test_no_connection_is_one_line_and_exit_1(tmp_path, index):
    port = index.getsockname()[1]
    index.close()
    with start(environ(tmp_path, port, retries="1")) as process:
        _, err = process.communicate(timeout=60)
    lines = [line for line in err.splitlines() if "fetching" not in line]
    assert process.returncode == 1
    assert len(lines) == 1, err
    assert "no connection to the package index" in lines[0]
    assert str(port) not in lines[0]


def test_a_terminal_gets_a_bar():
    out = Terminal()
    progress = cli._Progress(out)
    for done in (0, 1, 50, 100):
        progress.show(done * 1_000_000, 100_000_000)
    progress.close()
    last = out.getvalue().split("\r")[-1]
    assert last == f"[{'#' * 30}] 100 %  100 of 100 MB\n"


def test_a_log_gets_five_lines():
    out = io.StringIO()
    progress = cli._Progress(out)
    for done in range(101):
        progress.show(done * 1_000_000, 100_000_000)
    progress.close()
    assert [line.split()[3] for line in out.getvalue().splitlines()] == [
        "0", "25", "50", "75", "100",
    ]  # fmt: skip
