"""Where brokers and databases keep their data: told from the image, its variables and its command."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

import msgspec

from grader.policy.image import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """Where one program keeps its data and logs in its container.

    homes: folders in which something else may lie too (a configuration that the command names). whole: folders that
    the program alone fills, with all below. variables: that name such folders, separated by commas. options: of its
    command or configuration that name one. shares: whether those that are named are homes. own: what is its own in a
    folder that is also something else's.
    """

    homes: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    options: str = ""
    shares: bool = False
    own: tuple[str, ...] = ()

    def places(self, variables: Mapping[str, str], said: Iterable[str]) -> tuple[set[str], set[str]]:
        """Return (homes, whole) of a container with these variables, of which these texts (command, files) speak."""
        named = [part for name in self.variables for part in variables.get(name, "").split(",")]
        if self.options:
            named += [match for text in said for match in re.findall(self.options, text)]
        paths = {posixpath.normpath("/" + path.strip().lstrip("/")) for path in named if path.strip().startswith("/")}
        homes = {*self.homes, *(paths if self.shares else ())} - {"/"}
        return homes, {*self.whole, *paths} - homes - {"/"}


_RABBITMQ = Store(
    homes=("/var/lib/rabbitmq",),
    whole=("/var/lib/rabbitmq/mnesia", "/var/log/rabbitmq"),
    variables=(
        "RABBITMQ_MNESIA_BASE", "RABBITMQ_MNESIA_DIR", "RABBITMQ_LOG_BASE", "RABBITMQ_QUORUM_DIR",
        "RABBITMQ_STREAM_DIR", "RABBITMQ_SCHEMA_DIR",
    ),
    own=(".erlang.cookie", "mnesia"),
)  # fmt: skip
_REDIS = Store(
    homes=("/data", "/var/log/redis"),
    whole=("/data/appendonlydir",),
    options=r"(?m)(?:^|\s)(?:--)?dir\s+[\"']?(/[^\s\"']*)",
    shares=True,
    own=("dump.rdb", "appendonly.aof", "appendonlydir"),
)
_POSTGRES = Store(
    homes=("/var/lib/postgresql", "/var/log/postgresql"),  # since 18 the whole of it is the volume
    whole=("/var/lib/postgresql/data", *(f"/var/lib/postgresql/{major}" for major in range(18, 25))),
    variables=("PGDATA", "POSTGRES_INITDB_WALDIR"),
    options=r"(?:^|\s)(?:-D\s*|(?:-c\s*|--)data[_-]directory=)[\"']?(/[^\s\"']*)",
)
_KAFKA = Store(
    homes=("/var/lib/kafka", "/var/log/kafka"),
    whole=("/var/lib/kafka/data", "/tmp/kafka-logs", "/tmp/kraft-combined-logs"),  # noqa: S108 - of the container
    variables=("KAFKA_LOG_DIRS", "KAFKA_LOG_DIR", "KAFKA_METADATA_LOG_DIR"),
    options=r"(?m)^[ \t]*(?:log\.dirs?|metadata\.log\.dir)[ \t]*[=:][ \t]*(/[^\s,]*)",
)
_CP_ZOOKEEPER = Store(
    homes=("/var/lib/zookeeper",),
    whole=("/var/lib/zookeeper/data", "/var/lib/zookeeper/log"),
    variables=("ZOOKEEPER_DATA_DIR", "ZOOKEEPER_DATA_LOG_DIR"),
)
_ZOOKEEPER = Store(
    homes=("/data", "/datalog", "/logs"),
    variables=("ZOO_DATA_DIR", "ZOO_DATA_LOG_DIR", "ZOO_LOG_DIR"),
    shares=True,
)
_MYSQL = Store(homes=("/var/log/mysql",), whole=("/var/lib/mysql",))
_MONGO = Store(homes=("/data/configdb",), whole=("/data/db",), options=r"(?:^|\s)--dbpath[\s=]+(/[^\s\"']*)")

_STORES = {
    "rabbitmq": _RABBITMQ,
    "redis": _REDIS,
    "valkey/valkey": _REDIS,
    "redis/redis-stack": _REDIS,
    "redis/redis-stack-server": _REDIS,
    "postgres": _POSTGRES,
    "postgis/postgis": _POSTGRES,
    "pgvector/pgvector": _POSTGRES,
    "apache/kafka": _KAFKA,
    "apache/kafka-native": _KAFKA,
    "confluentinc/cp-kafka": _KAFKA,
    "confluentinc/cp-zookeeper": _CP_ZOOKEEPER,
    "zookeeper": _ZOOKEEPER,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "mongo": _MONGO,
}


def store_of(image: str) -> Store | None:
    """Return what is known of the program that an image runs, None for one that is neither broker nor database."""
    name = parse(image)
    if name is None:
        return None
    path = name.path.removeprefix("docker/library/").removeprefix("library/")
    return _STORES.get(path)
