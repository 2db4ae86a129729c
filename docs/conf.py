"""The documents as a site: `python3 dev.py docs`. Needs no network, no key and no weights."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
CASSETTES = ROOT / "notebooks" / "cassettes"
COPIES = DOCS / "notebooks"  # Sphinx reads nothing above its own folder
# As GitHub reads a link, and as the site does.
LINKS = {
    "](../notebooks/": "](notebooks/",
    "](../bench/RESULTS.md": "](results.md",
    "](../CONTRIBUTING.md": "](contributing.md",
    "](docs/": "](",
    "](bench/RESULTS.md": "](results.md",
}

sys.path.insert(0, str(ROOT / "src"))
os.environ["PYTHONPATH"] = os.pathsep.join((str(ROOT / "src"), os.environ.get("PYTHONPATH", "")))
os.environ |= {
    "IPYLLM_CASSETTES": str(CASSETTES),
    "IPYLLM_CASSETTES_MODE": "replay",
    "IPYLLM_CASSETTES_SPEED": "0",
}

from ipyllm import __version__  # noqa: E402 - found by the path above

project = "ipyllm"
author = "the ipyllm contributors"
copyright = author  # noqa: A001 - Sphinx's name
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "notebooks/cassettes", "**.ipynb_checkpoints"]
default_role = "code"  # docstrings are plain text: `name`
nitpicky = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

nb_execution_mode = "cache" if CASSETTES.is_dir() else "off"
nb_execution_raise_on_error = True
nb_execution_timeout = 60
nb_merge_streams = True
suppress_warnings = [
    "mystnb.unknown_mime_type",  # our JSON, beside the HTML that is shown
    "misc.highlighting_failure",  # "..." in JSON, prose under %%llm
    "myst.duplicate_def",  # an answer's Markdown is read too, though its HTML is shown
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"ipyllm {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    _copy_notebooks()
    app.connect("source-read", _relink)
    app.connect("autodoc-process-docstring", _without_the_modules)


def _copy_notebooks() -> None:
    shutil.rmtree(COPIES, ignore_errors=True)
    without = shutil.ignore_patterns("cassettes", ".*", "__pycache__")
    shutil.copytree(ROOT / "notebooks", COPIES, ignore=without)
    for copy in COPIES.glob("*.ipynb"):  # what nbval skips, and nbclient: a cell that needs a page
        text = copy.read_text("utf-8").replace('"nbval-skip"', '"skip-execution"')
        copy.write_text(text, encoding="utf-8")


def _relink(_app: Sphinx, _name: str, source: list[Any]) -> None:
    for there, here in LINKS.items():
        source[0] = source[0].replace(there, here)


def _without_the_modules(_app: Sphinx, what: str, *more: Any) -> None:
    """What a module says at its head is for those who read its code."""
    if what == "module":
        more[-1].clear()
