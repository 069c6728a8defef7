"""The equivalents of Kafka and ZooKeeper start, refuse and carry the commands as the originals do."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from grader import polling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker
    from docker.models.containers import Container
    from docker.models.networks import Network

    from grader.model.grade import ResolvedImage

pytestmark = pytest.mark.docker

# Generous: measured are 3 s to 7 s on two free cores.
START_S = 90.0
COMBINED = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://localhost:9092",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "CLUSTER_ID": "MkU3OEVBNTcwNTJENDM2Qk",
}


@pytest.fixture
def network(engine: docker.DockerClient) -> Iterator[Network]:
    made = engine.networks.create(f"grader-test-{uuid.uuid4().hex[:12]}", labels={"grader.test": "images"})
    yield made
    made.remove()


def started(container: Container) -> str:
    """Wait until the broker says that it runs; return its log. Ends at once when the container does."""

    def there() -> str | None:
        container.reload()
        log = container.logs().decode()
        return log if "Kafka Server started" in log or "KafkaServer id=1] started" in log else None

    return polling.eventually(there, within=START_S, every=0.2, what="a Kafka that runs") or ""


@pytest.mark.parametrize("name", ["apache/kafka:3.9.1", "apache/kafka:4.1.0"])
def test_apache_kafka_without_configuration_is_a_single_node(
    name: str, equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
) -> None:
    """It advertises localhost:9092, has the commands of the original, and ends on SIGTERM."""
    image = equivalent(name)
    assert image.version == name.partition(":")[2]
    kafka = container(image.reference)
    started(kafka)
    topics = ["/opt/kafka/bin/kafka-topics.sh", "--bootstrap-server", "localhost:9092"]
    created = kafka.exec_run([*topics, "--create", "--topic", "t", "--partitions", "3"])
    assert created.exit_code == 0, created.output.decode()
    assert "PartitionCount: 3" in kafka.exec_run([*topics, "--describe", "--topic", "t"]).output.decode()
    assert kafka.exec_run(["id", "-un"]).output.decode().strip() == "appuser"
    kafka.stop(timeout=60)
    assert kafka.wait()["StatusCode"] in {0, 143}


def test_variables_become_properties(
    equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
) -> None:
    """Any KAFKA_ variable replaces the built-in file; underscores are dots."""
    settings = COMBINED | {"KAFKA_NUM_PARTITIONS": "4", "KAFKA_LOG_DIRS": "/var/lib/kafka/data"}
    kafka = container(equivalent("apache/kafka:3.9.1").reference, environment=settings)
    started(kafka)
    written = kafka.exec_run(["cat", "/opt/kafka/config/server.properties"]).output.decode().splitlines()
    assert {"num.partitions=4", "log.dirs=/var/lib/kafka/data", "node.id=1"} <= set(written)
    assert not any(line.startswith("version") for line in written)


def test_variables_stand_behind_a_mounted_file(
    equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
) -> None:
    """The file is read with them, and what they say wins."""
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": "1@localhost:9093",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "num.partitions": "2",
    }
    kafka = container(
        equivalent("apache/kafka:3.9.1").reference,
        environment={"KAFKA_NUM_PARTITIONS": "5"},
        files={"mnt/shared/config/server.properties": "\n".join(f"{k}={v}" for k, v in properties.items())},
    )
    assert "num.partitions = 5" in started(kafka)


@pytest.mark.parametrize(
    ("name", "settings", "wanted"),
    [
        ("confluentinc/cp-kafka:7.9.0", {}, "KAFKA_ZOOKEEPER_CONNECT is required"),
        (
            "confluentinc/cp-kafka:7.9.0",
            {"KAFKA_ZOOKEEPER_CONNECT": "z:2181"},
            "KAFKA_ADVERTISED_LISTENERS is required",
        ),
        ("confluentinc/cp-kafka:8.0.0", {"KAFKA_ZOOKEEPER_CONNECT": "z:2181"}, "KAFKA_PROCESS_ROLES is required"),
        (
            "confluentinc/cp-zookeeper:7.9.0",
            {"ZOOKEEPER_CLIENT_PORT": "2181", "ZOOKEEPER_SERVERS": "z:2888:3888"},
            "ZOOKEEPER_SERVER_ID is required",
        ),
    ],
)
def test_what_is_missing_is_named(
    name: str,
    settings: dict[str, str],
    wanted: str,
    equivalent: Callable[[str], ResolvedImage],
    container: Callable[..., Container],
) -> None:
    """An incomplete configuration ends the container with the variable's name."""
    incomplete = container(equivalent(name).reference, environment=settings)
    assert incomplete.wait(timeout=START_S)["StatusCode"] == 1
    assert wanted in incomplete.logs().decode()


def test_a_broker_of_zookeeper(
    network: Network, equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
) -> None:
    """The course's pair: ZooKeeper and a broker without roles; the commands have no .sh."""
    keeper = container(
        equivalent("confluentinc/cp-zookeeper:7.9.0").reference,
        name=f"{network.name}-zookeeper",  # the engine's own names have underscores, which Java takes for no host
        network=network.name,
        environment={"ZOOKEEPER_CLIENT_PORT": "2181", "ZOOKEEPER_TICK_TIME": "2000"},
    )
    kafka = container(
        equivalent("confluentinc/cp-kafka:7.9.0").reference,
        network=network.name,
        environment={
            "KAFKA_BROKER_ID": "1",
            "KAFKA_ZOOKEEPER_CONNECT": f"{keeper.name}:2181",
            "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://localhost:9092",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        },
    )
    started(kafka)
    listed = kafka.exec_run(["kafka-topics", "--bootstrap-server", "localhost:9092", "--list"])
    assert listed.exit_code == 0, listed.output.decode()
    assert kafka.exec_run(["cub", "kafka-ready", "-b", "localhost:9092", "1", "20"]).exit_code == 0


def test_cp_kafka_8_is_a_kraft_node(
    equivalent: Callable[[str], ResolvedImage], container: Callable[..., Container]
) -> None:
    """With roles and a cluster id it starts by itself."""
    started(container(equivalent("confluentinc/cp-kafka:8.0.0").reference, environment=COMBINED))
