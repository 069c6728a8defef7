"""The Kafka probe against real brokers: whatever they advertise, with real groups of both protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaAdminClient

from grader.brokers.kafka import clients
from grader.brokers.kafka.group_watch import GroupWatch
from grader.brokers.kafka.probe import KAFKA_ERRORS, Kafka, TopicMissingError
from grader.errors import GraderError
from grader.faults import Faults
from grader.model.streams import GroupState, Record
from grader.oracles import group as oracle
from grader.polling import eventually
from grader.probes.recorder import Recorder
from tests.docker.stacks import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker

UP_S = 90.0
BIN = "/opt/kafka/bin"
TWO_LISTENERS = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
    "KAFKA_LISTENERS": "PLAINTEXT_HOST://0.0.0.0:9092,PLAINTEXT://0.0.0.0:29092,CONTROLLER://0.0.0.0:9093",
    "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT_HOST://localhost:9092,PLAINTEXT://kafka:29092",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
}


def consumer(reference: str, group: str, *more: str) -> dict[str, Any]:
    """A container that consumes topic t in a group; it is started by hand."""
    properties = [word for p in more for word in ("--consumer-property", p)]
    return {
        "image": reference,
        "profiles": ["later"],
        "entrypoint": [f"{BIN}/kafka-console-consumer.sh", "--bootstrap-server", "kafka:29092", "--topic", "t"],
        "command": ["--from-beginning", "--group", group, *properties],
    }


@pytest.fixture(scope="module")
def stack(
    engine: docker.DockerClient, image: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    reference = image("apache/kafka:4.1.0")
    services: dict[str, dict[str, Any]] = {
        "kafka": {"image": reference, "environment": TWO_LISTENERS},
        "one": consumer(reference, "g", "session.timeout.ms=6000"),
        "two": consumer(reference, "g", "session.timeout.ms=6000"),
        "new": consumer(reference, "n", "group.protocol=consumer"),
        "quick": {"image": reference, "profiles": ["later"]},
    }
    with running(engine, image("python:3.13-slim"), tmp_path_factory.mktemp("workspace"), services) as found:
        yield found


@pytest.fixture(scope="module")
def recorder(stack: Stack) -> Recorder:
    return Recorder(stack.clock)


@pytest.fixture(scope="module")
def kafka(stack: Stack, recorder: Recorder) -> Kafka:
    """A broker that answers, with topic t of three partitions, made as a submission would make it."""
    probe = Kafka(stack, recorder)
    eventually(probe.ready, within=UP_S, every=0.1, what="kafka")
    with clients.opened(KafkaAdminClient, stack, "kafka", 9092, patience_s=10) as admin:
        admin.create_topics({"t": {"num_partitions": 3, "replication_factor": 1}})
    return probe


def test_a_look_creates_nothing(kafka: Kafka) -> None:
    """The broker makes topics by itself; neither asking for one, nor producing, nor reading brings one about."""
    assert kafka.partitions("missing") == 0
    for ask in (
        lambda: kafka.produce("missing", Record(b"k", b"v")),
        lambda: kafka.read("missing"),
        lambda: kafka.lag("g", "missing"),
    ):
        with pytest.raises(TopicMissingError, match="topic-missing"):
            ask()
    assert kafka.topics() == {"t"}
    assert kafka.partitions("t") == 3


def test_listeners_are_what_the_broker_advertises(kafka: Kafka) -> None:
    """Also addresses that lead to the student's machine."""
    listeners = {(one.name, one.host, one.port) for one in kafka.listeners()}
    assert listeners == {("PLAINTEXT_HOST", "localhost", 9092), ("PLAINTEXT", "kafka", 29092)}
    assert not kafka.only_localhost()


def test_records_come_back_as_they_were_sent(kafka: Kafka, stack: Stack) -> None:
    """In their order per partition, also without a value or without a key."""
    begin = stack.clock()
    before = kafka.end_offsets("t")
    records = [Record(b"a", b"1", 0), Record(b"a", None, 0), Record(None, b"\xff", 1), Record(b"a", b"2", 0)]
    placed = kafka.produce("t", *records)
    assert [p.partition for p in placed] == [0, 0, 1, 0]
    found = kafka.read("t", from_offsets=before)
    assert [(r.partition, r.key, r.value) for r in found] == [
        (0, b"a", b"1"),
        (0, b"a", None),
        (0, b"a", b"2"),
        (1, None, b"\xff"),
    ]
    assert all(begin - 0.1 <= r.at <= stack.clock() for r in found)
    same = kafka.produce("t", Record(b"key", b"1"), Record(b"key", b"2"))
    assert len({p.partition for p in same}) == 1
    assert kafka.read("t", from_offsets={2: kafka.end_offsets("t")[2]}) == []


