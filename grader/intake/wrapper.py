"""The folder that wraps a submission: archives and exports like to add one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.intake import names

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path, PurePosixPath


def enter_wrapper(root: Path, links_to_come: Collection[PurePosixPath]) -> Path:
    """Return the single folder that wraps the submission, or `root`."""
    into = root
    while True:
        entries = list(root.iterdir())
        beside = any(root == into / link.parent for link in links_to_come)
        if len(entries) != 1 or beside or not entries[0].is_dir() or entries[0].is_symlink():
            return root
        if any((root / name).exists() for name in names.COMPOSE_FILES):
            return root
        root = entries[0]
