"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ipyllm
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


def test_every_document_is_in_the_site_s_tables_of_contents():
    """Else the site does not build."""
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text("utf-8").splitlines()
    assert [path.name for path in docs.glob("*.md") if path.stem not in [*index, "index"]] == []


def test_every_public_name_is_in_the_reference():
    reference = (ROOT / "docs" / "api.md").read_text("utf-8")
    names = [name for name in ipyllm.__all__ if not name.startswith("_")]
    hooks = {"load_ipython_extension", "unload_ipython_extension"}
    assert [name for name in names if f":: {name}\n" not in reference and name not in hooks] == []


def test_links_between_documents_lead_somewhere():
    """On GitHub; the site checks its own."""
    links = re.compile(r"\]\(([\w./-]+\.(?:md|ipynb|png))(?:#[\w-]+)?\)")
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    found = [(path, link) for path in documents for link in links.findall(path.read_text("utf-8"))]
    assert len(found) > 30
    assert [link for path, link in found if not (path.parent / link).is_file()] == []
