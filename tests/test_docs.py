"""The documents say what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipyllm.dialects import APIS
from ipyllm.providers import PROVIDERS

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_every_provider_is_in_the_table(provider):
    """With its address and its variables."""
    lines = (ROOT / "docs" / "providers.md").read_text("utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(f"| `{provider.name}/…`")]
    for said in (provider.base_url, provider.base_env, provider.dialect, *provider.key_env):
        assert said in line


def test_every_api_that_can_be_decoded_is_named():
    """In README, where people look for the name to give."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [api for api in APIS if api != "messages" and api not in readme] == []
