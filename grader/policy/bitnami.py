"""Images of Bitnami: gone from Docker Hub since August 2025, and still in many a course's examples.

Each that stood for a broker or database has an image of the catalogue in its place, whose variables and folders are
called otherwise; what a submission sets is told by its new name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.policy.image import Image

_REPOSITORY = re.compile(r"(?:public\.ecr\.aws/)?(?P<owner>bitnami|bitnamilegacy)/(?P<name>[a-z0-9._-]+)\Z")
_SETTINGS = re.compile(r"KAFKA_CFG_(?P<name>\w+)\Z")
ZOOKEEPER_MODE = frozenset({"KAFKA_CFG_ZOOKEEPER_CONNECT", "KAFKA_ZOOKEEPER_CONNECT"})
WITH_ZOOKEEPER = "confluentinc/cp-kafka"  # Apache's own image starts without ZooKeeper only
_LEAVE_OUT = ""
_EVERYWHERE = {"BITNAMI_DEBUG": _LEAVE_OUT, "ALLOW_EMPTY_PASSWORD": _LEAVE_OUT}


class Sets(msgspec.Struct, frozen=True):
    """What a service sets besides its image: names of variables, and paths at which something is mounted."""

    variables: tuple[str, ...]
    targets: tuple[str, ...]


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in an image's place.

    image: of the catalogue. variables: old name -> what is written instead ("" where nothing is). folders: the same of
    folders for data. also: what the new image needs besides, unless a variable brings it.
    """

    image: str
    variables: Mapping[str, str]
    folders: Mapping[str, str]
    also: str = ""


_KAFKA_VARIABLES = {
    **_EVERYWHERE,
    "KAFKA_CFG_*": "KAFKA_*",
    "ALLOW_PLAINTEXT_LISTENER": _LEAVE_OUT,
    "KAFKA_ENABLE_KRAFT": _LEAVE_OUT,
    "KAFKA_KRAFT_CLUSTER_ID": "CLUSTER_ID",
}
_KAFKA = Replacement(
    image="apache/kafka:3.9.1", variables=_KAFKA_VARIABLES, folders={"/bitnami/kafka": "/var/lib/kafka/data"}
)
_KAFKA_WITH_ZOOKEEPER = msgspec.structs.replace(_KAFKA, image=f"{WITH_ZOOKEEPER}:7.9.0")
REPLACEMENTS: dict[str, Replacement] = {
    "kafka": _KAFKA,
    "zookeeper": Replacement(
        image="confluentinc/cp-zookeeper:7.9.0",
        variables={
            **_EVERYWHERE,
            "ALLOW_ANONYMOUS_LOGIN": _LEAVE_OUT,
            "ZOO_PORT_NUMBER": "ZOOKEEPER_CLIENT_PORT",
            "ZOO_SERVER_ID": "ZOOKEEPER_SERVER_ID",
            "ZOO_SERVERS": "ZOOKEEPER_SERVERS",
            "ZOO_TICK_TIME": "ZOOKEEPER_TICK_TIME",
        },
        folders={"/bitnami/zookeeper": "/var/lib/zookeeper/data"},
        also="ZOOKEEPER_CLIENT_PORT: 2181",
    ),
    "rabbitmq": Replacement(
        image="rabbitmq:4-management",
        variables={
            **_EVERYWHERE,
            "RABBITMQ_USERNAME": "RABBITMQ_DEFAULT_USER",
            "RABBITMQ_PASSWORD": "RABBITMQ_DEFAULT_PASS",
            "RABBITMQ_VHOST": "RABBITMQ_DEFAULT_VHOST",
            "RABBITMQ_NODE_NAME": "RABBITMQ_NODENAME",
            "RABBITMQ_NODE_TYPE": _LEAVE_OUT,
            "RABBITMQ_MANAGEMENT_ALLOW_WEB_ACCESS": _LEAVE_OUT,
            "RABBITMQ_MANAGEMENT_PORT_NUMBER": _LEAVE_OUT,
            "RABBITMQ_PLUGINS": _LEAVE_OUT,
            "RABBITMQ_SECURE_PASSWORD": _LEAVE_OUT,
        },
        folders={"/bitnami/rabbitmq/mnesia": "/var/lib/rabbitmq", "/bitnami": "/var/lib/rabbitmq"},
    ),
    "redis": Replacement(
        image="redis:7-alpine",
        variables={
            **_EVERYWHERE,
            "REDIS_PASSWORD": "command: redis-server --requirepass …",
            "REDIS_PORT_NUMBER": "command: redis-server --port …",
            "REDIS_AOF_ENABLED": "command: redis-server --appendonly …",
            "REDIS_EXTRA_FLAGS": "command: redis-server …",
            "REDIS_DISABLE_COMMANDS": _LEAVE_OUT,
            "REDIS_REPLICATION_MODE": _LEAVE_OUT,
        },
        folders={"/bitnami/redis/data": "/data", "/bitnami/redis": "/data", "/bitnami": "/data"},
    ),
    "postgresql": Replacement(
        image="postgres:16-alpine",
        variables={
            **_EVERYWHERE,
            "POSTGRESQL_USERNAME": "POSTGRES_USER",
            "POSTGRESQL_PASSWORD": "POSTGRES_PASSWORD",
            "POSTGRESQL_PASSWORD_FILE": "POSTGRES_PASSWORD_FILE",
            "POSTGRESQL_DATABASE": "POSTGRES_DB",
            "POSTGRESQL_INITDB_ARGS": "POSTGRES_INITDB_ARGS",
            "POSTGRESQL_POSTGRES_PASSWORD": _LEAVE_OUT,
            "POSTGRESQL_PORT_NUMBER": "PGPORT",
        },
        folders={"/bitnami/postgresql": "/var/lib/postgresql/data"},
    ),
}


