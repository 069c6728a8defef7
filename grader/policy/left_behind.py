"""Folders that a container left behind: what is bound where a broker or a database keeps its data.

At home such a folder belongs to the container's user and holds the data of an earlier run. Neither can be carried to
another machine (RabbitMQ refuses a cookie that others may read, PostgreSQL a cluster of another user), so it begins
empty, as it did when the student started the program first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grader.errors import SubmissionRefusedError
from grader.model.findings import Finding
from grader.model.text import msg
from grader.model.workspace import LeftBehind, Workspace
from grader.policy.data_folders import data_folders
from grader.policy.judge import read

if TYPE_CHECKING:
    from pathlib import Path

    from grader.policy.data_folders import DataFolder
    from grader.policy.scope import Catalogue


def left_behind(root: Path, catalogue: Catalogue) -> tuple[LeftBehind, ...]:
    """Return the folders below `root` (a submission, or as much of it as its compose files name) that hold old data.

    What is wrong with the submission is not said: `judge` says it.
    """
    try:
        judgement = read(Workspace(root=str(root), name=""), None, catalogue)
    except SubmissionRefusedError:
        return ()
    found: dict[str, LeftBehind] = {}
    services = {name: one for name, (one, _) in judgement.services.items()}
    folders = list(data_folders(judgement.project, services))
    data = {folder.path for folder in folders}
    for folder in folders:
        lies = judgement.project.root / folder.path
        if not lies.exists() or lies.is_symlink():
            continue
        first = found.get(str(folder.path))
        if first is None:
            first = found[str(folder.path)] = _said(folder)
        kept = {*first.kept, *(str(path) for path in folder.kept if path not in data)}
        found[str(folder.path)] = msgspec.structs.replace(first, kept=tuple(sorted(kept)))
    return tuple(found.values())


def _said(folder: DataFolder) -> LeftBehind:
    finding = Finding(
        code="data-left-behind",
        severity="notice",
        file=str(folder.path),
        path=f"services.{folder.service}.volumes",
        message=msg(
            "%(folder)s is where %(service)s keeps its data (%(target)s): %(service)s begins without what an earlier "
            "run left there.",
            folder=str(folder.path), service=folder.service, target=folder.target,
        ),
    )  # fmt: skip
    return LeftBehind(path=str(folder.path), finding=finding)
