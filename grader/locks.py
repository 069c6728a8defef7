"""One at a time, among the threads and processes of this machine's user: locks that whoever dies gives back."""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

from grader import paths

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Hold the lock of that name while the block runs; waits for as long as somebody else holds it."""
    folder = paths.cache() / "locks"
    folder.mkdir(exist_ok=True)
    with (folder / name.replace("/", "_").replace(":", "_")).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # a lock of its own for every open file, so it holds between threads too
        yield
