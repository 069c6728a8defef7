"""A consumer group as its checks see it: events of ours, the rows that they become, the group's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from grader import POSTGRES_ERRORS, SCHEMA_ERRORS, EventSubject, GroupTerms, Row, WatchedTable, contract

if TYPE_CHECKING:
    from grader import Environment, Postgres


class Terms(GroupTerms, frozen=True):
    """What the handout fixes."""

    table: str


TERMS = contract(Terms)
TOPIC, GROUP, TABLE = TERMS.topic, TERMS.group, TERMS.table
REPLICAS = 3
PROCESSED_S = 30
BEHIND_POISON_S = 45


class Processed(Row, frozen=True):
    """A row of the table, as the submission wrote it."""

    user_id: str | None
    seq: int | None
    processed_by: str | None


class ConsumerGroup(EventSubject[Processed]):
    """The submission as a group of consumers: each event becomes a row."""

    undone_code = "event-not-processed"
    repeats = "events.repeat"
    not_yet = (*POSTGRES_ERRORS, *SCHEMA_ERRORS)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment, TERMS, service="processor", size=REPLICAS)
        self.postgres: Postgres = environment.postgres()
        self.table = WatchedTable(
            environment, TABLE, "event_id", Processed, by="processed_by", container=self.container
        )

    def fields(self, event_id: str, key: str, number: int) -> dict[str, Any]:
        """Return an event that takes no time; its key is its user."""
        return {"eventId": event_id, "userId": key, "seq": number, "duration_ms": 0}

    def effects(self) -> dict[str, Processed]:
        """Return the rows of our events."""
        return self.table.rows()

    def worker(self, effect: Processed) -> str | None:
        """Return the processor that its row names."""
        return self.container(effect.processed_by)


@pytest.fixture(scope="session")
def group(environment: Environment) -> ConsumerGroup:
    """The consumer group, watched, in whatever state it is."""
    return ConsumerGroup(environment)


@pytest.fixture
def events(group: ConsumerGroup) -> ConsumerGroup:
    """The consumer group with all its members at work."""
    group.working()
    return group
