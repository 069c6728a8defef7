"""Clones as git makes them, as far as they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SHA = "0123456789abcdef0123456789abcdef01234567"


def clone(folder: Path, address: str) -> Path:
    """Make a clone of `address` whose branch main is at SHA."""
    git = folder / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "config").write_text(
        '[core]\n\tbare = false\n[remote "fork"]\n\turl = https://github.com/x/y\n'
        f'[remote "origin"]\n\turl = {address}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
        '[branch "main"]\n\tremote = origin\n'
    )
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs" / "heads" / "main").write_text(f"{SHA}\n")
    return folder
