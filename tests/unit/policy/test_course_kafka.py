"""What the course's Kafka files teach and a compose file shows by itself."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from grader import catalogue
from grader.errors import SubmissionRefusedError
from grader.model.assignment import Assignment, ContractService
from grader.model.text import Bilingual
from grader.model.workspace import Workspace
from grader.policy import judge

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

COURSE = """
version: '3.8'

services:
  zookeeper:
    image: confluentinc/cp-zookeeper:latest
    container_name: zookeeper
    environment:
      ZOOKEEPER_CLIENT_PORT: 2181
      ZOOKEEPER_TICK_TIME: 2000
    ports:
      - "2181:2181"

  kafka:
    image: confluentinc/cp-kafka:latest
    container_name: kafka
    depends_on:
      - zookeeper
    ports:
      - "9092:9092"
    environment:
      KAFKA_BROKER_ID: 1
      KAFKA_ZOOKEEPER_CONNECT: zookeeper:2181
      KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://localhost:9092
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 1
"""
KAFKA = Assignment(
    id="kafka",
    title=Bilingual(es="Kafka", en="Kafka"),
    services=(
        ContractService(name="kafka", role="kafka", port=9092, images=("apache/kafka", "confluentinc/cp-kafka")),
    ),
    checks=(),
)
ZOOKEEPER, LOCALHOST, URL = "kafka-without-zookeeper", "broker-advertises-localhost", "localhost-in-url"


class AnyImage:
    """A catalogue that has every name."""

    def find(self, name: str) -> object:
        return name

    def nearest(self, name: str) -> str:
        return name


def found(submission: Submission, text: str) -> dict[str, int]:
    """Return code -> line of what the lints on Kafka say."""
    submission.compose(text)
    plan = judge(Workspace(root=str(submission.root), name="entrega"), KAFKA, AnyImage())
    return {f.code: f.line for f in plan.findings if f.code in {ZOOKEEPER, LOCALHOST, URL}}


def test_the_courses_own_file_has_both_faults(submission: Submission) -> None:
    """It is accepted; both faults are named, at the image and at the environment."""
    assert found(submission, COURSE) == {ZOOKEEPER: 15, LOCALHOST: 21}


@pytest.mark.parametrize(
    ("image", "codes"),
    [
        ("confluentinc/cp-kafka:7.9.0", set()),
        ("confluentinc/cp-kafka:8.0.0", {ZOOKEEPER}),
        ("confluentinc/cp-kafka", {ZOOKEEPER}),
        ("apache/kafka:3.9.1", {ZOOKEEPER}),
        ("apache/kafka:4.1.0", {ZOOKEEPER}),
    ],
)
def test_a_release_without_zookeeper(submission: Submission, image: str, codes: set[str]) -> None:
    """What needs it does not start from there on."""
    text = COURSE.replace("confluentinc/cp-kafka:latest", image).replace("//localhost:", "//kafka:")
    assert set(found(submission, text)) == codes


@pytest.mark.parametrize(
    ("advertised", "faulty"),
    [
        ("PLAINTEXT://kafka:29092,PLAINTEXT_HOST://localhost:9092", False),
        ("PLAINTEXT://kafka:9092", False),
        ("A://127.0.0.1:9092, B://localhost:29092", True),
        ("PLAINTEXT://0.0.0.0:9092", True),
        ("", False),
    ],
)
def test_only_localhost_is_advertised(submission: Submission, advertised: str, faulty: bool) -> None:
    """One listener for containers is enough; with a configuration of its own nothing is said."""
    text = COURSE.replace("PLAINTEXT://localhost:9092", f'"{advertised}"').replace(":latest", ":7.9.0")
    assert (LOCALHOST in found(submission, text)) == faulty


def kafka(submission: Submission, attributes: str, image: str = "apache/kafka:3.9.1") -> list[tuple[str, str, int]]:
    """Return code, file and line of what the lints say of a broker with these attributes."""
    body = textwrap.indent(textwrap.dedent(attributes), "    ")
    submission.compose(f"services:\n  kafka:\n    image: {image}\n{body}\n")
    plan = judge(Workspace(root=str(submission.root), name="entrega"), KAFKA, catalogue.load())
    return [(f.code, f.file, f.line) for f in plan.findings if f.severity == "warning"]


ROLES = """
environment:
  KAFKA_NODE_ID: 1
  KAFKA_PROCESS_ROLES: broker,controller
  KAFKA_CONTROLLER_LISTENER_NAMES: CONTROLLER
  KAFKA_LISTENERS: {listeners}
"""
PROPERTIES = """\
# ours
process.roles=broker,controller
controller.listener.names = CONTROLLER
listeners=PLAINTEXT://:9092,CONTROLLER://localhost:9093
{advertised}
"""


@pytest.mark.parametrize("attributes", ["", "environment: {CLUSTER_ID: abc, KAFKA_HEAP_OPTS: -Xmx512m}"])
def test_apaches_image_advertises_localhost_by_itself(submission: Submission, attributes: str) -> None:
    """Without a setting of the broker's its built-in file counts, and the image is where that is said."""
    assert kafka(submission, attributes) == [(LOCALHOST, "compose.yaml", 3)]


