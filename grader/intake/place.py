"""The folder that a copy is made in: new or empty before, and so again if the copy fails."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from typing import TYPE_CHECKING

from grader.errors import UsageError
from grader.model.text import msg
from grader.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def clean_place(into: Path) -> Iterator[None]:
    """Make the new or empty folder `into`; whatever raises within leaves it as it was, not made or empty.

    Raises UsageError if it is not empty or cannot be made.
    """
    made = _missing(into)
    ours = False
    try:
        _make(into)
        ours = True
        yield
    except BaseException:
        if ours:
            empty(into)
        for created in made:  # the innermost first, and only what is empty
            with contextlib.suppress(OSError):
                created.rmdir()
        raise


def empty(into: Path) -> None:
    """Remove all that lies in a folder, as far as it can be removed."""
    for entry in into.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _missing(into: Path) -> list[Path]:
    """Return the folders that will have to be made for `into`, the innermost first."""
    found = []
    while not os.path.lexists(into):
        found.append(into)
        into = into.parent
    return found


def _make(into: Path) -> None:
    try:
        into.mkdir(parents=True, exist_ok=True)
        filled = any(into.iterdir())
        if not os.access(into, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise UsageError(
            msg("The copy cannot lie in %(path)s: %(why)s.", path=one_line(str(into)), why=why or str(error))
        ) from error
    if filled:
        raise UsageError(msg("%(path)s is there already and not empty", path=one_line(str(into))))
