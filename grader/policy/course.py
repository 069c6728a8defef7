"""Mistakes of the course's own examples that a compose file shows by itself; each is explained, none refuses."""

from __future__ import annotations

import re
from collections.abc import Callable

from grader.model.text import msg
from grader.policy import course_kafka, variables
from grader.policy.image import parse
from grader.policy.judged import Judged
from grader.policy.scope import Project, Scope

Lint = Callable[[Scope, Judged], None]
_LOCALHOST = re.compile(r"(?:://|@|^|,)(?:localhost|127\.0\.0\.1)(?::\d+)?", re.IGNORECASE)
_BROKER_DATA = "/var/lib/rabbitmq"
# variables in which a service may well speak of itself: where it listens, its name, the quorum of a single Kafka node
_ITSELF = re.compile(r"LISTENER|BIND|QUORUM_|(HOST|NODE)_?NAME$", re.IGNORECASE)


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


LINTS: tuple[Lint, ...] = (
    broker_without_volume,
    broker_without_hostname,
    broker_user_not_declared,
    localhost_in_url,
    course_kafka.without_zookeeper,
    course_kafka.advertises_localhost,
    variables.missing,
    variables.refused,
    variables.foreign,
)
