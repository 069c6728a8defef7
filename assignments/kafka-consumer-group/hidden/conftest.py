"""The faults that several checks judge: each happens once a run and is recorded, not judged, here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from subject import GROUP, PROCESSED_S, TABLE, TOPIC

from grader import MemberDeath, Replay, holds

if TYPE_CHECKING:
    from subject import ConsumerGroup, Processed

    from grader import KeyedEvent

SLOW_MS = 5000  # the longest that the contract has
PLUG_MS = 500
IN_WORK_S = 4.0
SHOWN_S = 1.5  # after this an offset that is committed too early is committed, on a slow machine too
TRIES = 3
ALL_S = 60.0


@dataclass
class SlowInWork:
    """A slow event was in work, with fast ones behind it in the same partition, and a stream in all partitions.

    What was last seen while the slow event was in work, in this order: the committed offset of each partition, the rows.
    """

    worker: str
    slow: KeyedEvent
    fast: list[KeyedEvent]
    stream: list[KeyedEvent]
    committed: dict[int, int] = field(default_factory=dict)
    rows: set[str] = field(default_factory=set)

    @property
    def all(self) -> list[KeyedEvent]:
        """Everything that was on its way."""
        return [self.slow, *self.fast, *self.stream]

    def looked(self, group: ConsumerGroup) -> bool:
        """Give those that do not wait for the slow event the time to show it; say whether a look would have seen them."""
        produced = group.now()
        in_time = False

        def look() -> bool:
            nonlocal in_time
            begun = group.now()
            committed, rows = group.kafka.committed(GROUP, TOPIC), set(group.effects())
            # A look that ends when the slow event is done would hide what went before it.
            if not self.rows or self.slow.id not in rows:
                self.committed, self.rows = committed, rows
            in_time = in_time or (begun - produced >= SHOWN_S and self.slow.id not in rows)
            passed = committed.get(self.slow.partition, 0) > self.slow.offset
            return passed and {e.id for e in self.fast} <= rows

        return not group.wait(holds(look), IN_WORK_S, every=0.2) or in_time


@pytest.fixture(scope="session")
def work(group: ConsumerGroup) -> SlowInWork:
    """Bring a slow event into work with fast ones behind it, and look while it is; again if no look came in time."""
    group.working()
    group.disturbed()
    group.faults.settle()
    partition, worker = group.owner("holder", PROCESSED_S)
    for _ in range(TRIES):
        # While the first one is in work, all the others are fetched: what is committed batch by batch is in one batch.
        (plug,) = group.events("plug", 1, partition, duration_ms=PLUG_MS)
        slow, *fast = group.events("slow", 6, partition)
        slow.fields["duration_ms"] = SLOW_MS
        work = SlowInWork(worker, slow, fast, group.everywhere("stream", 6, duration_ms=100))
        group.produce([plug, *work.all])
        if work.looked(group) or group.undone(work.all, ALL_S):
            break  # seen in time; or it stands still, and that is judged
    return work


@pytest.fixture(scope="session")
def death(group: ConsumerGroup, work: SlowInWork) -> MemberDeath:
    """SIGKILL of the member that has the slow event, in the middle of the stream."""
    return MemberDeath.of(group, work.worker, work.all)


@pytest.fixture(scope="session")
def replay(group: ConsumerGroup) -> Replay[Processed]:
    """Everything is read for a second time, by a group that begins anew."""
    seen = f"UPDATE {TABLE} SET processed_by = processed_by || ' (seen)'"  # noqa: S608 - our name
    return Replay.of(group, touch=lambda: group.postgres.execute(seen), not_empty="partitions-not-released/all-ended")
