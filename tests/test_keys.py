"""Where a key comes from, and how it stays unseen."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from ipyllm import keys
from ipyllm.keys import Key, find_key

NAME = "IPYLLM_TEST_KEY"
OTHER = "IPYLLM_TEST_KEY_2"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    """No key of the machine the tests run on gets in."""
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(OTHER, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def env_file(tmp_path):
    """Give a function that writes `.env`."""
    return lambda text: (tmp_path / ".env").write_bytes(text.encode("utf-8"))


def test_no_key_anywhere():
    """None, not an empty key."""
    assert find_key((NAME,)) is None
    assert find_key(()) is None


def test_the_environment_comes_first(monkeypatch, env_file):
    """`.env` never wins over a variable that is set."""
    env_file(f"{NAME}=file")
    assert find_key((NAME,)) == Key(NAME, "file")
    monkeypatch.setenv(NAME, " env ")
    assert find_key((NAME,)) == Key(NAME, "env")


def test_the_first_name_with_a_value_wins(monkeypatch):
    """An empty variable is not set."""
    monkeypatch.setenv(NAME, "  ")
    monkeypatch.setenv(OTHER, "two")
    assert find_key((NAME, OTHER)) == Key(OTHER, "two")


LINES = {
    "plain": (f"{NAME}=v", "v"),
    "spaces": (f"  {NAME} = v  ", "v"),
    "export": (f"export {NAME}=v", "v"),
    "double quotes": (f'{NAME}="a b" # c', "a b"),
    "single quotes": (f"{NAME}='a # b'", "a # b"),
    "comment after it": (f"{NAME}=v # why", "v"),
    "a hash inside": (f"{NAME}=v#1", "v#1"),
    "an equals sign inside": (f"{NAME}=v=1==", "v=1=="),
    "an unclosed quote": (f'{NAME}="v', '"v'),
    "BOM": (f"\ufeff{NAME}=v", "v"),
    "CRLF": (f"A=1\r\n{NAME}=v\r\n", "v"),
    "the last one": (f"{NAME}=old\n{NAME}=v", "v"),
    "comment": (f"# {NAME}=v\n#{NAME}=v", None),
    "no value": (f"{NAME}=\n{NAME}", None),
    "another name": (f"X{NAME}=v", None),
}


@pytest.mark.parametrize("text, value", LINES.values(), ids=LINES)
def test_a_line_of_the_env_file(env_file, text, value):
    """What people write in `.env` is read as they mean it."""
    env_file(text)
    assert find_key((NAME,)) == (None if value is None else Key(NAME, value))


def test_a_folder_named_env_is_no_file(tmp_path):
    """A virtual environment named `.env` breaks nothing."""
    (tmp_path / ".env").mkdir()
    assert find_key((NAME,)) is None


def test_bytes_that_are_no_text_are_no_key(tmp_path):
    """Whatever lies in `.env`, it fails nothing."""
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00=\n" + NAME.encode() + b"=v")
    assert find_key((NAME,)) == Key(NAME, "v")


def test_the_keyring_is_asked_last(monkeypatch, env_file):
    """Where the package is installed, its entry `ipyllm` is looked up."""
    stored = {("ipyllm", NAME): "ring"}
    monkeypatch.setattr(keys.importlib.util, "find_spec", lambda name: name == "keyring" or None)
    monkeypatch.setitem(
        sys.modules, "keyring", SimpleNamespace(get_password=lambda *key: stored.get(key))
    )
    assert find_key((OTHER,)) is None
    assert find_key((NAME,)) == Key(NAME, "ring")
    env_file(f"{NAME}=file")
    assert find_key((NAME,)) == Key(NAME, "file")


def test_a_key_shows_only_its_name():
    """Neither repr nor str has the value."""
    key = Key(NAME, "sk-secret")
    assert "sk-secret" not in f"{key!r} {key}"
    assert NAME in repr(key)


def test_a_key_is_taken_out_of_foreign_text():
    """A service that echoes the key does not make us show it."""
    assert Key(NAME, "sk-123456").hide("bad key sk-123456, sk-123456!") == "bad key [key], [key]!"
    assert Key(NAME, "").hide("text") == "text"


def test_a_placeholder_key_leaves_words_whole():
    """Servers without keys are given "x" or "EMPTY"; hiding that would eat letters."""
    assert Key("K", "x").hide("context exceeded") == "context exceeded"
    assert Key("K", "sk-12345").hide("bad sk-12345!") == "bad [key]!"


def test_a_part_of_a_key_is_hidden_too():
    """A message that was cut to a length may end within the key."""
    key = Key("K", "sk-0123456789abcdef")
    assert key.hide("bad key sk-0123456789abc") == "bad key [key]"
    assert key.hide("sk-0123456789abcdef, sk-01234 and sk-0") == "[key], [key] and sk-0"
