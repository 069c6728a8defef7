"""What a submission may set on Redis."""

from __future__ import annotations

from grader.brokers.rules import BITNAMI, Replacement, Rules, Variables
from grader.brokers.store import Store

_STORE = Store(
    homes=("/data", "/var/log/redis"),
    whole=("/data/appendonlydir",),
    options=r"(?m)(?:^|\s)(?:--)?dir\s+[\"']?(/[^\s\"']*)",
    shares=True,
    own=("dump.rdb", "appendonly.aof", "appendonlydir"),
)
_BITNAMI = {
    **BITNAMI,
    "REDIS_PASSWORD": "command: redis-server --requirepass …",
    "REDIS_PORT_NUMBER": "command: redis-server --port …",
    "REDIS_AOF_ENABLED": "command: redis-server --appendonly …",
    "REDIS_EXTRA_FLAGS": "command: redis-server …",
    "REDIS_DISABLE_COMMANDS": "",
    "REDIS_REPLICATION_MODE": "",
}
RULES = Rules(
    url="redis://redis:6379",
    variables={"redis": Variables(foreign=_BITNAMI)},
    stores=dict.fromkeys(("redis", "valkey/valkey", "redis/redis-stack", "redis/redis-stack-server"), _STORE),
    gone={
        "redis": Replacement(
            image="redis:7-alpine",
            variables=_BITNAMI,
            folders={"/bitnami/redis/data": "/data", "/bitnami/redis": "/data", "/bitnami": "/data"},
        )
    },
)
