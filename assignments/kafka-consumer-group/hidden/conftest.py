"""The faults that several checks judge: each happens once a run and is recorded, not judged, here."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from grader import fail, msg
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from conftest import ConsumerGroup, Event

TOPIC, GROUP, TABLE, SERVICE = "user-events", "user-service", "processed", "processor"
REPEATS = "events.repeat"
TAKEOVER_S = 75.0  # the contract's 60 s, and what a loaded machine adds
RECOVERY_S = 75.0
SLOW_MS = 5000  # the longest that the contract has
PLUG_MS = 500
IN_WORK_S = 4.0
SHOWN_S = 1.5  # after this an offset that is committed too early is committed, on a slow machine too
TRIES = 3
PROCESSED_S = 60.0
LAG_S = 45.0


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
    took_s: float = 0.0
    not_taken: list[Event] = field(default_factory=list)
    lost: list[Event] = field(default_factory=list)
    returned: bool = False


@pytest.fixture(scope="session")
def death(group: ConsumerGroup) -> Death:
    """SIGKILL of one member in the middle of a stream; it is started again when the others have its partitions."""
    group.ensure_working()
    group.disturbed()
    group.faults.settle()
    holders = group.owners("holder", within=30)
    partition = min(holders, default=0)
    killed = holders.get(partition, f"{SERVICE}-1")
    death = _slow_in_work(group, killed, partition)
    began = group.now()
    with group.faults.killed(killed):
        death.after = group.everywhere("after", 2)
        group.produce(death.after)
        death.not_taken = group.wait_rows(death.after, within=TAKEOVER_S)
        death.took_s = group.now() - began
        # Started while the group still counts on the dead one, it would hold everything up once more.
        if not death.not_taken:
            group.wait_settled(group.replicas() - 1, but=killed)
    death.returned = _back(group, killed)
    death.lost = group.wait_rows(
        [death.slow, *death.fast, *death.stream], within=PROCESSED_S if death.returned else 5.0
    )
    if death.not_taken or death.lost or not death.returned:
        group.environment.dirty = True
    return death


def _slow_in_work(group: ConsumerGroup, killed: str, partition: int) -> Death:
    """Bring a slow event into work with fast ones behind it, and look while it is; again if no look came in time."""
    for _ in range(TRIES):
        # While the first one is in work, all the others are fetched: what is committed batch by batch is in one batch.
        (plug,) = group.events("plug", 1, partition, duration_ms=PLUG_MS)
        slow, *fast = group.events("slow", 6, partition)
        slow.duration_ms = SLOW_MS
        death = Death(killed, slow, fast, group.everywhere("stream", 6, duration_ms=100))
        group.produce([plug, slow, *fast, *death.stream])
        if _looked(group, death):
            break
        if group.wait_rows([slow, *fast, *death.stream], within=PROCESSED_S):
            break  # it stands still, and that is judged
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

    with contextlib.suppress(DeadlineError):
        return eventually(look, within=IN_WORK_S, every=0.2, what="the fast events")
    return in_time


def _back(group: ConsumerGroup, name: str) -> bool:
    """Wait until a container processes events again."""
    group.wait_settled(group.replicas())
    try:
        return eventually(
            lambda: name in group.owners("returned", within=20).values(), within=TAKEOVER_S, every=0.5, what=name
        )
    except DeadlineError:
        return False


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
    group.ensure_working()
    # A check that failed just now has left the topic empty: something must be there to be read again.
    done = group.everywhere("done", 4)
    group.produce(done)
    group.demand(done, within=PROCESSED_S)
    if not group.stop_all():
        group.environment.dirty = True
        fail(
            "partitions-not-released",
            expected=msg("group user-service is empty after all processors have ended"),
            observed=msg("it still counts on: %(names)s", names=", ".join(group.containers()) or "-"),
        )
    # A row that was touched meanwhile tells a repeat that writes from one that leaves the row as it is.
    group.postgres.execute(f"UPDATE {TABLE} SET processed_by = processed_by || ' (seen)'")  # noqa: S608 - our name
    rows = group.rows()
    group.kafka.forget(GROUP)
    if REPEATS in group.environment.failed:
        # Whoever cannot pass a repeat would never get to the new events; where a group begins can be seen without any.
        group.kafka.empty(TOPIC)
    early = group.everywhere("early", 2)
    group.produce(early)
    group.faults.start(SERVICE)
    missed = group.wait_rows(early, within=RECOVERY_S)
    stuck = _from_the_beginning(group, early) if missed else []
    lag = group.wait_no_lag(within=5.0 if stuck else LAG_S)
    now = group.rows()
    found = Replay(early, missed, stuck, [i for i, row in rows.items() if now.get(i) != row], lag)
    if missed or found.changed or lag:
        group.environment.dirty = True
    return found


def _from_the_beginning(group: ConsumerGroup, events: list[Event]) -> list[Event]:
    """Set the group to the beginning of the topic ourselves; return the events that have no row then either.

    It tells a group that begins elsewhere by its own setting from one that stands still in the middle.
    """
    if not group.stop_all():
        return events
    group.kafka.reset(GROUP, TOPIC)
    group.faults.start(SERVICE)
    return group.wait_rows(events, within=RECOVERY_S)
