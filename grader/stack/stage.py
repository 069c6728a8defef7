"""Stage folders: what Compose is given lies in one folder a stack, which dies with the process that made it."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from grader import paths
from grader.stack.labels import Owner

_OWNER_FILE = "owner"
# A folder without an owner file is being made right now, unless it is older than this.
_UNOWNED_S = 3600.0


def new_stage() -> Path:
    """Make an empty stage folder of this process under the cache and return it."""
    owner = Owner.current()
    runs = paths.cache() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{owner.run}-", dir=runs))
    own(folder, owner)
    return folder


def own(folder: Path, owner: Owner) -> None:
    """Make the folder if missing, close it to other users, and write whose it is."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / _OWNER_FILE).write_text(owner.label(), "utf-8")


def reap_stages(*, everything: bool = False) -> list[str]:
    """Remove the stage folders of dead processes (all but our own with `everything`); return their paths."""
    runs = paths.cache() / "runs"
    removed = []
    for folder in sorted(runs.iterdir()) if runs.is_dir() else []:
        if _abandoned(folder, everything=everything):
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(str(folder))
    return removed


def _abandoned(folder: Path, *, everything: bool) -> bool:
    try:
        owner = Owner.parse((folder / _OWNER_FILE).read_text("utf-8"))
        if owner is None:
            return everything or time.time() - folder.stat().st_mtime > _UNOWNED_S
    except FileNotFoundError:
        try:
            return everything or time.time() - folder.stat().st_mtime > _UNOWNED_S
        except FileNotFoundError:
            return False
    except OSError:
        return False
    return owner.dead() or (everything and owner != Owner.current())
