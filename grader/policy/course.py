"""Mistakes of the course's own examples that a compose file shows by itself; each is explained, none refuses."""

from __future__ import annotations

import re
from collections.abc import Callable

from grader.model.text import msg
from grader.policy.image_names import parse
from grader.policy.scope import Project, Scope
from grader.policy.service import Judged

Lint = Callable[[Scope, Judged], None]
_LOCALHOST = re.compile(r"(?:://|@|^|,)(?:localhost|127\.0\.0\.1)(?::\d+)?", re.IGNORECASE)
_BROKER_DATA = "/var/lib/rabbitmq"
_KAFKA = frozenset({"apache/kafka", "confluentinc/cp-kafka"})
# Confluent's 8.0 is Apache Kafka 4.0, which has lost ZooKeeper.
_WITHOUT_ZOOKEEPER = {"apache/kafka": 4, "confluentinc/cp-kafka": 8}
_ADVERTISED = "KAFKA_ADVERTISED_LISTENERS"
# variables in which a service may well speak of itself: where it listens, its name, the quorum of a single Kafka node
_ITSELF = re.compile(r"LISTENER|BIND|QUORUM_|(HOST|NODE)_?NAME$", re.IGNORECASE)
_OWN_MACHINE = re.compile(r"[\w.-]+://\[?(?:localhost|127\.[\d.]+|::1|0\.0\.0\.0)\]?:\d+", re.IGNORECASE)


def lint(project: Project, services: dict[str, Judged]) -> None:
    """Look at every service that is started."""
    for name, one in services.items():
        scope = Scope(project, f"services.{name}", one.line, name)
        for look in LINTS:
            look(scope, one)


def is_rabbitmq(scope: Scope, one: Judged) -> bool:
    """Say whether a service is a RabbitMQ broker, by the contract or by the image at its root."""
    if scope.contract:
        return scope.contract.role == "rabbitmq"
    image = parse(str(one.emitted["image"]))
    return image is not None and image.upstream == "rabbitmq"


def _has_data_volume(one: Judged) -> bool:
    return any(
        m.get("source") and (m["target"] == _BROKER_DATA or m["target"].startswith(_BROKER_DATA + "/"))
        for m in one.emitted.get("volumes", [])
    )


def broker_without_volume(scope: Scope, one: Judged) -> None:
    """Queues of a broker without a named volume end with its container."""
    if is_rabbitmq(scope, one) and not _has_data_volume(one):
        scope.notice(
            "broker-without-volume",
            msg(
                "%(service)s has no named volume: docker compose down and up loses every queue and message.",
                service=one.name,
            ),
            msg("Mount a named volume at /var/lib/rabbitmq."),
        )


def broker_without_hostname(scope: Scope, one: Judged) -> None:
    """RabbitMQ keeps its data below its node's name, which is the container's host name."""
    environment = one.emitted.get("environment", {})
    named = "hostname" in one.emitted or "RABBITMQ_NODENAME" in environment
    if is_rabbitmq(scope, one) and _has_data_volume(one) and not named:
        scope.notice(
            "broker-without-hostname",
            msg(
                "%(service)s has a volume but no hostname: a new container does not find the old data.",
                service=one.name,
            ),
            msg("Write hostname: %(service)s.", service=one.name),
        )


def broker_user_not_declared(scope: Scope, one: Judged) -> None:
    """Without RABBITMQ_DEFAULT_USER and _PASS only guest may log in."""
    if not is_rabbitmq(scope, one):
        return
    environment = one.emitted.get("environment", {})
    missing = [n for n in ("RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS") if not environment.get(n)]
    own_configuration = any(
        "/etc/rabbitmq" in str(m["target"]) for m in [*one.emitted.get("configs", []), *one.emitted.get("volumes", [])]
    )
    if missing and not own_configuration and not str(one.emitted["image"]).startswith("build:"):
        scope.warn(
            "broker-user-not-declared",
            msg(
                "%(service)s does not set %(missing)s: only guest exists, and other logins are refused (403).",
                service=one.name,
                missing=", ".join(missing),
            ),
            msg("Set RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS under environment:."),
        )


def localhost_in_url(scope: Scope, one: Judged) -> None:
    """Within a container localhost is that container, not the broker's."""
    for name, text in one.emitted.get("environment", {}).items():
        if _LOCALHOST.search(text) and not _ITSELF.search(name):
            scope.at("environment", one.place("environment")).at(name).warn(
                "localhost-in-url",
                msg(
                    "%(name)s of %(service)s points to localhost, which is the container itself.",
                    name=name,
                    service=one.name,
                ),
                msg("Use the name of the service that is meant, as in amqp://rabbitmq:5672."),
            )


def kafka_without_zookeeper(scope: Scope, one: Judged) -> None:
    """A Kafka that has no ZooKeeper mode any more ends at once when it is configured for ZooKeeper only."""
    image = parse(str(one.emitted["image"]))
    environment = one.emitted.get("environment", {})
    since = _WITHOUT_ZOOKEEPER.get(image.upstream) if image else None
    if image is None or since is None or "KAFKA_PROCESS_ROLES" in environment:
        return
    release = re.match(r"\d+", image.tag)
    newest = image.tag == "latest" or (release is not None and int(release[0]) >= since)
    if newest and "KAFKA_ZOOKEEPER_CONNECT" in environment:
        scope.at("image", one.place("image")).warn(
            "kafka-without-zookeeper",
            msg(
                "%(service)s is set up for ZooKeeper, which %(image)s no longer has: it ends at once.",
                service=one.name,
                image=image.name,
            ),
            msg(
                "Pin confluentinc/cp-kafka:7.9.0, or set it up for KRaft (KAFKA_PROCESS_ROLES and what belongs to it)."
            ),
        )


def kafka_advertises_localhost(scope: Scope, one: Judged) -> None:
    """Clients connect to what the broker advertises: localhost sends every other container to itself."""
    image = parse(str(one.emitted["image"]))
    if not (scope.contract and scope.contract.role == "kafka") and not (image and image.upstream in _KAFKA):
        return
    listeners = [entry.strip() for entry in one.emitted.get("environment", {}).get(_ADVERTISED, "").split(",")]
    if all(_OWN_MACHINE.fullmatch(entry) for entry in listeners):
        scope.at("environment", one.place("environment")).at(_ADVERTISED).warn(
            "broker-advertises-localhost",
            msg(
                "%(service)s advertises localhost only: every other container is sent to itself and is refused.",
                service=one.name,
            ),
            msg(
                "Advertise the service's name: KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://%(service)s:9092. For programs "
                "on your own machine add a second listener with another port.",
                service=one.name,
            ),
        )


LINTS: tuple[Lint, ...] = (
    broker_without_volume,
    broker_without_hostname,
    broker_user_not_declared,
    localhost_in_url,
    kafka_without_zookeeper,
    kafka_advertises_localhost,
)
