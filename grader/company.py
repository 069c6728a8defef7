"""Gradings of this machine, whichever processes they run in: who is beside whom, and how one gets to be alone.

A grading is beside others by a shared lock, and alone by an exclusive one. Whoever wants to be alone keeps the gate
shut meanwhile, so that it waits for those who are inside and not for those who come.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from grader import locks, paths

if TYPE_CHECKING:
    from collections.abc import Iterator

_GATE = "gradings.gate"
# Runnable threads a processor from which on a machine counts as busy with more than one grading.
_BUSY = 1.5


class Company:
    """One grading among those of this machine. `shared` makes one."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def busy(self) -> bool:
        """Say whether another grading runs here now, or the machine has more to do than it can."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # A conversion that fails may have lost what it had.
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
            return True
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        return os.getloadavg()[0] > _BUSY * (os.cpu_count() or 1)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let all others end what they do, and nobody begin, while the block runs."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # two that want to be alone must not wait for each other
        try:
            with locks.exclusive(_GATE):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
                yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Count no longer: what still runs here (a stack that a student looks at) disturbs nobody's start."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)


@contextlib.contextmanager
def shared() -> Iterator[Company]:
    """Be one of this machine's gradings while the block runs; waits while another one is alone."""
    folder = paths.cache() / "locks"
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder / "gradings", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with locks.exclusive(_GATE):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield Company(descriptor)
    finally:
        os.close(descriptor)
