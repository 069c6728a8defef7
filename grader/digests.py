"""What a verdict depends on, as hashes: the grader's decisive files, an assignment's, any folder's."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

from grader import installed, paths

if TYPE_CHECKING:
    from pathlib import Path


def of_tree(*folders: Path, pattern: str = "*", without: str = "") -> str:
    """Return the SHA-256 of names and contents of the files below the folders that match `pattern`.

    Byte code aside, and files that are called `without`.
    """
    whole = hashlib.sha256()
    for folder in folders:
        files = (p for p in folder.rglob(pattern) if p.is_file() and p.name != without)
        for file in sorted(p for p in files if "__pycache__" not in p.parts):
            content = file.read_bytes()
            whole.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


# What comes before a grading begins or after its verdict is known
_UNDECISIVE = (
    "batch",
    "cli",
    "exports",
    "github",
    "kit",
    "locale",
    "presentation",
    "reports",
    "templates",
    "verify",
    "watch",
)


@functools.cache
def of_grader() -> str:
    """Return the hash of what decides in this package, and in those that bring a room.

    Commands, words and templates change no verdict.
    """
    parts = sorted(p for p in paths.PACKAGE.iterdir() if p.name not in {*_UNDECISIVE, "__pycache__"})
    folders = [p for p in parts if p.is_dir()]
    modules = [p.name + "\0" + p.read_text("utf-8") for p in parts if p.suffix == ".py"]
    folders += [folder for package in installed.packages() if (folder := package.folder())]
    return of_texts(of_tree(*folders, pattern="*.py"), of_tree(*folders, pattern="*.yaml"), *modules)


def of_checks(directory: Path, version: str) -> str:
    """Return the hash of an assignment's checks: their code, and the version that stands for its contract."""
    return of_texts(of_tree(directory, pattern="*.py"), version)


def of_rubric(directory: Path, version: str) -> str:
    """Return the hash of an assignment's checks together with points and limits (`assignment.yaml`)."""
    return of_texts(of_checks(directory, version), (directory / "assignment.yaml").read_text("utf-8"))


def of_texts(*texts: str) -> str:
    """Return one hash of several texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
