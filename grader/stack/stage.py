"""Stage folders: what Compose is given lies in one folder a stack, which dies with the process that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader import paths, scratch

if TYPE_CHECKING:
    from pathlib import Path


def new_stage() -> Path:
    """Make an empty stage folder of this process under the cache and return it."""
    runs = paths.cache() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    return scratch.make("run", runs)
