"""Temporary folders and files that carry their owner in their names: what a killed process has left is known by it.

No other module makes temporary things that have a name.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from grader import paths
from grader.owners import Owner

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"\.?grader-[a-z]+-(?P<host>[0-9a-f]{12})-(?P<pid>\d{1,9})-(?P<started>\d{1,12}\.\d\d)-[0-9a-f]{8}")
# What earlier versions of the grader left in the cache, under names that tell no owner.
_FORMER = ("bootstrap-*", "grader-*", "runs/*")
_FORMER_S = 24 * 3600.0


def name(what: str) -> str:
    """Return a new name that says what something is (small letters) and that this process made it."""
    own = Owner.current()
    return f"grader-{what}-{own.host}-{own.pid}-{own.started:.2f}-{secrets.token_hex(4)}"


def make(what: str, where: Path | None = None) -> Path:
    """Make an empty folder that only this user can enter, in the folder for temporary things or `where`."""
    made = (where or Path(tempfile.gettempdir())) / name(what)
    made.mkdir(mode=0o700)
    return made


@contextlib.contextmanager
def folder(what: str, where: Path | None = None) -> Iterator[Path]:
    """Make such a folder for the block, and remove it with all that is in it."""
    made = make(what, where)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def sweep(*, everything: bool = False) -> list[str]:
    """Remove what processes that died have left; return the paths.

    everything: what living ones use too, but for our own. Other users' things stay in any case.
    """
    cache = paths.cache()
    removed = [path for where in _places(cache) for path in sweep_in(where, everything=everything)]
    for pattern in _FORMER:
        removed += [str(path) for path in sorted(cache.glob(pattern)) if _former(path, everything) and _remove(path)]
    return removed


def sweep_in(where: Path, *, everything: bool = False) -> list[str]:
    """Do so in one folder, which others may write to."""
    removed = []
    with contextlib.suppress(OSError):
        for path in sorted(where.iterdir()):
            owner = _owner(path)
            if owner and (owner.dead() or (everything and owner != Owner.current())) and _ours(path) and _remove(path):
                removed.append(str(path))
    return removed


def _places(cache: Path) -> list[Path]:
    return list(dict.fromkeys((Path(tempfile.gettempdir()), cache, cache / "runs")))


def _owner(path: Path) -> Owner | None:
    found = _NAME.fullmatch(path.name)
    return Owner(found["host"], int(found["pid"]), float(found["started"])) if found else None


def _ours(path: Path) -> bool:
    """Say whether it is this user's: in a folder that all may write to, a name says nothing."""
    with contextlib.suppress(OSError):
        return path.lstat().st_uid == os.geteuid()
    return False


def _former(path: Path, everything: bool) -> bool:
    with contextlib.suppress(OSError):
        return not _owner(path) and _ours(path) and (everything or time.time() - path.lstat().st_mtime > _FORMER_S)
    return False


def _remove(path: Path) -> bool:
    """Remove a folder or file as far as that can be done; say whether it is gone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return not path.exists()
