"""
Ask everything these notebooks ask once more, and keep the answers: cassettes and outputs.

    python notebooks/record.py            quickstart, and every notebook with a number but 08
    python notebooks/record.py 01 05      these

Needs the embedded model (`ipyllm fetch-model`). Read the difference before it is committed: a
tiny model may have said something else.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from ipyllm.local import weights

HERE = Path(__file__).resolve().parent
CASSETTES = HERE / "cassettes"
QUICKSTART = HERE / "quickstart.ipynb"
PORT = re.compile(r"127\.0\.0\.1:\d+")


def execute(path: Path, *, mode: str) -> None:
    """Run a notebook; what its cells gave is kept in it, but for the quickstart: that is to be run."""
    book: Any = nbformat.read(path, as_version=4)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("IPYLLM_")}
    environ |= {
        "IPYLLM_CASSETTES": str(CASSETTES),
        "IPYLLM_CASSETTES_MODE": mode,
        "IPYLLM_CASSETTES_SPEED": "1",
    }
    folder = {"metadata": {"path": str(HERE)}}
    NotebookClient(book, timeout=120, resources=folder).execute(env=environ)
    if path == QUICKSTART:
        return
    for cell in book.cells:
        cell.metadata.pop("execution", None)  # when each cell ran, to the microsecond
    book.metadata = {
        "kernelspec": book.metadata["kernelspec"],
        "language_info": {"name": "python"},
    }
    nbformat.write(book, path)


def scrub(file: Path) -> None:
    """Take out what belongs to this machine: its folders, the port."""
    path = weights.find()
    text = PORT.sub("127.0.0.1:8080", file.read_text("utf-8"))
    for folder in (path.parent, path.resolve().parent):
        text = text.replace(f"{folder}/", "").replace(f"{folder}/".replace("/", "\\\\/"), "")
    file.write_text(text, "utf-8")


def main(wanted: list[str]) -> None:
    books = [
        path
        for path in [*sorted(HERE.glob("0*-*.ipynb")), QUICKSTART]
        if (path.name[:2] in wanted or not wanted) and not path.name.startswith("08")
    ]
    before = {file: file.stat().st_mtime_ns for file in CASSETTES.glob("*.jsonl")}
    CASSETTES.mkdir(exist_ok=True)
    for path in books:
        execute(path, mode="record")
    files = {file: file.stat().st_mtime_ns for file in CASSETTES.glob("*.jsonl")}
    for file in files:
        scrub(file)
    if not wanted:  # every notebook was asked: what none of them wrote, none of them needs
        for file in (file for file, when in files.items() if before.get(file) == when):
            file.unlink()
    for path in books:
        execute(path, mode="replay")


if __name__ == "__main__":
    main(sys.argv[1:])
