"""Names of the user's own for models."""

from __future__ import annotations

import pytest

from ipyllm.errors import UsageError
from ipyllm.magic.alias_command import alias_command
from ipyllm.providers import aliases
from ipyllm.request import Request
from ipyllm.run.source import source_for
from ipyllm.transport.limits import Limits


@pytest.fixture(autouse=True)
def _none(monkeypatch):
    monkeypatch.setattr(aliases, "_aliases", {})


def test_a_name_stands_for_a_model():
    """For `-m`, and for a second name."""
    assert alias_command("fast llamacpp/tiny") == "fast is llamacpp/tiny"
    assert alias_command("quick fast") == "quick is llamacpp/tiny"
    source = source_for("quick", Request("", ()), Limits())
    assert source.model == "llamacpp/tiny"
    assert alias_command("") == "fast   llamacpp/tiny\nquick  llamacpp/tiny"


def test_it_is_taken_back():
    """What was made of it stays."""
    alias_command("fast llamacpp/tiny")
    assert alias_command("fast off") == "fast is forgotten"
    assert alias_command("") == "no aliases"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("openai llamacpp/x", "'openai' is a provider's name"),
        ("local llamacpp/x", "'local' is a provider's name"),
        ("a/b llamacpp/x", "'a/b' cannot be an alias"),
        ("fast", "Write: %llm alias NAME PROVIDER/MODEL."),
        ("gone off", "There is no alias 'gone'. Known: none."),
    ],
)
def test_what_cannot_be_one_is_said(words, said):
    """In one sentence."""
    with pytest.raises(UsageError, match=said):
        alias_command(words)
