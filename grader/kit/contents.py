"""What a kit consists of: the students' part of an assignment, and a repository to begin with."""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING

from grader import paths
from grader._version import __version__
from grader.errors import UsageError
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grader.model.assignment import Assignment

# The same list decides what a wheel holds (scripts/wheel_contents.py, which cannot import this).
PARTS = ("assignment.yaml", "README.md", "conftest.py", "subject.py", "reasons.yaml", "locale", "public", "starter")
REPOSITORY = "repository"
WORKFLOW = paths.PACKAGE / "templates" / "github" / "workflow.yml"
_LEFT_OUT = frozenset({"__pycache__", "node_modules", ".git", "grader-report", ".pytest_cache"})
_INTRODUCTION = Path(__file__).with_name("introduction.md")


def contents(assignment: Assignment, workflow: Path = WORKFLOW) -> dict[str, bytes]:
    """Return the kit's files, path in the kit → content. Raises UsageError for a link among the assignment's files.

    `<id>/` is an assignment as `--assignments` reads it; `repository/` is what a student's repository begins with. The
    CI workflow is in it where the grader brings one.
    """
    directory = Path(assignment.directory)
    found = {f"{assignment.id}/{name}": data for part in PARTS for name, data in _files(directory, directory / part)}
    requirements = f"broker-grader=={__version__}\n".encode()
    found["README.md"] = _introduction(assignment)
    found["requirements.txt"] = requirements
    found |= {f"{REPOSITORY}/{name}": data for name, data in _files(directory / "starter", directory / "starter")}
    found[f"{REPOSITORY}/README.md"] = (directory / "README.md").read_bytes()
    found[f"{REPOSITORY}/grader.yaml"] = f"assignment: {assignment.id}\n".encode()
    found[f"{REPOSITORY}/requirements.txt"] = requirements
    if workflow.is_file():
        found[f"{REPOSITORY}/.github/workflows/grader.yml"] = workflow.read_bytes()
    return found


def _files(root: Path, part: Path) -> Iterator[tuple[str, bytes]]:
    """Yield path below `root` and content of a file, or of all files of a folder; a missing part yields nothing."""
    for path in [part] if part.is_file() else sorted(part.rglob("*")):
        if _LEFT_OUT & set(path.relative_to(root).parts):
            continue
        if path.is_symlink():  # it would be followed to wherever it leads
            raise UsageError(
                msg("%(file)s is a link; a kit holds files only. Put a copy in its place.", file=str(path))
            )
        if path.is_file():
            yield path.relative_to(root).as_posix(), path.read_bytes()


def _introduction(assignment: Assignment) -> bytes:
    words = string.Template(_INTRODUCTION.read_text("utf-8"))
    return words.substitute(
        id=assignment.id, version=__version__, es=assignment.title.es, en=assignment.title.en
    ).encode()
