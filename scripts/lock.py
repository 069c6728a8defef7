"""Writes the locks of requirements/ anew from pyproject.toml: `make lock`, with uv of the environment it runs in.

What is pinned stays as it is while it fits; `--upgrade` takes the newest of everything, `--upgrade-package` of one
package. All locks are written, or none.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from grader import process

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
_DEADLINE_S = 900.0
# What the file of each lock holds, in this order: run.lock is held to the versions of dev.lock, which the tests see.
LOCKS = {
    "dev.lock": ("pyproject.toml", "--extra", "batch", "--group", "dev"),
    "run.lock": ("pyproject.toml", "--extra", "batch", "--constraints", "{dev.lock}"),
    "compose.lock": ("--group", "compose"),
}
# For all platforms and Pythons at once, and without a word on where the packages came from on this machine.
_HOW = ("--universal", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--quiet")
_PIN = re.compile(r"^([a-z0-9][a-z0-9-]*)==([^\s;]+)", re.MULTILINE)


class LockError(Exception):
    """The locks could not be written; they are as they were."""


def pins(text: str) -> dict[str, str]:
    """Return name -> version of a lock; a package that has several, by marker, has them all: "1.0, 2.0"."""
    found: dict[str, list[str]] = {}
    for name, version in _PIN.findall(text):
        found.setdefault(name, []).append(version)
    return {name: ", ".join(versions) for name, versions in found.items()}


def changes(before: str, after: str) -> str:
    """Return in a few words what is different."""
    old, new = pins(before), pins(after)
    words = [f"+ {name} {new[name]}" for name in new if name not in old]
    words += [f"- {name} {old[name]}" for name in old if name not in new]
    words += [f"{name} {old[name]} -> {new[name]}" for name in new if old.get(name, new[name]) != new[name]]
    return "; ".join(words) or ("as it was" if before == after else "the same versions, other hashes or markers")


def lowest_python() -> str:
    """Return the oldest Python that the project runs on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["requires-python"]).removeprefix(">=")


def compiled(folder: Path, options: list[str]) -> dict[str, str]:
    """Let uv write every lock in `folder`, where the present ones lie already, and return them."""
    found = {}
    for name, sources in LOCKS.items():
        path = folder / name
        said = [str(folder / part[1:-1]) if part.startswith("{") else part for part in sources]
        argv = [sys.executable, "-m", "uv", "pip", "compile", *said, *_HOW, "--python-version", lowest_python()]
        done = process.run([*argv, *options, "--output-file", str(path)], deadline_s=_DEADLINE_S, env=None, cwd=ROOT)
        if done.returncode != 0:
            raise LockError(f"{name}: {done.output.strip() or 'uv did not end in time'}")
        found[name] = path.read_text("utf-8")
        if address := re.search(r".*://.*", found[name]):
            raise LockError(f"{name}: a lock names no address: {address[0].strip()}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write the locks and say what has changed; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="the newest version of everything")
    parser.add_argument("--upgrade-package", metavar="NAME", action="append", default=[], help="of one package (again)")
    asked = parser.parse_args(arguments)
    options = ["--upgrade"] if asked.upgrade else []
    options += [f"--upgrade-package={name}" for name in asked.upgrade_package]
    before = {name: (FOLDER / name).read_text("utf-8") if (FOLDER / name).is_file() else "" for name in LOCKS}
    with tempfile.TemporaryDirectory() as made:
        for name, text in before.items():
            (Path(made) / name).write_text(text, "utf-8")
        try:
            after = compiled(Path(made), options)
        except LockError as error:
            print(error, file=sys.stderr)
            return 3
        for name, text in after.items():
            print(f"requirements/{name}: {changes(before[name], text)}")
            if text != before[name]:
                shutil.copyfile(Path(made) / name, FOLDER / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
