"""Finding the weights: each way they can be wrong has one line that says what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ipyllm.errors import ModelUnavailable
from ipyllm.local.weights import DEMO, Weights, cache_dir, find

TINY = Weights("tiny", "1", "tiny.gguf", download=100, size=8, sha256="")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYLLM_CACHE", str(tmp_path))
    return tmp_path


def test_whole_demo_weights_are_found(cache):
    (cache / "tiny.gguf").write_bytes(b"GGUF1234")
    assert cache / "tiny.gguf" == find(weights=TINY)


def test_missing_demo_weights_name_the_command(cache):
    with pytest.raises(ModelUnavailable) as caught:
        find()
    assert caught.value.hint == "Run: ipyllm fetch-model"
    assert "SmolLM2-135M-Instruct (98 MB) is not on this machine yet" in caught.value.message
    assert str(cache) in caught.value.message


@pytest.mark.parametrize(
    "content, words",
    [
        (b"GGUF", "4 of 8 bytes"),
        (b"", "0 of 8 bytes"),
        (b"GGUF12345", "9 of 8 bytes"),
        (b"<html>..", "does not begin like a .gguf file"),
    ],
)
def test_damaged_demo_weights_say_what_was_seen(cache, content, words):
    (cache / "tiny.gguf").write_bytes(content)
    with pytest.raises(ModelUnavailable) as caught:
        find(weights=TINY)
    assert words in caught.value.message
    assert caught.value.hint == "Run: ipyllm fetch-model"


def test_a_file_of_the_users_is_taken_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "own.gguf").write_bytes(b"GGUF and more")
    for home in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(home, str(tmp_path))
    assert tmp_path / "own.gguf" == find(str(tmp_path / "own.gguf"))
    assert tmp_path / "own.gguf" == find("~/own.gguf")


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("absent.gguf", None, "There is no model file"),
        (".", None, "is a folder"),
        ("page.gguf", b"<html>", "(6 bytes) is damaged or not a model"),
        ("empty.gguf", b"", "(0 bytes) is damaged or not a model"),
    ],
)
def test_a_wrong_file_of_the_users_is_one_line(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelUnavailable) as caught:
        find(str(tmp_path / name))
    assert words in caught.value.message
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_cache_dir_prefers_our_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYLLM_CACHE", str(tmp_path / "ours"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "ours"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG is for the others")
def test_cache_dir_follows_xdg_and_ignores_a_relative_one(tmp_path, monkeypatch):
    monkeypatch.delenv("IPYLLM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "ipyllm"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_dir() == Path.home() / ".cache" / "ipyllm"


def test_needed_space_covers_pips_second_copy_and_the_unpacked_file():
    assert DEMO.needed == DEMO.download + DEMO.size
    assert TINY.needed == 200
