"""Small files of a student's `.git`, read as what they are: git is not run in a folder that a student filled."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read(clone: Path, name: str, most: int, *, end: bool = False) -> bytes:
    """Return the first `most` bytes of `.git/<name>`, or the last ones; b"" for what is none or cannot be read.

    What is reached through a link is none: it would lead to wherever the student liked.
    """
    file = clone / ".git" / name
    steps = [file, *file.parents]
    try:
        if any(step.is_symlink() for step in steps[: steps.index(clone)]):
            return b""
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            if end:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - most))
            return stream.read(most)
    except OSError:  # not there, a pipe, a folder
        return b""
