"""The distributions as they are handed out, built and installed away from the checkout: fixtures, a pytest plug-in."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest

from grader import process
from tests.pages import ROOT

_BIN = "Scripts" if os.name == "nt" else "bin"
# Runs in every Python of the environment, also in those that the grader starts, before any of its code.
_AUDIT = """
import os
import sys

def _look(event, arguments):
    if event in {{"open", "os.listdir", "os.scandir"}} and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith({root!r}) and not path.startswith({lent!r}):
            os.write(_log, (path + "\\n").encode())

_log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
sys.addaudithook(_look)
"""


class Installed(NamedTuple):
    """A fresh environment with the wheel in it.

    programs: the folder of `grader` and `python`. reads: a file that its Pythons write each file and folder of the
    checkout into that they look at, other than the lent dependencies.
    """

    programs: Path
    reads: Path

    @property
    def grader(self) -> str:
        """The program that the wheel installs."""
        return str(self.programs / "grader")

    @property
    def python(self) -> str:
        """Its Python."""
        return str(self.programs / Path(sys.executable).name)

    def environment(self, cache: Path) -> dict[str, str]:
        """Return a user's environment: nothing that this one says to the grader or to Python, a cache of its own."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GRADER_", "PYTHON"))}
        return {**kept, "GRADER_CACHE": str(cache)}


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of wheel and source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    process.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        deadline_s=120, env=None, cwd=ROOT, check=True,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """Return the wheel."""
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel by pip into an environment of its own.

    Its dependencies are lent by this environment (no index is asked in a test): a line in a .pth file puts them behind
    the wheel's own files, and does not run this environment's own .pth files, so that the checkout is not on the path.
    """
    folder = tmp_path_factory.mktemp("fresh")
    for argv in (
        [sys.executable, "-m", "venv", "--without-pip", str(folder)],
        [sys.executable, "-m", "pip", "--python", str(folder), "install", "-q", "--no-deps", "--no-index", str(wheel)],
    ):
        process.run(argv, deadline_s=120, env=None, check=True)
    (packages,) = (p for p in folder.rglob("site-packages") if not p.is_symlink() and "lib64" not in p.parts)
    lent = sysconfig.get_path("purelib")
    (packages / "lent.pth").write_text(lent + "\n")
    reads = folder / "reads.log"
    (packages / "audited.py").write_text(_AUDIT.format(root=str(ROOT) + os.sep, lent=lent, log=str(reads)))
    (packages / "audited.pth").write_text("import audited\n")
    return Installed(folder / _BIN, reads)
