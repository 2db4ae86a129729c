"""A machine on which no provider has a key, and none answers."""

from __future__ import annotations

import pytest
from mock_server import refused_port

from ipyllm.local import weights
from ipyllm.providers import PROVIDERS
from ipyllm.providers.registry import _VARIABLE


@pytest.fixture
def nothing_set(monkeypatch, tmp_path):
    base = f"http://127.0.0.1:{refused_port()}/v1"
    for provider in PROVIDERS:
        for name in (*provider.key_env, *_VARIABLE.findall(provider.base_url)):
            monkeypatch.delenv(name, raising=False)
        if provider.base_env:
            monkeypatch.setenv(provider.base_env, base)
    monkeypatch.delenv("IPYLLM_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "find", lambda *_: tmp_path)
