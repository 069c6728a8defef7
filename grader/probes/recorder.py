"""The live History: probes and faults append to it from any thread, checks wait on it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

from grader.model.history import Event, History
from grader.polling import Deadline, DeadlineError, pause

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
BREATH_S = 0.01


class Recorder:
    """A thread-safe, append-only log of events on one clock (seconds since the stack's start)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._events: list[Event] = []
        self._changed = threading.Condition()

    def note(self, source: str, kind: str, *, subject: str = "", actor: str = "", **data: Any) -> Event:
        """Append one event that happens now."""
        with self._changed:
            event = Event(at=self.clock(), source=source, kind=kind, subject=subject, actor=actor, data=data)
            self._events.append(event)
            self._changed.notify_all()
            return event

    def history(self, since: float = 0.0) -> History:
        """Return what was recorded at or after `since` (seconds on the stack's clock)."""
        with self._changed:
            return History(tuple(e for e in self._events if e.at >= since))

    def wait_for(
        self,
        probe: Callable[[History], T | None],
        *,
        within: float,
        what: str,
        since: float = 0.0,
        at_least: float = 0.5,
    ) -> T:
        """Wait until `probe` of the History returns something other than None or False.

        It is asked again soon after each new event, and every `at_least` seconds. Raises `polling.DeadlineError`.
        """
        deadline = Deadline(within)
        while True:
            with self._changed:
                seen = len(self._events)
            found = probe(self.history(since))
            if found is not None and found is not False:
                return found
            if deadline.passed():
                raise DeadlineError(what, within, found)
            with self._changed:
                if len(self._events) == seen:
                    self._changed.wait(min(deadline.left(), at_least))
            pause(BREATH_S)  # a flood of events is looked at in gulps, not drop by drop