def gone(image: Image) -> bool:
    """Say whether an image is one of those that Docker Hub no longer has."""
    found = _REPOSITORY.match(image.upstream)
    return bool(found and found["owner"] == "bitnami" and not image.host)


def replacement(image: Image, variables: Iterable[str]) -> Replacement | None:
    """Return what of the catalogue stands in for an image of Bitnami; None for any other image."""
    found = _REPOSITORY.match(image.upstream)
    if found and found["name"] == "kafka" and ZOOKEEPER_MODE.intersection(variables):
        return _KAFKA_WITH_ZOOKEEPER
    return REPLACEMENTS.get(found["name"]) if found else None


def moved(image: Image, sets: Sets | None = None) -> Text | None:
    """Return what to write instead of an image and of what is set with it; without `sets`, of all that could be."""
    instead = replacement(image, sets.variables if sets else ())
    if instead is None:
        return None
    variables, targets = (sets.variables, sets.targets) if sets else (tuple(instead.variables), tuple(instead.folders))
    new = {name: _renamed(instead, name) for name in variables}
    written = [f"{name} → {to}" for name, to in new.items() if to]
    written += [f"{t} → {to}" for t in targets if (to := instead.folders.get(t.rstrip("/")))]
    if instead.also and not any(to and instead.also.startswith(f"{to}:") for to in new.values()):
        written.append(instead.also)
    dropped = ", ".join(name for name, to in new.items() if to == _LEAVE_OUT)
    if written and dropped:
        return msg(
            "Use %(image)s; what you set is written there as: %(new)s. Leave out: %(old)s.",
            image=instead.image,
            new=", ".join(written),
            old=dropped,
        )
    if written:
        return msg(
            "Use %(image)s; what you set is written there as: %(new)s.", image=instead.image, new=", ".join(written)
        )
    if dropped:
        return msg("Use %(image)s, and leave out: %(old)s.", image=instead.image, old=dropped)
    return msg("Use %(image)s.", image=instead.image)


def _renamed(instead: Replacement, name: str) -> str | None:
    """Return what is written instead of a variable, "" where nothing is, None for one that stays as it is."""
    if name in instead.variables:
        return instead.variables[name]
    setting = _SETTINGS.match(name)
    return f"KAFKA_{setting['name']}" if setting else None
