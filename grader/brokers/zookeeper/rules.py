"""What a submission may set on ZooKeeper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.brokers.rules import BITNAMI, Replacement, Rules, Variables
from grader.brokers.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from grader.brokers.seen import Seen

_UPSTREAM = "confluentinc/cp-zookeeper"
_OFFICIAL = {
    "ZOO_MY_ID": "ZOOKEEPER_SERVER_ID",
    "ZOO_INIT_LIMIT": "ZOOKEEPER_INIT_LIMIT",
    "ZOO_SYNC_LIMIT": "ZOOKEEPER_SYNC_LIMIT",
    "ZOO_MAX_CLIENT_CNXNS": "ZOOKEEPER_MAX_CLIENT_CNXNS",
    "ZOO_STANDALONE_ENABLED": "",
}
_BITNAMI = {
    **BITNAMI,
    "ALLOW_ANONYMOUS_LOGIN": "",
    "ZOO_PORT_NUMBER": "ZOOKEEPER_CLIENT_PORT",
    "ZOO_SERVER_ID": "ZOOKEEPER_SERVER_ID",
    "ZOO_SERVERS": "ZOOKEEPER_SERVERS",
    "ZOO_TICK_TIME": "ZOOKEEPER_TICK_TIME",
}


def _needed(_seen: Seen, given: AbstractSet[str]) -> Iterator[str]:
    if not {"ZOOKEEPER_CLIENT_PORT", "ZOOKEEPER_SECURE_CLIENT_PORT"} & given:
        yield "ZOOKEEPER_CLIENT_PORT"
    elif "ZOOKEEPER_SERVERS" in given and "ZOOKEEPER_SERVER_ID" not in given:
        yield "ZOOKEEPER_SERVER_ID"


RULES = Rules(
    # where Confluent's images keep the scripts that start them (their templates may be replaced)
    programs=r"/etc/(kafka|confluent)(/docker(/(?!.*\.(properties|template|ya?ml)\Z).*)?)?\Z",
    variables={
        _UPSTREAM: Variables(
            foreign=_OFFICIAL | _BITNAMI,
            needed=_needed,
            examples={"ZOOKEEPER_CLIENT_PORT": "2181", "ZOOKEEPER_SERVER_ID": "1"},
        )
    },
    stores={
        _UPSTREAM: Store(
            homes=("/var/lib/zookeeper",),
            whole=("/var/lib/zookeeper/data", "/var/lib/zookeeper/log"),
            variables=("ZOOKEEPER_DATA_DIR", "ZOOKEEPER_DATA_LOG_DIR"),
        ),
        "zookeeper": Store(
            homes=("/data", "/datalog", "/logs"),
            variables=("ZOO_DATA_DIR", "ZOO_DATA_LOG_DIR", "ZOO_LOG_DIR"),
            shares=True,
        ),
    },
    gone={
        "zookeeper": Replacement(
            image=f"{_UPSTREAM}:7.9.0",
            variables=_BITNAMI,
            folders={"/bitnami/zookeeper": "/var/lib/zookeeper/data"},
            also="ZOOKEEPER_CLIENT_PORT: 2181",
        )
    },
)
