"""Kafka as a compose file sets it up: what the broker will advertise, and whether its image still knows ZooKeeper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from grader.brokers.seen import Remark
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from grader.brokers.seen import Image, Mounted, Seen

APACHE, CONFLUENT = "apache/kafka", "confluentinc/cp-kafka"
FIRST_WITHOUT_ZOOKEEPER = 8  # of Confluent's: Apache Kafka 4.0. Apache's own image has never started with it
_ADVERTISED, _LISTENERS = "advertised.listeners", "listeners"
_ADVERTISES = "KAFKA_ADVERTISED_LISTENERS"
_MOUNTED = "/mnt/shared/config"
_DEFAULTS = "/etc/kafka/docker"  # where the built-in file lies, which may be mounted over
_PROPERTIES = "server.properties"
# As Apache's image has it where nobody sets it up.
_BUILT_IN = {_ADVERTISED: "PLAINTEXT://localhost:29092,PLAINTEXT_HOST://localhost:9092", "process.roles": "broker"}
_DEFAULT_LISTENERS = "PLAINTEXT://:9092"
# For the start of the broker and no settings of its.
_NO_SETTINGS = frozenset(
    f"KAFKA_{name}"
    for name in (
        "VERSION", "HEAP_OPTS", "LOG4J_OPTS", "OPTS", "JMX_OPTS", "JVM_PERFORMANCE_OPTS", "GC_LOG_OPTS",
        "LOG4J_ROOT_LOGLEVEL", "LOG4J_LOGGERS", "TOOLS_LOG4J_LOGLEVEL", "JMX_HOSTNAME",
    )
)  # fmt: skip
_OWN_MACHINE = re.compile(r"[\w.-]+://\[?(?:localhost|127\.[\d.]+|::1|0\.0\.0\.0)\]?:\d+", re.IGNORECASE)


class SetUp(NamedTuple):
    """The properties that a broker starts with. file: of the submission, where one is mounted; lines: of its names."""

    properties: dict[str, str]
    file: str = ""
    lines: dict[str, int] = {}  # noqa: RUF012 - never changed
    built_in: bool = False


def major(image: Image) -> int | None:
    """Return the major version that a tag names, None where it names none."""
    found = re.match(r"\d+", image.tag)
    return int(found[0]) if found else None


def set_up(seen: Seen, image: Image) -> SetUp:
    """Return what Kafka's image starts its broker with, as far as the compose file decides it."""
    settings = {_property(name): text for name, text in seen.environment.items() if _is_setting(name)}
    if image.upstream != APACHE:
        return SetUp(settings)
    mounted = seen.mounted(f"{_MOUNTED}/{_PROPERTIES}")
    if mounted is None and not settings:
        mounted = seen.mounted(f"{_DEFAULTS}/{_PROPERTIES}")
    if mounted is None:
        return SetUp(settings) if settings else SetUp(dict(_BUILT_IN), built_in=True)
    return _of_file(mounted, settings)


def _of_file(mounted: Mounted, settings: dict[str, str]) -> SetUp:
    lines = enumerate(mounted.text.splitlines(), 1)
    written = [(n, *line.partition("=")) for n, line in lines if not re.match(r"\s*[#!]", line)]
    found = {name.strip(): value.strip() for _, name, equals, value in written if equals}
    return SetUp(found | settings, mounted.file, {name.strip(): n for n, name, equals, _ in written if equals})


def _is_setting(name: str) -> bool:
    return name.startswith("KAFKA_") and name not in _NO_SETTINGS


def _property(name: str) -> str:
    dotted = name.removeprefix("KAFKA_").lower().replace("_", ".")
    return dotted.replace("...", "-").replace("..", "_")


def without_zookeeper(seen: Seen) -> Remark | None:
    """A Kafka that has no ZooKeeper mode ends at once when it is configured for ZooKeeper only."""
    image, environment = seen.image, seen.environment
    if image is None or image.upstream not in {APACHE, CONFLUENT} or "KAFKA_PROCESS_ROLES" in environment:
        return None
    release = major(image)
    knows = image.upstream == CONFLUENT and release is not None and release < FIRST_WITHOUT_ZOOKEEPER
    if knows or "KAFKA_ZOOKEEPER_CONNECT" not in environment:
        return None
    return Remark(
        code="kafka-without-zookeeper",
        message=msg(
            "%(service)s is set up for ZooKeeper, which %(image)s does not have: it ends at once.",
            service=seen.name,
            image=image.name,
        ),
        remedy=msg(
            "Pin confluentinc/cp-kafka:7.9.0, or set it up for KRaft (KAFKA_PROCESS_ROLES and what belongs to it)."
        ),
        at=("image",),
    )


