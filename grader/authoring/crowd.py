"""Many requests at the same moment, and requests that a lever of ours holds up."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

T = TypeVar("T")


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make all calls at the same time, and return their results in the calls' order."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


@contextlib.contextmanager
def held_up(calls: Sequence[Callable[[], T]], *, by: AbstractContextManager[object]) -> Iterator[list[Future[T]]]:
    """Make all calls at the same time while a lever holds, which is let go when the block ends: then all come back."""
    with ThreadPoolExecutor(len(calls)) as pool, by:
        yield [pool.submit(call) for call in calls]
