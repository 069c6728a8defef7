"""A consumer group as its checks see it: events of ours, the rows that they become, the group's state."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from grader import (
    KAFKA_ERRORS,
    POSTGRES_ERRORS,
    SCHEMA_ERRORS,
    Condition,
    Contract,
    Deadline,
    GroupSubject,
    Record,
    blocked,
    contract,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grader import Environment, Postgres


class Terms(Contract, frozen=True):
    """What the handout fixes; times are seconds."""

    topic: str
    group: str
    table: str
    takeover_s: float  # from the death of a member to the first effect on its partitions
    recovery_s: float  # after a broker or the database answers again
    lag_s: float
    stop_within_s: float


TERMS = contract(Terms)
TOPIC, GROUP, TABLE, SERVICE = TERMS.topic, TERMS.group, TERMS.table, "processor"
REPEATS = "events.repeat"
REPLICAS = 3
PROCESSED_S = 30
BEHIND_POISON_S = 45
SLACK_S = 15.0  # what a loaded machine may add to a bound of the contract
SETTLED_S = 40.0
MARKER_S = 12.0
NO_TABLE_YET = (*POSTGRES_ERRORS, *SCHEMA_ERRORS)


@dataclass
class Event:
    """An event of ours; where the broker put it is known once it is produced (offset -1: not yet)."""

    id: str
    user: str
    seq: int
    partition: int
    duration_ms: int = 0
    offset: int = -1

    @property
    def fields(self) -> dict[str, Any]:
        """The event as the contract has it."""
        return {"eventId": self.id, "userId": self.user, "seq": self.seq, "duration_ms": self.duration_ms}

    def record(self, **other: Any) -> Record:
        """Return the record that carries it, or one with other values in some fields: its user is the key."""
        return Record(self.user.encode(), json.dumps({**self.fields, **other}).encode(), self.partition)


@dataclass(frozen=True)
class Row:
    """A row of the table, as the submission wrote it."""

    user: str | None
    seq: int | None
    processed_by: str | None

    def __str__(self) -> str:
        """The row's values by their columns."""
        return f"user_id={self.user!r}, seq={self.seq!r}, processed_by={self.processed_by!r}"


