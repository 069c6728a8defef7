"""The only caller of sleep: every wait is for something, and every wait has a deadline.

Times are seconds on the monotonic clock.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class DeadlineError(Exception):
    """What was awaited did not come true in time.

    what: the thing awaited; waited_s: for how long; last: the last value or exception that the probe gave.
    """

    def __init__(self, what: str, waited_s: float, last: object = None) -> None:
        super().__init__(f"{what}: not within {waited_s:.1f} s (last: {last!r})")
        self.what = what
        self.waited_s = waited_s
        self.last = last


class Deadline:
    """A moment in the future, `seconds` from now (`math.inf`: never)."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began = time.monotonic()

    def elapsed(self) -> float:
        """Return the seconds since the deadline was set."""
        return time.monotonic() - self._began

    def left(self) -> float:
        """Return the seconds left, never less than 0."""
        return max(0.0, self.seconds - self.elapsed())

    def passed(self) -> bool:
        """Say whether the moment has come."""
        return self.left() <= 0.0


def eventually(
    probe: Callable[[], T | None],
    *,
    within: float,
    every: float = 0.05,
    what: str,
    retry_on: tuple[type[Exception], ...] = (),
) -> T:
    """Call `probe` until it returns something true, and return that.

    The probe is called at least once, and once more at the deadline. Exceptions of `retry_on` count as "not yet",
    all others go up. Raises DeadlineError(what, waited_s, last).
    """
    deadline = Deadline(within)
    while True:
        final = deadline.passed()
        last: object
        try:
            value = probe()
        except retry_on as error:
            last = error
        else:
            if value:
                return value
            last = value
        if final:
            raise DeadlineError(what, deadline.elapsed(), last)
        time.sleep(min(every, deadline.left()))


def never(probe: Callable[[], T | None], *, for_: float, every: float = 0.05) -> T | None:
    """Watch for `for_` seconds that `probe` returns nothing true; return None, or at once what it did return."""
    deadline = Deadline(for_)
    while True:
        final = deadline.passed()
        value = probe()
        if value:
            return value
        if final:
            return None
        time.sleep(min(every, deadline.left()))


def quiet_for(
    count: Callable[[], int], *, quiet: float, within: float, every: float = 0.05, what: str = "nothing more to come"
) -> int:
    """Wait until `count` has kept one value for `quiet` seconds and return it; DeadlineError after `within`."""
    deadline = Deadline(within)
    value = count()
    still = Deadline(quiet)
    while not still.passed():
        if deadline.passed():
            raise DeadlineError(what, deadline.elapsed(), value)
        time.sleep(min(every, still.left()))
        current = count()
        if current != value:
            value, still = current, Deadline(quiet)
    return value


def pause(seconds: float) -> None:
    """Let a span of time pass that is itself what is wanted (a fault's settling time), not a guess at readiness."""
    if seconds > 0 and not math.isinf(seconds):
        time.sleep(seconds)
