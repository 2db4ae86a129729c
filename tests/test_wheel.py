"""The one wheel: what `pip install ipyllm` brings into a Jupyter, and that nothing is left of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SOURCES = (
    *("pyproject.toml", "hatch_build.py", "README.md", "CHANGELOG.md", "LICENSE"),
    *("jupyter-config", "js", "src"),
)
# What `jupyter labextension` and `jupyter server extension` run.
LABEXTENSION = "jupyterlab.labextensions"
SERVER_EXTENSION = "jupyter_server.extension.serverextension"
# Would make Python, pip or Jupyter look elsewhere than into the new environment.
FOREIGN = ("JUPYTER", "JPY_", "PIP_", "PYTHON", "VIRTUAL_ENV", "CONDA", "IPYLLM", "XDG_")


@dataclass
class Environment:
    """A venv that has what this one has, ipyllm not, and an empty HOME."""

    prefix: Path
    home: Path

    def run(self, *command: str) -> str:
        """Give all that a module said, `python -m ...`, on stdout and on stderr."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        home = {"HOME": str(self.home), "USERPROFILE": str(self.home), "NO_COLOR": "1"}
        ran = subprocess.run(
            [str(self._scripts / "python"), "-m", *command],
            env=environ | home | {"PATH": f"{self._scripts}{os.pathsep}{os.environ['PATH']}"},
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    def pip(self, *words: str) -> None:
        self.run("pip", "--disable-pip-version-check", "--no-input", *words)

    def files(self) -> set[str]:
        """Every file in it, bytecode too; not what it borrowed."""
        found = (path for path in self.prefix.rglob("*") if path.is_file())
        return {str(path.relative_to(self.prefix)) for path in found}

    @property
    def _scripts(self) -> Path:
        return self.prefix / ("Scripts" if os.name == "nt" else "bin")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it as pip does, from a copy of the tree and with the front end that was built before."""
    import hatch_build

    if not hatch_build.is_fresh():
        pytest.fail("the front end is not built from its sources: python3 dev.py build")
    tree = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        copy(ROOT / name, tree / name)
    out = tree / "wheels"
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*build, str(out)], cwd=tree, check=True, capture_output=True, text=True)
    (made,) = out.iterdir()
    return made


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    made = Environment(tmp_path / "venv", tmp_path / "home")
    made.home.mkdir()
    venv.create(made.prefix, symlinks=os.name != "nt")
    borrow(tmp_path / "borrowed", made.prefix)
    return made


def test_what_is_installed_works_with_no_further_step_and_leaves_nothing(environment, wheel):
    """Both extensions are enabled and OK in their lists; after use, uninstalled, no file of it is left."""
    before = environment.files()
    environment.pip("install", "--no-deps", "--no-index", str(wheel))
    came = environment.files() - before
    assert_listed(environment.run(LABEXTENSION, "list"), " ipyllm ")
    assert_listed(environment.run(SERVER_EXTENSION, "list"), "ipyllm.server")
    assert environment.run("ipyllm", "--help").startswith("usage: ipyllm")
    place = "share/jupyter/labextensions/ipyllm"
    package = json.loads((environment.prefix / place / "package.json").read_text("utf-8"))
    assert f"{place}/{package['jupyterlab']['_build']['load']}" in came
    assert "etc/jupyter/jupyter_server_config.d/ipyllm.json" in came
    used = environment.files() - before
    environment.pip("uninstall", "--yes", "ipyllm")
    assert environment.files() == before, sorted(used)
    assert list(environment.home.rglob("ipyllm*")) == []


def assert_listed(said: str, name: str) -> None:
    """As `jupyter labextension list` and `jupyter server extension list` mark what works."""
    (line, *more) = [line for line in said.splitlines() if name in line]
    assert "enabled" in line, said
    assert "OK" in "".join([line, *more]), said
    assert "disabled" not in line, said


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        unwanted = shutil.ignore_patterns("node_modules", "__pycache__", "*.pyc")
        shutil.copytree(source, target, ignore=unwanted)
    else:
        shutil.copy(source, target)


def borrow(folder: Path, prefix: Path) -> None:
    """Have it import what this environment has, and find its JupyterLab; of ipyllm nothing."""
    packages = Path(sysconfig.get_path("purelib"))
    folder.mkdir()
    for path in packages.iterdir():
        if "ipyllm" not in path.name and path.suffix != ".pth":
            (folder / path.name).symlink_to(path)
    its = Path(sysconfig.get_path("purelib", vars={"base": str(prefix)}))
    (its / "borrowed.pth").write_text(f"{folder}\n")
    # Which JupyterLab that is, extensions are checked against.
    app = Path("share", "jupyter", "lab", "static", "package.json")
    (prefix / app).parent.mkdir(parents=True)
    shutil.copy(Path(sys.prefix) / app, prefix / app)