def advertises_localhost(seen: Seen) -> Remark | None:
    """Clients connect to what the broker advertises: localhost sends every other container to itself."""
    image, environment = seen.image, seen.environment
    kafka = image is not None and image.upstream in {APACHE, CONFLUENT}
    if not kafka and seen.role != "kafka":
        return None
    if image is None or not kafka or seen.built:  # what else is set there is the Dockerfile's to say
        found = SetUp({_ADVERTISED: environment[_ADVERTISES]} if _ADVERTISES in environment else {})
    else:
        found = set_up(seen, image)
    if image and image.upstream == CONFLUENT and _ADVERTISED not in found.properties:
        return None  # it does not start without
    addresses = _advertised(found)
    if not addresses or not all(_OWN_MACHINE.fullmatch(address) for address in addresses):
        return None
    if found.built_in and image:
        return _advertises_built_in(seen, image) if seen.runs_own_script() else None
    file, line = ("", 0) if _ADVERTISES in environment else _place(found)
    return Remark(
        code="broker-advertises-localhost",
        message=_words(seen.name, found),
        remedy=_advertise(seen.name, found),
        at=("environment", _ADVERTISES),
        file=file,
        line=line,
    )


def _advertises_built_in(seen: Seen, image: Image) -> Remark:
    return Remark(
        code="broker-advertises-localhost",
        message=msg(
            "%(service)s sets up nothing, and %(image)s then advertises localhost only: every other container is "
            "sent to itself and is refused.",
            service=seen.name,
            image=image.name,
        ),
        remedy=whole(seen.name),
        at=("image",),
    )


def _words(service: str, found: SetUp) -> Text:
    if _ADVERTISED in found.properties:
        return msg(
            "%(service)s advertises localhost only: every other container is sent to itself and is refused.",
            service=service,
        )
    return msg(
        "%(service)s has no advertised listeners and advertises what it listens on, localhost only: every other "
        "container is sent to itself and is refused.",
        service=service,
    )


def _advertised(found: SetUp) -> list[str]:
    """Return the addresses that clients are given; [] where none are, as a controller's or Confluent's without them."""
    properties = found.properties
    roles = properties.get("process.roles", "")
    listeners = properties.get(_LISTENERS, "")
    if _ADVERTISED in properties:
        text = properties[_ADVERTISED]
    elif roles and roles.strip() != "controller":
        text = listeners or _DEFAULT_LISTENERS
    else:
        return []
    controllers = {name.strip().upper() for name in properties.get("controller.listener.names", "").split(",")}
    entries = [entry.strip() for entry in text.split(",")]
    return [entry for entry in entries if entry and entry.partition("://")[0].upper() not in controllers]


def _place(found: SetUp) -> tuple[str, int]:
    """Return the place in the mounted file, where that says it."""
    line = found.lines.get(_ADVERTISED) or found.lines.get(_LISTENERS)
    return (found.file, line) if found.file and line else ("", 0)


def whole(service: str) -> Text:
    """Return how a single broker is set up by variables, all that it takes."""
    return msg(
        "Set it up whole, since with one variable the built-in settings count no more: KAFKA_NODE_ID: 1, "
        "KAFKA_PROCESS_ROLES: broker,controller, KAFKA_LISTENERS: PLAINTEXT://:9092,CONTROLLER://:9093, "
        "KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://%(service)s:9092, KAFKA_CONTROLLER_LISTENER_NAMES: CONTROLLER, "
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT, "
        "KAFKA_CONTROLLER_QUORUM_VOTERS: 1@localhost:9093, KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 1.",
        service=service,
    )


def _advertise(service: str, found: SetUp) -> Text:
    if found.file:
        return msg(
            "Advertise the service's name: advertised.listeners=PLAINTEXT://%(service)s:9092 in %(file)s.",
            service=service,
            file=found.file,
        )
    return msg(
        "Advertise the service's name: KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://%(service)s:9092. For programs "
        "on your own machine add a second listener with another port.",
        service=service,
    )
