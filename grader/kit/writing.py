"""Writes a kit, whole and proven, or not at all."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from grader import scratch
from grader._version import __version__
from grader.errors import UsageError
from grader.kit.confidential import gather
from grader.kit.contents import WORKFLOW, contents
from grader.kit.proof import LeakError, leaks
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from grader.model.assignment import Assignment


class Kit(msgspec.Struct, frozen=True, kw_only=True):
    """A kit that was written. files: paths in it. compared: how many files it has been compared with.

    unproven: the rubric has hidden checks, but they do not lie here, so that there was nothing to compare with.
    """

    assignment: str
    version: str
    folder: str
    files: tuple[str, ...]
    compared: int
    unproven: bool
    workflow: bool


def write(assignment: Assignment, folder: Path, workflow: Path = WORKFLOW) -> Kit:
    """Write the kit into `folder`, which is new or empty.

    Raises LeakError when it would hold what students may not have, UsageError when it cannot be written there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(msg("%(path)s is there already and not empty", path=str(folder)))
    folder = folder.absolute()
    secret = gather(assignment)
    files = contents(assignment, workflow)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # beside its place, so that it can be moved there in one step
        scratch.sweep_in(folder.parent)
        with scratch.folder("kit", folder.parent) as aside:
            staged = aside / "kit"
            _lay(staged, files)
            if found := leaks(_read(staged), secret):
                raise LeakError(found)
            if folder.exists():
                folder.rmdir()
            shutil.move(staged, folder)
    except OSError as error:
        raise UsageError(
            msg("The kit cannot be written to %(path)s: %(error)s", path=str(folder), error=str(error))
        ) from error
    return Kit(
        assignment=assignment.id,
        version=__version__,
        folder=str(folder),
        files=tuple(sorted(files)),
        compared=len(secret.files),
        unproven=not secret.hidden and any(c.visibility == "hidden" for c in assignment.checks),
        workflow=workflow.is_file(),
    )


def _lay(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _read(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
