"""What the checks of this assignment share: the contract's names and the verbs of a consumer group."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from grader import KAFKA_ERRORS, POSTGRES_ERRORS, SCHEMA_ERRORS, Evidence, GroupState, Record, blocked, fail, msg
from grader.faults.heal import each
from grader.oracles import group as oracle
from grader.oracles.violation import listed
from grader.polling import Deadline, DeadlineError, eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grader import Kafka, Postgres
    from grader.checks.disturbances import Disturbances
    from grader.checks.ids import Ids
    from grader.checks.world import World

TOPIC, GROUP, TABLE, SERVICE = "user-events", "user-service", "processed", "processor"
REPEATS = "events.repeat"
REPLICAS = 3
TAKEOVER_S = 60.0  # from the death of a member to the first effect on its partitions
RECOVERY_S = 75.0  # after a broker or the database answers again
GRACE_S = 10.0
LAG_S = 30.0
SLACK_S = 15.0  # what a loaded machine may add to a bound of the contract
SETTLED_S = 40.0
MARKER_S = 12.0
EMPTY_S = 75.0
NO_ANSWER = (*KAFKA_ERRORS, *POSTGRES_ERRORS)
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

    def record(self) -> Record:
        """Return the record that carries it: its user is the key."""
        value = {"eventId": self.id, "userId": self.user, "seq": self.seq, "duration_ms": self.duration_ms}
        return Record(self.user.encode(), json.dumps(value).encode(), self.partition)


@dataclass(frozen=True)
class Row:
    """A row of the table, as the submission wrote it."""

    user: str | None
    seq: int | None
    processed_by: str | None


class ConsumerGroup:
    """The submission as a group of consumers: produce, wait for rows, look at the group, reset."""

    def __init__(self, world: World, ids: Ids, faults: Disturbances, kafka: Kafka, postgres: Postgres) -> None:
        self.world = world
        self.ids = ids
        self.faults = faults
        self.kafka = kafka
        self.postgres = postgres
        self.recorder = world.recorder
        self.sent: dict[str, Event] = {}
        self._seen: set[str] = set()
        self._hostnames: dict[str, tuple[str, str]] = {}
        self._proven = False
        self._known = 0  # partitions of the topic

    def now(self) -> float:
        """Seconds since the stack's start."""
        return self.recorder.clock()

    def logs(self) -> tuple[Evidence, ...]:
        """Return state and last lines of the processors."""
        return self.world.logs(SERVICE)

    # -- the topic

    def partitions(self) -> int:
        """Return how many partitions the topic has; 0 while the broker does not answer or there is none."""
        try:
            return self.kafka.partitions(TOPIC)
        except KAFKA_ERRORS:
            return 0

    def wait_topic(self) -> int:
        """Wait until the topic is there, as long as the contract allows; return its partitions."""
        if self._only_localhost():
            fail(
                "broker-advertises-localhost",
                expected=msg("kafka advertises a listener that other containers can use"),
                observed=msg("it sends everybody to localhost, which in a container is that container itself"),
                evidence=self.logs(),
            )
        limit = self.world.session.assignment.limits.ready_s
        with contextlib.suppress(DeadlineError):
            eventually(
                lambda: self.partitions() or self.world.gone_for_good(SERVICE),
                within=max(20.0, limit - self.now()),
                every=0.3,
                what=TOPIC,
            )
        count = self.partitions()
        if count == 0:
            fail(
                "topic-missing",
                expected=msg("topic %(topic)s exists within %(n)s s of the start", topic=TOPIC, n=int(limit)),
                observed=msg("there are: %(names)s", names=listed(sorted(self._topics())) or "-"),
                evidence=self.logs(),
            )
        self._known = count
        return count

    def wait_topic_again(self, within: float) -> None:
        """Wait until a broker that was away knows the topic again, with all its partitions."""
        try:
            eventually(lambda: self.partitions() >= self._known, within=within, every=0.2, what=TOPIC)
        except DeadlineError:
            fail(
                "topic-missing",
                expected=msg("topic %(topic)s is still there after the broker has restarted", topic=TOPIC),
                observed=msg("there are: %(names)s", names=listed(sorted(self._topics())) or "-"),
                evidence=self.world.logs("kafka"),
            )

    def _only_localhost(self) -> bool:
        try:
            return self.kafka.only_localhost()
        except KAFKA_ERRORS:
            return False

    def _topics(self) -> frozenset[str]:
        try:
            return self.kafka.topics()
        except KAFKA_ERRORS:
            return frozenset()

    # -- sending

    def events(self, word: str, count: int, partition: int, *, duration_ms: int = 0) -> list[Event]:
        """Make `count` events of one new user, who lives in one partition."""
        user = self.ids.new(f"{word}-user")
        return [Event(i, user, n, partition, duration_ms) for n, i in enumerate(self.ids.several(word, count), 1)]

    def everywhere(self, word: str, count: int = 1, *, duration_ms: int = 0) -> list[Event]:
        """Make events of one new user in each partition, `count` of each."""
        users = [self.events(word, count, p, duration_ms=duration_ms) for p in range(self._known)]
        return [event for events in zip(*users, strict=True) for event in events]

    def produce(self, events: Sequence[Event]) -> None:
        """Produce in this order; all are stored when this returns."""
        placed = self.kafka.produce(TOPIC, *(e.record() for e in events))
        for event, place in zip(events, placed, strict=True):
            event.offset = place.offset
            self.sent[event.id] = event

    def send_raw(self, partition: int, user: str, *values: Any) -> None:
        """Produce what is no event, under one key: bytes and None as they are, anything else as JSON."""
        key = user.encode()
        encoded = [v if isinstance(v, bytes) or v is None else json.dumps(v).encode() for v in values]
        self.kafka.produce(TOPIC, *(Record(key, value, partition) for value in encoded))

    # -- effects

    def rows(self) -> dict[str, Row]:
        """Return the rows of our events, and note each that is new. Raises POSTGRES_ERRORS and SCHEMA_ERRORS."""
        found = self.postgres.rows(
            f"SELECT event_id, user_id, seq, processed_by FROM {TABLE} WHERE event_id LIKE %s",  # noqa: S608 - our name
            f"{self.world.nonce}-%",
        )
        rows = {event_id: Row(user, seq, by) for event_id, user, seq, by in found}
        for event_id in rows.keys() - self._seen:
            by = rows[event_id].processed_by
            self.recorder.note("db", "row", subject=event_id, actor=self.container(by) or "", processed_by=by)
        self._seen |= rows.keys()
        return rows

    def wait_rows(self, events: Iterable[Event], within: float) -> list[Event]:
        """Wait until all have their row; return those that have none at the deadline."""
        wanted = list(events)
        missing = wanted

        def complete() -> bool:
            nonlocal missing
            rows = self.rows()
            missing = [e for e in wanted if e.id not in rows]
            return not missing

        with contextlib.suppress(DeadlineError):
            eventually(complete, within=within, every=0.2, what="rows", retry_on=NO_TABLE_YET)
        if missing:
            complete()  # without a database or a table there is another reason than a missing event
        return missing

    def demand(self, events: Sequence[Event], within: float, code: str = "event-not-processed") -> None:
        """Fail with `code` unless all of them get their row."""
        missing = self.wait_rows(events, within)
        if missing:
            self.fail_missing(missing, len(events), within, code)

    def fail_missing(self, missing: Sequence[Event], total: int, within: float, code: str) -> None:
        """Fail for events that have no row; where it is a repeat that they wait behind, the check for repeats has."""
        if REPEATS in self.world.failed and self._behind_repeats(missing):
            blocked(REPEATS)
        fail(
            code,
            expected=msg("each of %(n)s events has its row within %(s)s s", n=total, s=int(within)),
            observed=msg("%(n)s have none: %(ids)s", n=len(missing), ids=listed(_places(missing))),
            evidence=(self.progress(missing), *self.logs()),
        )

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

    def progress(self, events: Sequence[Event]) -> Evidence:
        """Return the committed offsets of the partitions of these events, beside the first event that is missing."""
        first: dict[int, int] = {}
        for event in events:
            first[event.partition] = min(event.offset, first.get(event.partition, event.offset))
        try:
            committed = self.kafka.committed(GROUP, TOPIC)
        except KAFKA_ERRORS:
            committed = {}
        return Evidence(
            title=msg("committed offset of each partition, and the first event without a row"),
            lines=tuple(f"{TOPIC}-{p}: {committed.get(p, '-')}  {offset}" for p, offset in sorted(first.items())),
        )

    def container(self, processed_by: str | None) -> str | None:
        """Return the container whose hostname stands in `processed_by`; None where there is not exactly one."""
        found = [name for name, host in self.hostnames().items() if processed_by and host in processed_by]
        return found[0] if len(found) == 1 else None

    def hostnames(self) -> dict[str, str]:
        """Return container -> hostname of the processors."""
        containers = self.world.stack.containers(SERVICE)
        for container in containers:
            if container.id not in self._hostnames:
                self._hostnames[container.id] = (container.name, container.hostname)
        return dict(self._hostnames[c.id] for c in containers)

    # -- the group

    def replicas(self) -> int:
        """How many processors the submission runs, at most what the contract demands."""
        return max(1, min(REPLICAS, len(self.world.stack.containers(SERVICE))))

    def state(self) -> GroupState:
        """Return how the group stands; a state "" while the broker does not answer."""
        try:
            return self.kafka.group(GROUP)
        except KAFKA_ERRORS:
            return GroupState("")

    def containers(self) -> list[str]:
        """Return the containers whose members are in the group now."""
        return sorted(oracle.holders(self.state(), TOPIC))

    def table(self, group: GroupState) -> Evidence:
        """Return who holds which partitions, for the student."""
        held = sorted(oracle.holders(group, TOPIC).items())
        rows = [f"{name}: {', '.join(map(str, sorted(partitions))) or '-'}" for name, partitions in held]
        title = msg("the group and its partitions, as the broker knows them")
        return Evidence(title=title, lines=(f"{GROUP}: {group.state or '-'}", *rows))

    def settled(self, count: int, *, but: str = "") -> bool:
        """Say whether the group is at rest with members in `count` containers, none of them `but`, on all partitions.

        The members of a group of the new protocol cannot be seen: the checks then go by results alone. A member whose
        container has ended is nobody's: its address is.
        """
        group = self.state()
        if group.protocol == "consumer":
            return True
        if but and any(m.actor in {but, ""} for m in group.members):
            return False
        return self._known > 0 and oracle.settled(group, TOPIC, range(self._known), containers=count)

    def wait_settled(self, count: int, within: float = SETTLED_S, *, but: str = "") -> bool:
        """Wait until `settled`; False at the deadline."""
        try:
            return eventually(lambda: self.settled(count, but=but), within=within, every=0.3, what=GROUP)
        except DeadlineError:
            return False

    def wait_no_lag(self, within: float) -> int:
        """Wait until everything is committed; return what is not at the deadline."""
        with contextlib.suppress(DeadlineError):
            eventually(lambda: self.kafka.lag(GROUP, TOPIC) == 0, within=within, every=0.3, what="lag")
            return 0
        return self.kafka.lag(GROUP, TOPIC)

    def owners(self, word: str, within: float) -> dict[int, str]:
        """Send a marker to each partition; return partition -> the container that processed it, as far as they did."""
        markers = self.everywhere(word)
        self.produce(markers)
        self.wait_rows(markers, within)
        rows = self.rows()
        found = {m.partition: self.container(rows[m.id].processed_by) for m in markers if m.id in rows}
        return {partition: name for partition, name in found.items() if name}

    # -- state between checks

    def ensure_working(self) -> None:
        """Bring the group to a known state before a check: settled, and every partition is worked."""
        if self.world.dirty:
            self.reset()
        if self._proven:
            return
        limit = self.world.session.assignment.limits.ready_s
        within = max(20.0, limit - self.now()) if self.now() < limit else RECOVERY_S
        self.wait_topic()
        # Members that are still to come would take partitions away from those that have them.
        deadline = Deadline(within)
        self.wait_settled(self.replicas(), within=min(SETTLED_S, within))
        while missing := self._unworked(min(MARKER_S, max(5.0, deadline.left()))):
            if deadline.passed() or self.world.gone_for_good(SERVICE):
                self.fail_missing(missing, self._known, within, "event-not-processed")
        self._proven = True

    def _unworked(self, within: float) -> list[Event]:
        """Send a marker to each partition; return those that got no row.

        A consumer that starts at the end of the topic may miss the first ones: that is for another check to judge.
        """
        markers = self.everywhere("ready")
        self.produce(markers)
        return self.wait_rows(markers, within)

    def disturbed(self) -> None:
        """Say that processors were disturbed: the next check proves them anew."""
        self._proven = False

    def stop_all(self) -> bool:
        """Stop all processors gracefully and wait until the group is empty; False if it does not become so."""
        self.disturbed()
        self.recorder.note("grader", "fault", actor=SERVICE, action="stop")
        each(lambda container: container.stop(GRACE_S), self.world.stack.containers(SERVICE))()
        try:
            return eventually(
                lambda: self.kafka.group(GROUP).state in {"Empty", "Dead"},
                within=EMPTY_S,
                every=0.3,
                what=GROUP,
                retry_on=KAFKA_ERRORS,
            )
        except DeadlineError:
            return False

    def reset(self) -> None:
        """Start the processors anew behind everything that was sent, so that one mistake fails one check only.

        What was sent is deleted as well: a check that has the topic read from its beginning must not meet it again.
        """
        with contextlib.suppress(*NO_ANSWER):
            if self.stop_all():
                self.kafka.skip(GROUP, TOPIC)
                self.kafka.empty(TOPIC)
        self.faults.start(SERVICE)
        self.world.dirty = False


def _places(events: Iterable[Event]) -> list[str]:
    return [f"{e.id} ({TOPIC}-{e.partition}, offset {e.offset})" for e in events]


@pytest.fixture(scope="session")
def group(world: World, ids: Ids, faults: Disturbances, kafka: Kafka, postgres: Postgres) -> ConsumerGroup:
    """The consumer group, watched, in whatever state it is."""
    world.group_watch(kafka, GROUP, TOPIC)
    return ConsumerGroup(world, ids, faults, kafka, postgres)


@pytest.fixture
def events(group: ConsumerGroup) -> ConsumerGroup:
    """The consumer group with all its members at work."""
    group.ensure_working()
    return group
