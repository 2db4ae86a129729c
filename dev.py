#!/usr/bin/env python3
"""
Everything a contributor runs. Needs Python >= 3.10 and nothing else.

    python3 dev.py demo             set up, open JupyterLab on notebooks/quickstart.ipynb
    python3 dev.py demo --check     set up, run that notebook without a browser: text, TTFT, rate
    python3 dev.py test             set up, lint, types and every test
    python3 dev.py test ARGS...     set up, pytest with these arguments and nothing else
    python3 dev.py check            set up, format, lint and types
    python3 dev.py docs             set up, the documentation as pages in docs/_build/html
    python3 dev.py build            set up, a wheel with the built front end in dist/
    python3 dev.py bench ARGS...    set up, bench/run.py with these arguments

Set-up is .venv and, for tests, .venv-ipykernel6. A step whose inputs have not changed since it
last succeeded is skipped. To start over, remove the two folders.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import hatch_build as front_end

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
KERNEL6 = ROOT / ".venv-ipykernel6"
QUICKSTART = ROOT / "notebooks" / "quickstart.ipynb"
# Notebooks are read from recordings: no network, no weights, the same each time. nbval's kernels run in
# the notebooks' own folder, so the path is whole.
CASSETTES = {
    "IPYLLM_CASSETTES": str(ROOT / "notebooks" / "cassettes"),
    "IPYLLM_CASSETTES_MODE": "replay",
    "IPYLLM_CASSETTES_SPEED": "0",
}
BROWSER = "tests/browser"
DEBIAN_BROWSER = ("chromium", "chromium-headless-shell")
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
# Each would make the venvs' Python, pip or Jupyter look elsewhere than into the venvs.
FOREIGN = ("CONDA", "JUPYTER", "PIP_PREFIX", "PIP_TARGET", "PIP_USER", "VIRTUAL_ENV")
FOREIGN += ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONWARNINGS")


class SetupError(Exception):
    """Set-up cannot go on; one line that says what failed."""


def binary(name: str, venv: Path = VENV) -> str:
    return str(venv / "Scripts" / f"{name}.exe" if os.name == "nt" else venv / "bin" / name)


def run(*command: str, **env: str) -> int:
    """Run a program in the repo root, with these variables besides, and give its exit code."""
    print("$", " ".join(command).replace(f"{ROOT}{os.sep}", ""), flush=True)
    given = {**os.environ, **env}
    done = subprocess.run(command, cwd=ROOT, env=given, stdin=subprocess.DEVNULL, check=False)
    return done.returncode


def need(*command: str) -> None:
    """Run a program that set-up cannot go on without."""
    if code := run(*command):
        raise SetupError(f"exit code {code} from: {' '.join(command)}")


def once(venv: Path, name: str, inputs: bytes, *command: str) -> None:
    """Run a program, unless it has succeeded for this venv with the same inputs."""
    digest = hashlib.sha256(inputs + "\0".join(command).encode()).hexdigest()
    stamp = venv / ".dev" / name
    if not stamp.is_file() or stamp.read_text() != digest:
        need(*command)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest)


def make_venv(venv: Path) -> None:
    # Made anew for another Python: a venv's Python is a link to the one that made it.
    python = sys.version.encode()
    once(venv, "venv", python, sys.executable, "-m", "venv", "--clear", str(venv))


def pip_install(venv: Path, name: str, *what: str) -> None:
    # What an editable install depends on; the modules themselves are read where they lie.
    inputs = b"".join((ROOT / file).read_bytes() for file in ("pyproject.toml", "hatch_build.py"))
    pip = (binary("python", venv), "-m", "pip", "install", "-qq", "--no-input")
    once(venv, name, inputs, *pip, *what)


def set_up() -> None:
    make_venv(VENV)
    if not front_end.machine_node():
        pip_install(VENV, "node", front_end.NODE_WHEEL)
        packages = "Lib/site-packages" if os.name == "nt" else "lib/python3*/site-packages"
        sys.path += map(str, VENV.glob(packages))  # where front_end.npm finds it
    front_end.build()
    pip_install(VENV, "package", "-e", f"{ROOT}[local,dev]")
    link_labextension()


def link_labextension() -> None:
    """Have JupyterLab read the extension where it is built: an editable install copies it once."""
    link = VENV / "share" / "jupyter" / "labextensions" / "ipyllm"
    built = front_end.LABEXTENSION / "dist"
    if link.is_symlink():
        return
    shutil.rmtree(link, ignore_errors=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    if os.name == "nt":  # where links need a right of their own
        shutil.copytree(built, link)
    else:
        link.symlink_to(built, target_is_directory=True)


def set_up_tests() -> None:
    front_end.install_packages()
    front_end.install_packages(front_end.LABEXTENSION)
    make_venv(KERNEL6)
    pip_install(KERNEL6, "package", "-e", str(ROOT), "ipykernel==6.31.*")
    if all(map(shutil.which, DEBIAN_BROWSER)):
        return
    if Path("/etc/debian_version").exists() and AS_ROOT:
        need("apt-get", "-q", "update")
        need("apt-get", "-q", "install", "-y", *DEBIAN_BROWSER)
    elif not shutil.which("chromium"):
        once(VENV, "browser", b"", binary("playwright"), "install", "chromium")


def checks() -> dict[str, Callable[[], int]]:
    return {
        "ruff format": lambda: run(binary("ruff"), "format", "--check", "."),
        "ruff check": lambda: run(binary("ruff"), "check", "."),
        "pyright": lambda: run(binary("pyright")),
        "import-linter": lambda: run(binary("lint-imports")),
        "tsc and biome": lambda: front_end.npm("run", "check"),
        "labextension": lambda: front_end.npm("run", "check", cwd=front_end.LABEXTENSION),
    }


@contextmanager
def beside(command: str) -> Generator[Callable[[], int]]:
    """Run another command of this file meanwhile; gives what waits for it and prints all it said."""
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(
            (sys.executable, __file__, command),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )

        def finish() -> int:
            code = running.wait()
            said.seek(0)
            print(said.read().decode(errors="replace"), flush=True)
            return code

        try:
            yield finish
        finally:
            running.kill()
            running.wait()


def tests(checked: Callable[[], int]) -> dict[str, Callable[[], int]]:
    pytest = (binary("python"), "-m", "pytest")
    # Cells build on the ones above, so they keep their order.
    nbval = ("--nbval", "--nbval-current-env", "-p", "no:randomly", "notebooks")
    return {
        # One core for these, the other for the checks: 30 s less.
        "vitest": lambda: front_end.npm("test"),
        "its vitest": lambda: front_end.npm("test", cwd=front_end.LABEXTENSION),
        "checks": checked,
        "nbval": lambda: run(*pytest, *nbval, **CASSETTES),
        # Two at once, but for pages: two browsers on two cores wait for each other.
        "pytest": lambda: run(*pytest, "-n", "2", "--dist", "loadfile", "--ignore", BROWSER),
        "browser": lambda: run(*pytest, BROWSER),
    }


def run_all(jobs: dict[str, Callable[[], int]]) -> int:
    """Run every job, also after a failure; then say which failed."""
    report: list[str] = []
    failed = 0
    for name, job in jobs.items():
        print(f"\n=== {name}", flush=True)
        start = time.monotonic()
        code = job()
        failed += code != 0
        report.append(f"{'FAILED' if code else 'ok':8}{name:16}{time.monotonic() - start:6.1f} s")
    print("", *report, f"{len(jobs) - failed} passed, {failed} failed", sep="\n", flush=True)
    return min(failed, 1)


def demo() -> int:
    as_root = ["--allow-root"] if AS_ROOT else []
    lab = subprocess.Popen([binary("jupyter"), "lab", *as_root, str(QUICKSTART)], cwd=ROOT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for JupyterLab, which asks first
    return lab.wait()


def demo_check() -> int:
    """Run the quickstart's cells in a real kernel; 0 only if real text came."""
    with tempfile.TemporaryDirectory() as folder:
        convert = ("nbconvert", "--to", "notebook", "--execute", "--output-dir", folder)
        need(binary("jupyter"), *convert, str(QUICKSTART))
        executed = json.loads((Path(folder) / QUICKSTART.name).read_text(encoding="utf-8"))
    outputs = (output for cell in executed["cells"] for output in cell.get("outputs", []))
    answers = [output for output in outputs if "ipyllm" in output.get("metadata", {})]
    texts = ["".join(answer["data"]["text/markdown"]) for answer in answers]
    timings = [answer["metadata"]["ipyllm"] for answer in answers]
    for text, timing in zip(texts, timings, strict=True):
        print(f"\n{text}\n\nTTFT {timing['ttft']:.3f} s, {timing['decode_rate']:.1f} tokens/s")
    return 0 if texts and all(map(str.strip, texts)) else 1


