"""Lets so many gradings of this machine build and start at a time, whichever processes they run in."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from grader import paths
from grader.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE_S = 3600.0


@contextlib.contextmanager
def slot(places: int) -> Iterator[None]:
    """Hold one of the machine's `places` while the block runs; who dies gives it back."""
    folder = paths.cache() / "starting"
    folder.mkdir(exist_ok=True)
    held = eventually(lambda: _free(places), within=_PATIENCE_S, every=0.2, what="a place to start in")
    try:
        yield
    finally:
        os.close(held[0])


def _free(places: int) -> tuple[int] | None:
    """Return the open file of a place that was free, which keeps it until it is closed."""
    for place in range(places):
        descriptor = os.open(paths.cache() / "starting" / str(place), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
        else:
            return (descriptor,)
    return None
