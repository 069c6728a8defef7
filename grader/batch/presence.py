"""Who of those that were there is gone: one look that misses somebody proves nothing, a second one later does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

APART_S = 1.0


class Presence:
    """Remembers since when each one has been missed; clock: seconds that only go forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._missed: dict[str, float] = {}

    def gone(self, known: Collection[str], there: Collection[str]) -> list[str]:
        """Return who of `known` is gone, after a look that found those of `there`."""
        now = self._clock()
        self._missed = {name: self._missed.get(name, now) for name in known if name not in there}
        return [name for name, since in self._missed.items() if now - since >= APART_S]
