"""Variables that images need, refuse, or do not know."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from grader import catalogue
from grader.i18n import render
from grader.model.workspace import Workspace
from grader.policy import judge
from grader.policy.bitnami import replacements
from grader.policy.variables import of_image

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

MISSING, REFUSED, FOREIGN = "variable-missing", "variable-refused", "variable-foreign"
KRAFT = "KAFKA_PROCESS_ROLES: broker,controller, KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:9092'"


def said(submission: Submission, image: str, environment: str, more: str = "") -> dict[str, tuple[str, int]]:
    """Return code -> (what is said, with its remedy; line) of a service that sets these variables."""
    body = textwrap.indent(textwrap.dedent(more), "    ")
    submission.compose(f"services:\n  one:\n    image: {image}\n    environment: {{{environment}}}\n{body}\n")
    plan = judge(Workspace(root=str(submission.root), name="entrega"), None, catalogue.load())
    found = {}
    for finding in plan.findings:
        if finding.code in {MISSING, REFUSED, FOREIGN}:
            assert finding.remedy
            text = f"{render(finding.message, 'en')} {render(finding.remedy, 'en')}"
            found[finding.code] = (text, finding.line)
    return found


@pytest.mark.parametrize(
    ("image", "environment", "names"),
    [
        ("postgres:15", "POSTGRES_USER: app", ["POSTGRES_PASSWORD: …"]),
        ("postgres:15", "POSTGRES_PASSWORD: ''", ["POSTGRES_PASSWORD"]),
        ("postgres:15", "POSTGRES_PASSWORD: a", []),
        ("postgres:15", "POSTGRES_PASSWORD_FILE: /run/secrets/pw", []),
        ("postgres:15", "POSTGRES_HOST_AUTH_METHOD: trust", []),
        ("confluentinc/cp-kafka:7.9.0", "", ["KAFKA_ZOOKEEPER_CONNECT: zookeeper:2181", "PLAINTEXT://one:9092"]),
        ("confluentinc/cp-kafka:7.9.0", KRAFT, ["CLUSTER_ID: "]),
        ("confluentinc/cp-kafka:8.0.0", KRAFT, ["CLUSTER_ID: "]),
        ("confluentinc/cp-kafka", "", ["KAFKA_PROCESS_ROLES: broker,controller", "CLUSTER_ID", "KAFKA_ADVERTISED_LIS"]),
        ("confluentinc/cp-kafka:8.0.0", f"{KRAFT}, CLUSTER_ID: a", []),
        ("confluentinc/cp-kafka:8.0.0", "KAFKA_PROCESS_ROLES: controller, CLUSTER_ID: a", []),
        ("confluentinc/cp-zookeeper:7.9.0", "ZOOKEEPER_TICK_TIME: 2000", ["ZOOKEEPER_CLIENT_PORT: 2181"]),
        ("confluentinc/cp-zookeeper:7.9.0", "ZOOKEEPER_CLIENT_PORT: 2181", []),
        ("apache/kafka:3.9.1", "", []),
        ("apache/kafka:3.9.1", "KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false'", ["KAFKA_PROCESS_ROLES: broker,controller"]),
        ("apache/kafka:3.9.1", KRAFT, []),
        ("redis:7-alpine", "", []),
    ],
)
def test_what_an_image_does_not_start_without_is_named(
    submission: Submission, image: str, environment: str, names: list[str]
) -> None:
    """With what to write."""
    found = said(submission, image, environment)
    assert (MISSING in found) == bool(names)
    assert all(name in found[MISSING][0] for name in names)


@pytest.mark.parametrize("more", ["command: postgres -c log_statement=all", "command: ['-c', 'work_mem=8MB']"])
def test_options_of_the_server_are_no_other_start(submission: Submission, more: str) -> None:
    """The password is needed all the same."""
    assert MISSING in said(submission, "postgres:15", "", more)


@pytest.mark.parametrize("more", ["command: sh -c 'exec run'", "entrypoint: /start"])
def test_what_another_start_needs_is_not_known(submission: Submission, more: str) -> None:
    """A service that does not leave its start to the image's script knows itself what it sets."""
    assert said(submission, "postgres:15", "", more) == {}