@pytest.mark.parametrize(
    ("listeners", "faulty"),
    [
        ("PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093", True),
        ("PLAINTEXT://kafka:9092,CONTROLLER://localhost:9093", False),
        ("PLAINTEXT://:9092,CONTROLLER://:9093", False),
    ],
)
def test_what_it_listens_on_is_advertised_where_nothing_else_is(
    submission: Submission, listeners: str, faulty: bool
) -> None:
    """The controller's listener is none of them."""
    assert kafka(submission, ROLES.format(listeners=listeners)) == ([(LOCALHOST, "compose.yaml", 5)] if faulty else [])


@pytest.mark.parametrize(
    ("advertised", "faulty"),
    [
        ("advertised.listeners=PLAINTEXT://localhost:9092", True),
        ("advertised.listeners = PLAINTEXT://kafka:9092", False),
        ("#advertised.listeners=PLAINTEXT://kafka:9092", False),
    ],
)
@pytest.mark.parametrize(
    "mount", ["./config:/mnt/shared/config", "./config/server.properties:/mnt/shared/config/server.properties"]
)
def test_a_mounted_properties_file_is_read(submission: Submission, mount: str, advertised: str, faulty: bool) -> None:
    """As a file or in its folder; its own line is named."""
    submission.write("config/server.properties", PROPERTIES.format(advertised=advertised))
    expected = [(LOCALHOST, "config/server.properties", 5)] if faulty else []
    assert kafka(submission, f"volumes: ['{mount}']") == expected


def test_the_built_in_file_may_be_mounted_over(submission: Submission) -> None:
    """Then that one counts where nothing else does."""
    for name, address in (("good", "kafka"), ("bad", "localhost")):
        advertised = f"advertised.listeners=PLAINTEXT://{address}:9092"
        submission.write(f"{name}.properties", PROPERTIES.format(advertised=advertised))
    assert kafka(submission, "volumes: ['./good.properties:/etc/kafka/docker/server.properties']") == []
    assert kafka(submission, "volumes: ['./bad.properties:/etc/kafka/docker/server.properties']") == [
        (LOCALHOST, "bad.properties", 5)
    ]


def test_a_start_of_its_own_is_not_judged_by_the_images_default(submission: Submission) -> None:
    """Its command may say anything."""
    assert kafka(submission, "command: sh -c 'KAFKA_X=y /etc/kafka/docker/run'") == []


def test_variables_win_over_a_mounted_file(submission: Submission) -> None:
    """They stand behind it."""
    submission.write("s.properties", PROPERTIES.format(advertised="advertised.listeners=PLAINTEXT://localhost:9092"))
    attributes = """
    volumes: ['./s.properties:/mnt/shared/config/server.properties']
    environment: {KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:9092'}
    """
    assert kafka(submission, attributes) == []


def test_a_node_is_its_own_quorum(submission: Submission) -> None:
    """A single KRaft node finds its controller on localhost; that is no address for others."""
    text = COURSE.replace("//localhost:", "//kafka:").replace(
        "KAFKA_ZOOKEEPER_CONNECT: zookeeper:2181",
        "KAFKA_PROCESS_ROLES: broker,controller\n      KAFKA_CONTROLLER_QUORUM_VOTERS: 1@localhost:9093",
    )
    assert found(submission, text) == {}


@pytest.mark.parametrize(
    ("image", "connects", "instead"),
    [
        ("wurstmeister/kafka", "KAFKA_ZOOKEEPER_CONNECT: zookeeper:2181", "confluentinc/cp-kafka:7.9.0"),
        ("confluentinc/cp-kafka:7.2", "KAFKA_ZOOKEEPER_CONNECT: zookeeper:2181", "confluentinc/cp-kafka:7.9.0"),
        ("apache/kafka:3.8", "KAFKA_PROCESS_ROLES: broker", "apache/kafka:3.9.1"),
        ("apache/kafka:3.8", "KAFKA_ZOOKEEPER_CONNECT: zookeeper:2181", "confluentinc/cp-kafka:7.9.0"),
        ("redpandadata/redpanda", "X: y", "apache/kafka:3.9.1"),
        ("bitnami/kafka:3.8", "KAFKA_ZOOKEEPER_CONNECT: zookeeper:2181", "confluentinc/cp-kafka:7.9.0"),
    ],
)
def test_the_broker_to_use_instead_is_one_that_starts_as_it_is_set_up(
    submission: Submission, image: str, connects: str, instead: str
) -> None:
    """What is set up for ZooKeeper is sent to an image that knows it, whatever its name was."""
    submission.compose(f"services:\n  kafka:\n    image: {image}\n    environment:\n      {connects}\n")
    with pytest.raises(SubmissionRefusedError) as refused:
        judge(Workspace(root=str(submission.root), name="entrega"), KAFKA, catalogue.load())
    (finding,) = refused.value.findings
    assert finding.remedy
    assert finding.remedy.params["image"] == instead


def test_what_is_set_for_another_image_is_told_by_its_new_name(submission: Submission) -> None:
    """Whoever takes the image that is proposed learns at once what else to write."""
    submission.compose(
        "services:\n  kafka:\n    image: wurstmeister/kafka\n    environment: {KAFKA_ADVERTISED_HOST_NAME: kafka}\n"
    )
    with pytest.raises(SubmissionRefusedError) as refused:
        judge(Workspace(root=str(submission.root), name="entrega"), KAFKA, catalogue.load())
    (finding,) = refused.value.findings
    assert finding.remedy
    assert finding.remedy.params == {
        "image": "confluentinc/cp-kafka:7.9.0",
        "new": "KAFKA_ADVERTISED_HOST_NAME → KAFKA_ADVERTISED_LISTENERS",
    }
