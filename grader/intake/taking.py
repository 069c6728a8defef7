"""Take a submission in, whatever it was handed in as; after a refusal nothing is left."""

from __future__ import annotations

import shutil
from pathlib import Path

from grader.errors import UsageError
from grader.intake import archive, folder, git
from grader.intake.limits import LIMITS, CopyLimits
from grader.intake.tree import Tree
from grader.model.text import msg
from grader.model.workspace import Workspace


def take(source: Path | str, into: Path, *, limits: CopyLimits = LIMITS) -> Workspace:
    """Copy the submission at `source` into the new or empty folder `into` and return the clean copy.

    source: a folder, an archive (zip, tar, also compressed), a git bundle, or an https address of a git repository.
    Raises UsageError if there is nothing at `source`, or `into` is not empty or lies within it,
    SubmissionRefusedError with every reason why the submission cannot be taken, GraderError if the machine fails.
    """
    url = git.address(source)
    path = Path(source)
    if url is None:
        _check_call(path, into)
    fresh = not into.exists()
    if not fresh and any(into.iterdir()):
        raise UsageError(msg("%(path)s is there already and not empty", path=str(into)))
    into.mkdir(parents=True, exist_ok=True)
    tree = Tree(into, limits)
    try:
        name = git.clone_url(url, tree) if url is not None else _read(path, tree)
        root = tree.finish()
    except BaseException:
        _empty(into, remove=fresh)
        raise
    return Workspace(root=str(root.resolve()), name=name or "submission", findings=tuple(tree.remarks.notices))


def _check_call(source: Path, into: Path) -> None:
    if not source.exists():
        raise UsageError(msg("There is no submission at %(path)s.", path=str(source)))
    if source.is_dir() and into.resolve().is_relative_to(source.resolve()):
        raise UsageError(msg("The copy cannot lie inside of the submission (%(path)s).", path=str(into)))


def _read(source: Path, tree: Tree) -> str:
    """Hand the submission to `tree` and return its name."""
    if source.is_dir():
        source = source.resolve()
        folder.read(source, tree)
        return source.name
    found = archive.kind(source)
    if found is None:
        archive.refuse(source, tree)
    elif found == "bundle":
        git.read_bundle(source, tree)
    else:
        archive.read(source, found, tree)
    return archive.stem(source.name)


def _empty(into: Path, *, remove: bool) -> None:
    if remove:
        shutil.rmtree(into, ignore_errors=True)
        return
    for entry in into.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
