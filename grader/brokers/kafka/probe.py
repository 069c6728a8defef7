"""Kafka as the grader sees it: it creates no topic, joins no group of the submission's, and commits for nobody.

Each question opens a client of its own (some 20 ms), so that none remembers what was true before a broker's restart.
What a broker asks a client to try again in a moment (a coordinator that is still loading) is tried again here.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

import kafka as library
from kafka import errors
from kafka.admin import OffsetSpec
from kafka.structs import OffsetAndMetadata, TopicPartition

from grader.brokers.kafka import BROKER, clients, listeners
from grader.errors import CheckFailure, GraderError
from grader.model.streams import GroupState, Listener, Member, Placed, Read, Record
from grader.model.text import msg
from grader.oracles import offsets
from grader.polling import Deadline, DeadlineError, eventually
from grader.probes.addresses import Addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from grader.probes.reach import Stack
    from grader.probes.recorder import Recorder

T = TypeVar("T")
PATIENCE_S = 5.0
GLIMPSE_S = 2.0
COORDINATOR_S = 15.0
STORED_S = 15.0
READ_S = 30.0
# Everything that a broker which is away, starting, or set up oddly does to a right request of ours.
KAFKA_ERRORS = (errors.KafkaError, OSError)
AGAIN = (
    errors.CoordinatorNotAvailableError,
    errors.CoordinatorLoadInProgressError,
    errors.NotCoordinatorError,
    errors.NotLeaderForPartitionError,
    errors.LeaderNotAvailableError,
)
NONE, DEAD = 3, "Dead"  # NONE: the error code of a topic that is not there
__all__ = [
    "KAFKA_ERRORS", "GroupState", "Kafka", "Listener", "Member", "Placed", "Read", "Record", "TopicMissingError",
]  # fmt: skip


class TopicMissingError(CheckFailure):
    """The contract's topic is not there; the grader makes none in its place."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            "topic-missing",
            expected=msg("topic %(topic)s exists", topic=topic),
            observed=msg("the broker has no topic of that name"),
        )
        self.topic = topic