class ConsumerGroup(GroupSubject):
    """The submission as a group of consumers: produce, wait for rows, look who has which partition."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment, topic=TOPIC, group=GROUP, service=SERVICE)
        self.postgres: Postgres = environment.postgres()
        self.sent: dict[str, Event] = {}
        self._seen: set[str] = set()

    # -- sending

    def events(self, word: str, count: int, partition: int, *, duration_ms: int = 0) -> list[Event]:
        """Make `count` events of one new user, who lives in one partition."""
        user = self.ids.new(f"{word}-user")
        return [Event(i, user, n, partition, duration_ms) for n, i in enumerate(self.ids.several(word, count), 1)]

    def everywhere(self, word: str, count: int = 1, *, duration_ms: int = 0) -> list[Event]:
        """Make events of one new user in each partition, `count` of each."""
        users = [self.events(word, count, p, duration_ms=duration_ms) for p in range(self.known)]
        return [event for events in zip(*users, strict=True) for event in events]

    def produce(self, events: Sequence[Event]) -> None:
        """Produce in this order; all are stored when this returns."""
        placed = self.kafka.produce(TOPIC, *(e.record() for e in events))
        for event, place in zip(events, placed, strict=True):
            event.offset = place.offset
            self.sent[event.id] = event

    def send(self, word: str, count: int = 1, *, duration_ms: int = 0) -> list[Event]:
        """Produce events of one new user in each partition."""
        events = self.everywhere(word, count, duration_ms=duration_ms)
        self.produce(events)
        return events

    # -- effects

    def rows(self) -> dict[str, Row]:
        """Return the rows of our events, and note each that is new. Raises POSTGRES_ERRORS and SCHEMA_ERRORS."""
        found = self.postgres.rows(
            f"SELECT event_id, user_id, seq, processed_by FROM {TABLE} WHERE event_id LIKE %s",  # noqa: S608 - our name
            f"{self.environment.nonce}-%",
        )
        rows = {event_id: Row(user, seq, by) for event_id, user, seq, by in found}
        for event_id in rows.keys() - self._seen:
            by = rows[event_id].processed_by
            self.recorder.note("db", "row", subject=event_id, actor=self.container(by) or "", processed_by=by)
        self._seen |= rows.keys()
        return rows

    def stored(self, events: Iterable[Event]) -> Condition:
        """Each of the events has its row."""
        wanted = {event.id for event in events}
        return lambda _history: wanted - self.rows().keys()

    def unstored(self, events: Iterable[Event], within: float) -> list[Event]:
        """Wait until all have their row; return those that have none at the deadline."""
        missing = self.wait(self.stored(events), within, every=0.2, retry_on=NO_TABLE_YET)
        return [event for event in events if event.id in missing]

    def demand(self, events: Sequence[Event], within: float, otherwise: str = "event-not-processed") -> None:
        """Fail with a reason unless all of them get their row."""
        self.none_missing(self.unstored(events, within), len(events), within, otherwise)

    def none_missing(self, missing: Sequence[Event], total: int, within: float, otherwise: str) -> None:
        """Fail for events that have no row; where it is a repeat that they wait behind, the check for repeats has."""
        if missing and self.failed(REPEATS) and self._behind_repeats(missing):
            blocked(REPEATS)
        lines = [f"{e.id} ({TOPIC}-{e.partition}, offset {e.offset})" for e in missing]
        progress = self.progress((e.partition, e.offset) for e in missing)
        self.forbid(lines, progress, otherwise=otherwise, total=total, within=int(within))

    def _behind_repeats(self, missing: Sequence[Event]) -> bool:
        """Say whether each partition with a missing event stands at an event that has its row already.

        After a kill, a stop or a time without the broker what was done and not committed comes again: whoever cannot
        pass a repeat stands still there, whatever the fault was.
        """
        try:
            committed, rows = self.kafka.committed(GROUP, TOPIC), self.rows()
        except NO_TABLE_YET + KAFKA_ERRORS:
            return False
        done = {(e.partition, e.offset) for e in self.sent.values() if e.id in rows}
        return all((e.partition, committed.get(e.partition, -1)) in done for e in missing)

    def owners(self, word: str, within: float) -> dict[int, str]:
        """Send a marker to each partition; return partition -> the container that processed it, as far as they did."""
        markers = self.send(word)
        self.unstored(markers, within)
        rows = self.rows()
        found = {m.partition: self.container(rows[m.id].processed_by) for m in markers if m.id in rows}
        return {partition: name for partition, name in found.items() if name}

    # -- state between checks

    def replicas_now(self) -> int:
        """Return how many processors the submission runs, at most what the contract demands."""
        return self.members(REPLICAS)

    def prove(self) -> None:
        """Fail unless the group is settled, and every partition is worked."""
        within = self.patience(TERMS.recovery_s)
        self.wait_topic()
        # Members that are still to come would take partitions away from those that have them.
        deadline = Deadline(within)
        self.wait_settled(self.replicas_now(), min(SETTLED_S, within))
        # A consumer that starts at the end of the topic may miss the first ones: that is for another check to judge.
        while missing := self.unstored(self.send("ready"), min(MARKER_S, max(5.0, deadline.left()))):
            if deadline.passed() or self.environment.gone_for_good(SERVICE):
                self.none_missing(missing, self.known, within, "event-not-processed")

    def clean(self) -> None:
        """Start the processors anew behind everything that was sent."""
        self.forget_sent(TERMS.stop_within_s)


@pytest.fixture(scope="session")
def group(environment: Environment) -> ConsumerGroup:
    """The consumer group, watched, in whatever state it is."""
    return ConsumerGroup(environment)


@pytest.fixture
def events(group: ConsumerGroup) -> ConsumerGroup:
    """The consumer group with all its members at work."""
    group.working()
    return group
