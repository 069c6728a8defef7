"""Notices that time went by without us: a laptop slept, a virtual machine was moved, a process was stopped.

What was measured meanwhile says nothing: containers and brokers may have gone on, and every deadline has passed.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S = 1.0
# No machine is so busy that a thread which only waits comes so late; shorter ones no deadline of a check is hurt by.
LONG_S = 10.0
# Goes on while the machine sleeps, when Python's monotonic clock stands still.
if sys.platform == "linux":
    _ASLEEP = time.CLOCK_BOOTTIME
else:
    _ASLEEP = time.CLOCK_MONOTONIC


def clocks() -> tuple[float, ...]:
    """Return what goes on while a process is stopped, while a machine sleeps, while one is moved (set right later)."""
    return time.monotonic(), time.clock_gettime(_ASLEEP), time.time()


class Watch:
    """Watches for pauses from a thread until it is closed; a context manager.

    stood_s: how long we stood still so far, in seconds. on_pause: called from the thread after the first pause.
    """

    def __init__(
        self, on_pause: Callable[[], None] | None = None, clocks: Callable[[], tuple[float, ...]] = clocks
    ) -> None:
        self.stood_s = 0.0
        self._on_pause = on_pause
        self._clocks = clocks
        self._before = clocks()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()
        self.look()

    def look(self) -> bool:
        """Compare the clocks with the last look; say whether we stood still in between."""
        with self._lock:
            now = self._clocks()
            gap = max(after - before for before, after in zip(self._before, now, strict=True))
            self._before = now
            paused = gap > LONG_S
            if paused:
                self.stood_s += gap
            return paused

    def _run(self) -> None:
        while not self._closed.wait(TICK_S):
            if self.look() and self._on_pause:
                self._on_pause()
                self._on_pause = None


class Patience:
    """So many seconds of waiting in which we were awake; what we slept through does not count."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self.renew()

    def renew(self) -> None:
        """Begin anew."""
        self._waited = 0.0
        self._before = self._clock()

    def over(self) -> bool:
        """Say whether it has come to an end; to be asked again and again."""
        now = self._clock()
        self._waited += min(now - self._before, LONG_S)
        self._before = now
        return self._waited > self._seconds
