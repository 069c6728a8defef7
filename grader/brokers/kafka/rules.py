"""What a submission may set on Kafka, and the variables that its images end without or do not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.brokers.kafka.set_up import (
    APACHE,
    CONFLUENT,
    FIRST_WITHOUT_ZOOKEEPER,
    advertises_localhost,
    major,
    set_up,
    whole,
    without_zookeeper,
)
from grader.brokers.rules import BITNAMI, Replacement, Rules, Variables
from grader.brokers.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from grader.brokers.seen import Seen

_ROLES, _ZOOKEEPER = "KAFKA_PROCESS_ROLES", "KAFKA_ZOOKEEPER_CONNECT"
_WURSTMEISTER = {
    "KAFKA_ADVERTISED_HOST_NAME": "KAFKA_ADVERTISED_LISTENERS",
    "KAFKA_ADVERTISED_PORT": "KAFKA_ADVERTISED_LISTENERS",
    "KAFKA_CREATE_TOPICS": "",
}
_BITNAMI = {
    **BITNAMI,
    "KAFKA_CFG_*": "KAFKA_*",
    "ALLOW_PLAINTEXT_LISTENER": "",
    "KAFKA_ENABLE_KRAFT": "",
    "KAFKA_KRAFT_CLUSTER_ID": "CLUSTER_ID",
}
_STORE = Store(
    homes=("/var/lib/kafka", "/var/log/kafka"),
    whole=("/var/lib/kafka/data", "/tmp/kafka-logs", "/tmp/kraft-combined-logs"),  # noqa: S108 - of the container
    variables=("KAFKA_LOG_DIRS", "KAFKA_LOG_DIR", "KAFKA_METADATA_LOG_DIR"),
    options=r"(?m)^[ \t]*(?:log\.dirs?|metadata\.log\.dir)[ \t]*[=:][ \t]*(/[^\s,]*)",
)


def _needed_by_apaches(seen: Seen, given: AbstractSet[str]) -> Iterator[str]:
    if seen.image and "process.roles" not in set_up(seen, seen.image).properties and not {_ROLES, _ZOOKEEPER} & given:
        yield _ROLES


def _needed_by_confluents(seen: Seen, given: AbstractSet[str]) -> Iterator[str]:
    release = major(seen.image) if seen.image else None
    roles = seen.environment.get(_ROLES, "")
    with_zookeeper = release is not None and release < FIRST_WITHOUT_ZOOKEEPER
    if roles:
        needed = ["CLUSTER_ID"]
    elif with_zookeeper:
        needed = [_ZOOKEEPER]
    elif _ZOOKEEPER in given:
        return  # that it knows no ZooKeeper is said already
    else:
        needed = [_ROLES, "CLUSTER_ID"]
    if roles != "controller":
        needed.append("KAFKA_ADVERTISED_LISTENERS")
    yield from (name for name in needed if name not in given)


RULES = Rules(
    # where the images keep the scripts that start them (their templates may be replaced)
    programs=r"/etc/(kafka|confluent)(/docker(/(?!.*\.(properties|template|ya?ml)\Z).*)?)?\Z",
    url="kafka:9092",
    variables={
        APACHE: Variables(foreign=_WURSTMEISTER | _BITNAMI, needed=_needed_by_apaches, whole=whole),
        CONFLUENT: Variables(
            foreign=_WURSTMEISTER | _BITNAMI,
            needed=_needed_by_confluents,
            examples={
                "CLUSTER_ID": "5L6g3nShT-eMCtK--X86sw",
                _ZOOKEEPER: "zookeeper:2181",
                _ROLES: "broker,controller",
                "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://{service}:9092",
            },
        ),
    },
    stores=dict.fromkeys((APACHE, "apache/kafka-native", CONFLUENT), _STORE),
    gone={
        "kafka": Replacement(
            image=f"{APACHE}:3.9.1",
            variables=_BITNAMI,
            folders={"/bitnami/kafka": "/var/lib/kafka/data"},
            # Apache's own image starts without ZooKeeper only
            unless=(frozenset({"KAFKA_CFG_ZOOKEEPER_CONNECT", _ZOOKEEPER}), f"{CONFLUENT}:7.9.0"),
        )
    },
    lints=(without_zookeeper, advertises_localhost),
)