def main(command: str, *args: str) -> int:
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    os.environ["PATH"] = os.pathsep.join((str(Path(binary("python")).parent), os.environ["PATH"]))
    os.environ.update(IPYLLM_KERNEL6=binary("python", KERNEL6), JUPYTER_PREFER_ENV_PATH="1")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    set_up()
    if command not in {"check", "build", "docs"}:
        need(binary("ipyllm"), "fetch-model")  # quick where the model is already there
    match command:
        case "demo":
            return demo_check() if args else demo()
        case "test":
            set_up_tests()
            if args:
                return run(binary("python"), "-m", "pytest", *args)
            with beside("check") as checked:
                return run_all(tests(checked))
        case "check":
            front_end.install_packages()
            front_end.install_packages(front_end.LABEXTENSION)
            return run_all(checks())
        case "docs":
            pip_install(VENV, "docs", "-e", f"{ROOT}[docs]")
            sphinx = (binary("python"), "-m", "sphinx", "-W", "--keep-going", "-q")
            return run(*sphinx, "docs", "docs/_build/html")
        case "build":
            return run(binary("pip"), "wheel", "--no-deps", "--wheel-dir", "dist", ".")
        case _:
            return run(binary("python"), str(ROOT / "bench" / "run.py"), *args)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["test" | "bench", *_] | ["demo" | "check" | "docs" | "build"] | ["demo", "--check"]:
            try:
                sys.exit(main(*sys.argv[1:]))
            except (SetupError, front_end.FrontEndError) as error:
                sys.exit(f"dev.py: {error}")
        case _:
            sys.exit(__doc__)
