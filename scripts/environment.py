"""Makes the virtual environment .venv, from what is locked, unless it is there as the locks have it now.

Runs on the Python that the machine has, without any package. A run that is killed leaves a mark, by which the next one
knows that it has to begin anew: nobody can tell a package that was half written from a whole one.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from grader.i18n import default_language, translations  # noqa: E402 - the checkout's, which is not installed yet

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = ROOT / ".setup" / "venv"
UNFINISHED = ROOT / ".setup" / "venv-unfinished"
COMPILED = ROOT / ".setup" / "catalogues"
MADE_FROM = ("requirements/dev.lock", "pyproject.toml")
NEW_ENOUGH = (3, 11)
_ = translations(default_language()).gettext


def main() -> int:
    """Return the exit code."""
    if sys.platform == "win32":
        print(
            _("Set-up runs in WSL 2, not on Windows itself: open a WSL 2 distribution and run the same command there.")
        )
        return 3
    if sys.version_info < NEW_ENOUGH:
        print(
            _("Python 3.11 or newer is needed. Install it, or name it: make PYTHON=/path/to/python3"), file=sys.stderr
        )
        return 3
    STAMP.parent.mkdir(exist_ok=True)
    with (STAMP.parent / "lock").open("w") as lock:
        _wait_for(lock)
        return _make(lock)


def _wait_for(lock: TextIO) -> None:
    """Let another set-up of this checkout end first, also one whose make was killed while pip goes on."""
    import fcntl  # noqa: PLC0415 - Windows has none, and has been told above where to go on

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(_("Another set-up is at work here; waiting for it"), flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def _make(lock: TextIO) -> int:
    """Make what is missing; children hold the lock too, for as long as they live."""
    wanted = hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in MADE_FROM)).hexdigest()[:16]
    fits = STAMP.is_file() and STAMP.read_text("utf-8").strip() == wanted
    if UNFINISHED.exists() or not _runs():
        shutil.rmtree(VENV, ignore_errors=True)
        fits = False
    if fits:
        return _compile()
    print("== " + _("Python environment in %(folder)s (a minute)") % {"folder": VENV.name}, flush=True)
    UNFINISHED.touch()
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = [
        [*pip, "--require-hashes", "-r", "requirements/dev.lock"],
        [*pip, "--no-deps", "-e", "."],
    ]
    if not PYTHON.exists():
        steps.insert(0, [sys.executable, "-m", "venv", str(VENV)])
    for argv in steps:
        done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, check=False, pass_fds=(lock.fileno(),))
        if done.returncode != 0:
            print(_("This step of the set-up failed: %(command)s") % {"command": " ".join(argv)}, file=sys.stderr)
            print(_("Mend what it says above and run the same command again."), file=sys.stderr)
            print(_("Where venv or ensurepip is missing: sudo apt-get install python3-venv"), file=sys.stderr)
            return done.returncode if done.returncode > 0 else 3
    STAMP.write_text(wanted + "\n", "utf-8")
    UNFINISHED.unlink()
    return _compile()


def _compile() -> int:
    """Compile the translations that have changed, or were never compiled; return the exit code."""
    files = sorted(
        file for top in ("grader", "assignments") for file in (ROOT / top).rglob("locale/*/LC_MESSAGES/*.po")
    )
    said = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
    there = all(file.with_suffix(".mo").is_file() for file in files)
    if there and COMPILED.is_file() and COMPILED.read_text("utf-8").strip() == said:
        return 0
    done = subprocess.run([str(PYTHON), "scripts/i18n", "compile"], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        COMPILED.write_text(said + "\n", "utf-8")
    return done.returncode


def _runs() -> bool:
    """Say whether the environment's Python still runs: the one that it was made from may have been replaced."""
    check = f"import sys; sys.exit(sys.version_info < {NEW_ENOUGH})"
    try:
        return subprocess.run([str(PYTHON), "-c", check], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
