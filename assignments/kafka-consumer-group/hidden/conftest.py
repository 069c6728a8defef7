"""The faults that several checks judge: each happens once a run and is recorded, not judged, here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from subject import GROUP, PROCESSED_S, REPEATS, SERVICE, SLACK_S, TABLE, TERMS, TOPIC

from grader import holds

if TYPE_CHECKING:
    from subject import ConsumerGroup, Event

SLOW_MS = 5000  # the longest that the contract has
PLUG_MS = 500
IN_WORK_S = 4.0
SHOWN_S = 1.5  # after this an offset that is committed too early is committed, on a slow machine too
TRIES = 3
ALL_S = 60.0


@dataclass
class Death:
    """A member was killed while it had a slow event in work, with fast ones behind it in the same partition.

    What was last seen while the slow event was in work, in this order: the committed offset of each partition, the rows.
    """

    killed: str
    slow: Event
    fast: list[Event]
    stream: list[Event]
    committed: dict[int, int] = field(default_factory=dict)
    rows: set[str] = field(default_factory=set)
    after: list[Event] = field(default_factory=list)
    not_taken: list[Event] = field(default_factory=list)
    lost: list[Event] = field(default_factory=list)
    returned: bool = False

    @property
    def all(self) -> list[Event]:
        """Everything that was on its way."""
        return [self.slow, *self.fast, *self.stream]


@pytest.fixture(scope="session")
def death(group: ConsumerGroup) -> Death:
    """SIGKILL of one member in the middle of a stream; it is started again when the others have its partitions."""
    group.working()
    group.disturbed()
    group.faults.settle()
    holders = group.owners("holder", PROCESSED_S)
    partition = min(holders, default=0)
    killed = holders.get(partition, f"{SERVICE}-1")
    death = _slow_in_work(group, killed, partition)
    with group.faults.killed(killed):
        death.after = group.send("after", 2)
        death.not_taken = group.unstored(death.after, TERMS.takeover_s + SLACK_S)
        # Started while the group still counts on the dead one, it would hold everything up once more.
        if not death.not_taken:
            group.wait_settled(group.replicas_now() - 1, but=killed)
    group.wait_settled(group.replicas_now())
    back = holds(lambda: killed in group.owners("returned", 20).values())
    death.returned = not group.wait(back, TERMS.takeover_s)
    death.lost = group.unstored(death.all, ALL_S if death.returned else 5.0)
    group.dirty(death.not_taken or death.lost or not death.returned)
    return death


def _slow_in_work(group: ConsumerGroup, killed: str, partition: int) -> Death:
    """Bring a slow event into work with fast ones behind it, and look while it is; again if no look came in time."""
    for _ in range(TRIES):
        # While the first one is in work, all the others are fetched: what is committed batch by batch is in one batch.
        (plug,) = group.events("plug", 1, partition, duration_ms=PLUG_MS)
        slow, *fast = group.events("slow", 6, partition)
        slow.duration_ms = SLOW_MS
        death = Death(killed, slow, fast, group.everywhere("stream", 6, duration_ms=100))
        group.produce([plug, *death.all])
        if _looked(group, death) or group.unstored(death.all, ALL_S):
            break  # seen in time; or it stands still, and that is judged
    return death


def _looked(group: ConsumerGroup, death: Death) -> bool:
    """Give those that do not wait for the slow event the time to show it; say whether a look would have seen them."""
    produced = group.now()
    in_time = False

    def look() -> bool:
        nonlocal in_time
        begun = group.now()
        committed, rows = group.kafka.committed(GROUP, TOPIC), set(group.rows())
        # A look that ends when the slow event is done would hide what went before it.
        if not death.rows or death.slow.id not in rows:
            death.committed, death.rows = committed, rows
        in_time = in_time or (begun - produced >= SHOWN_S and death.slow.id not in rows)
        passed = committed.get(death.slow.partition, 0) > death.slow.offset
        return passed and {e.id for e in death.fast} <= rows

    return not group.wait(holds(look), IN_WORK_S, every=0.2) or in_time


@dataclass
class Replay:
    """The group was emptied and forgotten, and began again, with new events already there.

    missed: those of them that had no row then. stuck: those that had none either when the group was set to the beginning
    by us; whatever keeps them back, it is not where the group begins.
    """

    before_group: list[Event]
    missed: list[Event]
    stuck: list[Event]
    changed: list[str]
    lag: int


@pytest.fixture(scope="session")
def replay(group: ConsumerGroup) -> Replay:
    """Stop all processors, forget the group, send events, start: everything is read for a second time."""
    group.working()
    # A check that failed just now has left the topic empty: something must be there to be read again.
    group.demand(group.send("done", 4), ALL_S)
    if not group.stop_all(TERMS.stop_within_s):
        group.dirty()
        group.fail("partitions-not-released/all-ended", names=group.containers())
    # A row that was touched meanwhile tells a repeat that writes from one that leaves the row as it is.
    group.postgres.execute(f"UPDATE {TABLE} SET processed_by = processed_by || ' (seen)'")  # noqa: S608 - our name
    rows = group.rows()
    group.kafka.forget(GROUP)
    if group.failed(REPEATS):
        # Whoever cannot pass a repeat would never get to the new events; where a group begins can be seen without any.
        group.kafka.empty(TOPIC)
    early = group.send("early", 2)
    group.faults.start(SERVICE)
    missed = group.unstored(early, TERMS.recovery_s)
    stuck = _from_the_beginning(group, early) if missed else []
    lag = group.lag(5.0 if stuck else TERMS.lag_s + SLACK_S)
    now = group.rows()
    found = Replay(early, missed, stuck, [i for i, row in rows.items() if now.get(i) != row], lag)
    group.dirty(missed or found.changed or lag)
    return found


def _from_the_beginning(group: ConsumerGroup, events: list[Event]) -> list[Event]:
    """Set the group to the beginning of the topic ourselves; return the events that have no row then either.

    It tells a group that begins elsewhere by its own setting from one that stands still in the middle.
    """
    if not group.stop_all(TERMS.stop_within_s):
        return events
    group.kafka.reset(GROUP, TOPIC)
    group.faults.start(SERVICE)
    return group.unstored(events, TERMS.recovery_s)