class Kafka:
    """A probe of one broker: `service` is its name in the compose file."""

    def __init__(self, stack: Stack, recorder: Recorder, service: str = "kafka", *, port: int = BROKER.port) -> None:
        self._usual = port  # where it listens that says nothing of it
        self._stack = stack
        self._recorder = recorder
        self.service = service
        self._port: int | None = None

    # -- the broker

    def ready(self) -> bool:
        """Say whether the broker answers a request for its metadata on a listener that others can reach."""
        try:
            if self._port is not None:
                with self._opened(library.KafkaAdminClient, patience_s=GLIMPSE_S):
                    return True
            return bool(self.listeners())
        except KAFKA_ERRORS:
            return False

    def listeners(self) -> tuple[Listener, ...]:
        """Return what the broker advertises on each of its plain listeners that answers (none: () )."""
        endpoints = listeners.for_clients(self._environment(), self._usual)
        found = self._answering([e.port for e in endpoints])
        if not found:  # configured by a file of its own
            found = self._answering([p for p in self._listening() if p not in {e.port for e in endpoints}])
        if found and self._port not in found:
            self._port = next((p for p, (host, _) in found.items() if not clients.is_loopback(host)), min(found))
        return tuple(Listener(listeners.name_of(port, endpoints), *advertised) for port, advertised in found.items())

    def only_localhost(self) -> bool:
        """Say whether the broker sends other containers to their own localhost, whichever listener they use."""
        found = self.listeners()
        # A listener that does not answer us (secured, or a moment later than the others) may be the one for containers.
        meant = listeners.parse(self._environment().get("KAFKA_ADVERTISED_LISTENERS", ""))
        return bool(found) and all(
            clients.is_loopback(host) for host in [*(one.host for one in found), *(one.host for one in meant)]
        )

    # -- topics

    def topics(self) -> frozenset[str]:
        """Return the names of all topics but Kafka's own. Raises KAFKA_ERRORS, as all of the following do."""
        return frozenset(t for t in self._ask(lambda admin: admin.list_topics()) if not t.startswith("__"))

    def partitions(self, topic: str) -> int:
        """Return the number of a topic's partitions, 0 when there is no such topic."""
        (found,) = self._ask(lambda admin: admin.describe_topics([topic]))
        return 0 if found["error_code"] == NONE else len(found["partitions"])

    def produce(self, topic: str, *records: Record) -> tuple[Placed, ...]:
        """Produce records in this order; return where each of them is stored once all of them are.

        Raises TopicMissingError.
        """
        self._need(topic)
        most_ms = round(STORED_S * 1000)
        with self._opened(
            library.KafkaProducer, acks="all", delivery_timeout_ms=most_ms, max_block_ms=most_ms
        ) as producer:
            futures = [
                producer.send(topic, key=r.key, value=r.value, **({} if r.partition is None else _to(r.partition)))
                for r in records
            ]
            stored = [future.get(timeout=STORED_S) for future in futures]
        placed = tuple(Placed(one.partition, one.offset) for one in stored)
        if placed:
            counts = {p: sum(one.partition == p for one in placed) for p in sorted({one.partition for one in placed})}
            self._recorder.note("kafka", "produced", topic=topic, partitions=_words(counts))
        return placed

    def end_offsets(self, topic: str) -> dict[int, int]:
        """Return the offset of the next record in each partition. Raises TopicMissingError."""
        return self._offsets(topic, OffsetSpec.LATEST)

    def begin_offsets(self, topic: str) -> dict[int, int]:
        """Return the offset of the first record in each partition. Raises TopicMissingError."""
        return self._offsets(topic, OffsetSpec.EARLIEST)

    def read(
        self, topic: str, *, from_offsets: Mapping[int, int] | None = None, until: Mapping[int, int] | None = None
    ) -> list[Read]:
        """Read a topic from the offsets given (from the beginning) up to `until`, exclusively (what is there now).

        Partitions that are not in `from_offsets`, where it is given, are left out. Returns them by partition and
        offset. Raises TopicMissingError.
        """
        begin, end = self.begin_offsets(topic), dict(until or self.end_offsets(topic))
        wanted = begin if from_offsets is None else {p: max(o, begin.get(p, 0)) for p, o in from_offsets.items()}
        open_ = {TopicPartition(topic, p): o for p, o in wanted.items() if o < end.get(p, 0)}
        found: list[Read] = []
        if not open_:
            return found
        deadline = Deadline(READ_S)
        with self._opened(
            library.KafkaConsumer, group_id=None, enable_auto_commit=False, auto_offset_reset="none"
        ) as consumer:
            consumer.assign(list(open_))
            for partition, offset in open_.items():
                consumer.seek(partition, offset)
            # A transaction's marks take offsets and are never returned: the position tells how far we are.
            while any(consumer.position(tp) < end[tp.partition] for tp in open_):
                if deadline.passed():
                    raise errors.KafkaTimeoutError(f"{topic} could not be read to its end")
                for records in consumer.poll(timeout_ms=clients.within(deadline, 0.2)).values():
                    found += [self._read(r) for r in records if r.offset < end[r.partition]]
        return sorted(found, key=lambda r: (r.partition, r.offset))

    # -- groups

    def groups(self) -> tuple[str, ...]:
        """Return the names of all groups."""
        return tuple(sorted(g["group_id"] for g in self._ask(lambda admin: admin.list_groups())))

    def group(self, name: str) -> GroupState:
        """Return a group's state and members, as the broker knows them now."""
        return self._ask(lambda admin: self._group(admin, name, Addresses(self._stack)))

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return the committed offset of each partition for which the group has committed one."""
        found: dict[Any, Any] = self._ask(lambda admin: admin.list_group_offsets({group: None}))[group]
        return {tp.partition: c.offset for tp, c in sorted(found.items()) if tp.topic == topic and c.offset >= 0}

    def lag(self, group: str, topic: str) -> int:
        """Return how many records lie behind the group's committed offsets; without a commit, all of a partition.

        Raises TopicMissingError.
        """
        committed, begin, end = self.committed(group, topic), self.begin_offsets(topic), self.end_offsets(topic)
        return sum(offsets.behind(begin, end, committed).values())

    def reset(self, group: str, topic: str) -> None:
        """Set a group back to the beginning of a topic. Raises GraderError unless the group is without members."""
        self._commit(group, topic, self.begin_offsets(topic))
        self._recorder.note("grader", "note", actor=self.service, text=f"{group}: {topic} ⏮")

    def skip(self, group: str, topic: str) -> None:
        """Set a group to the end of a topic. Raises GraderError unless the group is without members."""
        self._commit(group, topic, self.end_offsets(topic))
        self._recorder.note("grader", "note", actor=self.service, text=f"{group}: {topic} ⏭")

    def empty(self, topic: str) -> None:
        """Delete the records that are in a topic now; offsets go on from where they were. Raises TopicMissingError."""
        ends = {TopicPartition(topic, p): o for p, o in self.end_offsets(topic).items()}
        self._ask(lambda admin: admin.delete_records(ends))
        self._recorder.note("grader", "note", actor=self.service, text=f"{topic}: ✕")

    def forget(self, group: str) -> None:
        """Let the broker forget a group with all that it has committed. Raises GraderError if it has members."""
        said = str(self._ask(lambda admin: admin.delete_groups([group]))[group])
        if said not in {"OK", errors.GroupIdNotFoundError.__name__}:
            raise GraderError(msg("Kafka does not forget group %(group)s: %(error)s", group=group, error=said))
        self._recorder.note("grader", "note", actor=self.service, text=f"{group}: ✕")

    # -- how

    @contextlib.contextmanager
    def session(self) -> Iterator[Callable[[str], GroupState]]:
        """Open one connection for many looks at groups: for a sampler, which opens another when this one fails."""
        names = Addresses(self._stack)
        with self._opened(library.KafkaAdminClient, patience_s=GLIMPSE_S) as admin:

            def look(group: str) -> GroupState:
                state = self._group(admin, group, names)
                if any(not m.actor for m in state.members):
                    names.changed()
                    state = self._group(admin, group, names)
                return state

            yield look

    @contextlib.contextmanager
    def _opened(self, kind: Any, *, patience_s: float = PATIENCE_S, **configs: Any) -> Iterator[Any]:
        if self._port is None:
            self.listeners()
        if self._port is None:
            raise errors.KafkaConnectionError(f"no listener of {self.service} answers")
        with clients.opened(kind, self._stack, self.service, self._port, patience_s=patience_s, **configs) as client:
            yield client

    def _ask(self, question: Callable[[Any], T]) -> T:
        """Ask the broker; what it says is not ready in a moment is asked again."""
        last: errors.KafkaError | None = None

        def once() -> tuple[T] | None:
            nonlocal last
            try:
                with self._opened(library.KafkaAdminClient) as admin:
                    return (question(admin),)
            except AGAIN as error:
                last = error
                return None

        try:
            return eventually(once, within=COORDINATOR_S, every=0.1, what=self.service)[0]
        except DeadlineError as error:
            raise last or errors.KafkaTimeoutError(str(error)) from error

    def _group(self, admin: Any, name: str, names: Addresses) -> GroupState:
        described = admin.describe_groups([name])[name]
        said = described["error"] or ""
        for again in AGAIN:
            if again.__name__ in said:
                raise again(said)
        state = described["group_state"]
        if state and state != DEAD:
            return GroupState(state, "classic", tuple(_member(m, names) for m in described["members"]))
        # A group of another protocol is "dead" to whoever asks in the classic one.
        other = next((g for g in admin.list_groups() if g["group_id"] == name), None)
        if other is None:
            return GroupState(DEAD)
        return GroupState(other.get("group_state") or "", (other.get("group_type") or "classic").lower())

    def _need(self, topic: str) -> int:
        count = self.partitions(topic)
        if count == 0:
            raise TopicMissingError(topic)
        return count

    def _offsets(self, topic: str, spec: OffsetSpec) -> dict[int, int]:
        wanted = {TopicPartition(topic, p): spec for p in range(self._need(topic))}
        found: dict[Any, Any] = self._ask(lambda admin: admin.list_partition_offsets(wanted))
        return {tp.partition: one.offset for tp, one in sorted(found.items())}

    def _commit(self, group: str, topic: str, offsets: dict[int, int]) -> None:
        """Set a group's offsets and read them back: to one with members the broker says no, partition by partition."""
        wanted = {TopicPartition(topic, p): OffsetAndMetadata(o, "", -1) for p, o in offsets.items()}
        said = self._ask(lambda admin: admin.alter_group_offsets(group, wanted))
        refused = sorted({error.__name__ for error in said.values() if error is not errors.NoError})
        if refused or self.committed(group, topic) != offsets:
            raise GraderError(
                msg(
                    "Kafka does not change the offsets of group %(group)s: %(error)s",
                    group=group,
                    error=", ".join(refused) or "-",
                )
            )

    def _answering(self, ports: list[int]) -> dict[int, tuple[str, int]]:
        """Return port -> what the broker advertises there, of the ports on which it answers."""
        found = {}
        for port in ports:
            with (
                contextlib.suppress(*KAFKA_ERRORS),
                clients.opened(
                    library.KafkaAdminClient, self._stack, self.service, port, patience_s=GLIMPSE_S
                ) as admin,
            ):
                brokers = admin.describe_cluster()["brokers"]
                if brokers:
                    found[port] = self._own(brokers)
        return found

    def _own(self, brokers: list[dict[str, Any]]) -> tuple[str, int]:
        environment = self._environment()
        number = environment.get("KAFKA_NODE_ID") or environment.get("KAFKA_BROKER_ID") or ""
        one = next((b for b in brokers if str(b["broker_id"]) == number.strip()), brokers[0])
        return str(one["host"]), int(one["port"])

    def _environment(self) -> dict[str, str]:
        return next((container.environment() for container in self._stack.containers(self.service)), {})

    def _listening(self) -> tuple[int, ...]:
        for container in self._stack.containers(self.service):
            with contextlib.suppress(DeadlineError):
                return listeners.listening(container.exec(["cat", "/proc/net/tcp", "/proc/net/tcp6"])[1])
        return ()

    def _read(self, record: Any) -> Read:
        at = record.timestamp / 1000 - self._stack.info.epoch
        return Read(record.partition, record.offset, record.key, record.value, round(at, 3))


def _to(partition: int) -> dict[str, int]:
    return {"partition": partition}


def _words(counts: dict[int, int]) -> str:
    return ", ".join(f"{p}: {n}" for p, n in counts.items())


def _member(described: dict[str, Any], names: Addresses) -> Member:
    assignment = described["member_assignment"]
    # What another client packs in a way of its own stays bytes.
    given = assignment.get("assigned_partitions", []) if isinstance(assignment, dict) else []
    return Member(
        id=described["member_id"],
        client_id=described["client_id"],
        actor=names.name_of(described["client_host"].lstrip("/")),
        partitions=frozenset((t["topic"], p) for t in given for p in t["partitions"]),
    )
