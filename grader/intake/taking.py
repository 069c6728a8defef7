"""Take a submission in, whatever it was handed in as; after a refusal nothing is left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from grader import scratch
from grader.errors import GraderError, UsageError
from grader.intake import archive, folder, git, names
from grader.intake.limits import LIMITS, CopyLimits
from grader.intake.place import clean_place, empty
from grader.intake.tree import Tree
from grader.model.text import msg
from grader.model.workspace import Workspace
from grader.untrusted import one_line

if TYPE_CHECKING:
    from grader.intake.survey import Find


def take(source: Path | str, into: Path, *, limits: CopyLimits = LIMITS, find: Find | None = None) -> Workspace:
    """Copy the submission at `source` into the new or empty folder `into` and return the clean copy.

    source: a folder, an archive (zip, tar, also compressed), a git bundle, or an https address of a git repository. A
    folder or archive that holds nothing but one archive stands for that one. find: returns of a folder with a
    submission's names and compose files which of its folders hold old data of a container; they begin empty.
    Raises UsageError if there is nothing at `source` that can be opened, or `into` is not empty, cannot be made or
    lies within the submission, SubmissionRefusedError with every reason why it cannot be taken, GraderError if the
    machine fails.
    """
    url = git.address(source)
    path = Path(source)
    if url is None:
        _check_call(path, into)
    with clean_place(into):
        tree = Tree(into, limits, find)
        name = git.clone_url(url, tree) if url is not None else _read(path, tree)
        root = tree.finish()
        inner = archive.only(root)
        if inner:
            tree, root = _unwrap(inner, tree)
    return Workspace(root=str(root.resolve()), name=name or "submission", findings=tuple(tree.remarks.notices))


def _check_call(source: Path, into: Path) -> None:
    try:
        source.stat()
        if source.is_dir() and into.resolve().is_relative_to(source.resolve()):
            raise UsageError(msg("The copy cannot lie inside of the submission (%(path)s).", path=one_line(str(into))))
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise UsageError(msg("There is no submission at %(path)s.", path=one_line(str(source)))) from error
    except (OSError, RuntimeError) as error:  # no permission, a loop of links
        why = error.strerror if isinstance(error, OSError) else None
        raise UsageError(
            msg("%(path)s cannot be read: %(why)s.", path=one_line(str(source)), why=why or str(error))
        ) from error


def _read(source: Path, tree: Tree) -> str:
    """Hand the submission to `tree` and return its name."""
    try:
        return _opened(source, tree)
    except OSError as error:
        raise GraderError(
            msg("%(path)s cannot be read: %(why)s.", path=names.shown(source.name), why=error.strerror or str(error))
        ) from error


def _opened(source: Path, tree: Tree) -> str:
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


def _unwrap(inner: Path, tree: Tree) -> tuple[Tree, Path]:
    """Take the only archive within what was handed in (course platforms wrap one so); what lies in it stays packed."""
    with scratch.folder("inner") as aside:
        packed = aside / inner.name
        shutil.move(inner, packed)
        empty(tree.into)
        fresh = tree.anew()
        if not tree.chosen:
            fresh.remarks.notice(
                "archive-entered", msg("The submission lies in the only file, %(file)s.", file=inner.name), inner.name
            )
        _read(packed, fresh)
        return fresh, fresh.finish()