def test_a_group_is_set_back_set_forward_and_forgotten(kafka: Kafka) -> None:
    """Its offsets are ours to move while nobody consumes."""
    end = kafka.end_offsets("t")
    assert kafka.group("own") == GroupState("Dead")
    assert kafka.committed("own", "t") == {}
    assert kafka.lag("own", "t") == sum(end.values())
    kafka.skip("own", "t")
    assert kafka.committed("own", "t") == end
    assert kafka.lag("own", "t") == 0
    kafka.reset("own", "t")
    assert kafka.committed("own", "t") == kafka.begin_offsets("t")
    assert kafka.group("own").state == "Empty"
    kafka.forget("own")
    assert kafka.committed("own", "t") == {}
    kafka.forget("own")


def test_a_topic_that_is_emptied_goes_on_where_it_was(kafka: Kafka) -> None:
    """Nobody reads again what was in it; what comes then has the next offsets."""
    kafka.produce("t", *(Record(b"emptied", b"old", p) for p in range(kafka.partitions("t"))))
    end = kafka.end_offsets("t")
    kafka.empty("t")
    assert kafka.begin_offsets("t") == kafka.end_offsets("t") == end
    (placed,) = kafka.produce("t", Record(b"emptied", b"new", 0))
    assert placed.offset == end[0]
    assert [r.value for r in kafka.read("t")] == [b"new"]


def test_the_members_of_a_group_are_containers(kafka: Kafka, stack: Stack, recorder: Recorder) -> None:
    """Two share three partitions; when one is killed the other has them all, and the record says who had what."""
    watch = GroupWatch(kafka, recorder, "g", "t")
    try:
        stack.up(["one", "two"], deps=False)
        eventually(
            lambda: oracle.settled(kafka.group("g"), "t", range(3), containers=2),
            within=UP_S,
            every=0.2,
            what="two members",
            retry_on=KAFKA_ERRORS,
        )
        assert set(oracle.holders(kafka.group("g"), "t")) == {"one-1", "two-1"}
        with pytest.raises(GraderError, match="UnknownMemberId"):
            kafka.reset("g", "t")
        with pytest.raises(GraderError, match="NonEmptyGroup"):
            kafka.forget("g")
        stack.container("one-1").kill()
        eventually(
            lambda: oracle.holders(kafka.group("g"), "t") == {"two-1": {0, 1, 2}},
            within=UP_S,
            every=0.2,
            what="one member",
        )
        recorder.wait_for(
            lambda h: any(e.actor == "two-1" and e.data["partitions"] == "0, 1, 2" for e in h.of("assigned")),
            within=10,
            what="the watch",
        )
    finally:
        watch.close()
        stack.container("two-1").kill()
    assert {e.actor for e in recorder.history().of("assigned")} == {"one-1", "two-1"}


def test_a_group_of_the_new_protocol_is_not_taken_for_a_missing_one(kafka: Kafka, stack: Stack) -> None:
    """The classic request does not know it."""
    stack.up(["new"], deps=False)
    eventually(
        lambda: kafka.group("n").state == "Stable" and kafka.lag("n", "t") == 0,
        within=UP_S,
        every=0.3,
        what="the new protocol",
        retry_on=KAFKA_ERRORS,
    )
    assert kafka.group("n").protocol == "consumer"
    assert "n" in kafka.groups()
    stack.container("new-1").kill()


def test_a_broker_that_advertises_localhost_is_reached_all_the_same(stack: Stack, recorder: Recorder) -> None:
    """The image's own configuration; other containers cannot use it, which is said."""
    stack.up(["quick"], deps=False)
    probe = Kafka(stack, recorder, "quick")
    eventually(probe.ready, within=UP_S, every=0.1, what="quick")
    assert probe.only_localhost()
    assert [(one.host, one.port) for one in probe.listeners()] == [("localhost", 9092)]
    assert probe.topics() == frozenset()
    stack.container("quick-1").kill()


def test_a_broker_that_stands_still_or_is_away(kafka: Kafka, stack: Stack, recorder: Recorder) -> None:
    """It says so in time, and everything is there when it is back."""
    end = kafka.end_offsets("t")
    faults = Faults(stack, lambda *_: None)
    with faults.paused("kafka"):
        assert not kafka.ready()
        with pytest.raises(KAFKA_ERRORS):
            kafka.topics()
    eventually(kafka.ready, within=UP_S, every=0.1, what="kafka goes on")
    with faults.stopped("kafka", grace_s=30):
        assert not kafka.ready()
        with pytest.raises(KAFKA_ERRORS):
            kafka.produce("t", Record(b"a", b"b"))
    eventually(kafka.ready, within=UP_S, every=0.1, what="kafka is back")
    assert kafka.end_offsets("t") == end
    assert kafka.committed("n", "t")