@pytest.mark.parametrize(
    "name", ["VM_MEMORY_HIGH_WATERMARK", "DEFAULT_USER_FILE", "SSL_CACERTFILE", "MANAGEMENT_SSL_VERIFY"]
)
def test_what_rabbitmq_ends_with_is_named(submission: Submission, name: str) -> None:
    """At its line, with the file that says it today."""
    text, line = said(submission, "rabbitmq:3-management", f"RABBITMQ_{name}: '0.6'")[REFUSED]
    assert f"RABBITMQ_{name}" in text
    assert "/etc/rabbitmq/conf.d/" in text
    assert line == 4
    assert said(submission, "rabbitmq:3-management", f"RABBITMQ_{name}: ''") == {}


@pytest.mark.parametrize(
    ("image", "environment", "remedy"),
    [
        (
            "apache/kafka:3.9.1",
            "KAFKA_CFG_NODE_ID: 1, KAFKA_CFG_PROCESS_ROLES: broker, ALLOW_PLAINTEXT_LISTENER: 'yes'",
            "Write instead: KAFKA_CFG_NODE_ID → KAFKA_NODE_ID, KAFKA_CFG_PROCESS_ROLES → KAFKA_PROCESS_ROLES. "
            "Leave out: ALLOW_PLAINTEXT_LISTENER.",
        ),
        (
            "confluentinc/cp-kafka:7.9.0",
            "KAFKA_ZOOKEEPER_CONNECT: z, KAFKA_ADVERTISED_HOST_NAME: kafka, KAFKA_CREATE_TOPICS: 'a:3:1'",
            "KAFKA_ADVERTISED_HOST_NAME → KAFKA_ADVERTISED_LISTENERS. Leave out: KAFKA_CREATE_TOPICS.",
        ),
        ("confluentinc/cp-zookeeper:7.9.0", "ZOO_PORT_NUMBER: 2181, ZOO_MY_ID: 1", "ZOO_MY_ID → ZOOKEEPER_SERVER_ID"),
        ("rabbitmq:4-management", "RABBITMQ_USERNAME: a", "RABBITMQ_USERNAME → RABBITMQ_DEFAULT_USER."),
        ("postgres:16", "POSTGRESQL_PASSWORD: a", "POSTGRESQL_PASSWORD → POSTGRES_PASSWORD."),
    ],
)
def test_variables_of_another_publishers_image_are_named(
    submission: Submission, image: str, environment: str, remedy: str
) -> None:
    """With the names that this image knows; that it lacks what they mean is not said a second time."""
    found = said(submission, image, environment)
    assert remedy in found[FOREIGN][0]
    assert MISSING not in found


def test_what_a_services_own_command_reads_is_not_foreign(submission: Submission) -> None:
    """Redis' own image has no variable for a password, and many a command reads one of that name."""
    more = "command: sh -c 'redis-server --requirepass \"$$REDIS_PASSWORD\"'"
    assert said(submission, "redis:7-alpine", "REDIS_PASSWORD: a", more) == {}
    assert FOREIGN in said(submission, "redis:7-alpine", "REDIS_PASSWORD: a")


def test_what_is_only_left_over_is_a_notice(submission: Submission) -> None:
    """It does no harm, and the program is right."""
    submission.compose("services:\n  one:\n    image: redis:7\n    environment: {ALLOW_EMPTY_PASSWORD: 'yes'}\n")
    plan = judge(Workspace(root=str(submission.root), name="entrega"), None, catalogue.load())
    assert [f.severity for f in plan.findings if f.code == FOREIGN] == ["notice"]


def test_right_names_are_foreign_to_nobody() -> None:
    """No image is told that a name is foreign to it which another's is replaced by."""
    for replacement in replacements().values():
        family = of_image(replacement.image.partition(":")[0]).foreign
        assert not family.keys() & set(replacement.variables.values())
