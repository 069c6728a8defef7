"""The History: everything that the probes saw and the grader did, in one order on one clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened.

    at: seconds since the stack's start on the grader's clock. source: who saw it. kind: what happened, in the field's
    terms:
      grader: "fault", "healed" (each noted when it begins, before what it causes), "note";
      docker: "started", "died", "paused", "unpaused", "out-of-memory";
      any other source belongs to a room, which says what its kinds are (`grader.brokers.source`).
    subject: the message's or task's id ("" if none). actor: the container or service concerned. data: details, JSON.
    """

    at: float
    source: str
    kind: str
    subject: str = ""
    actor: str = ""
    data: dict[str, Any] = {}


class History(msgspec.Struct, frozen=True):
    """An immutable stretch of events, oldest first; oracles are functions over it."""

    events: tuple[Event, ...] = ()

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def of(self, kind: str, **data: Any) -> History:
        """Keep the events of one kind whose data has all the values given."""
        return self.where(lambda e: e.kind == kind and all(e.data.get(k) == v for k, v in data.items()))

    def about(self, *subjects: str) -> History:
        """Keep the events of these subjects."""
        wanted = set(subjects)
        return self.where(lambda e: e.subject in wanted)

    def between(self, begin: float, end: float = float("inf")) -> History:
        """Keep the events with begin <= at <= end (seconds since the stack's start)."""
        return self.where(lambda e: begin <= e.at <= end)

    def where(self, wanted: Callable[[Event], bool]) -> History:
        """Keep the events that `wanted` accepts."""
        return History(tuple(e for e in self.events if wanted(e)))

    def subjects(self) -> tuple[str, ...]:
        """Return the distinct subjects in the order of their first event."""
        return tuple(dict.fromkeys(e.subject for e in self.events if e.subject))
