"""What a submission may set on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.brokers.rules import BITNAMI, Replacement, Rules, Variables
from grader.brokers.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from grader.brokers.seen import Seen

_HOME = "/var/lib/postgresql"
_STORE = Store(
    homes=(_HOME, "/var/log/postgresql"),  # since 18 the whole of it is the volume
    whole=(f"{_HOME}/data", *(f"{_HOME}/{major}" for major in range(18, 25))),
    variables=("PGDATA", "POSTGRES_INITDB_WALDIR"),
    options=r"(?:^|\s)(?:-D\s*|(?:-c\s*|--)data[_-]directory=)[\"']?(/[^\s\"']*)",
)
_BITNAMI = {
    **BITNAMI,
    "POSTGRESQL_USERNAME": "POSTGRES_USER",
    "POSTGRESQL_PASSWORD": "POSTGRES_PASSWORD",
    "POSTGRESQL_PASSWORD_FILE": "POSTGRES_PASSWORD_FILE",
    "POSTGRESQL_DATABASE": "POSTGRES_DB",
    "POSTGRESQL_INITDB_ARGS": "POSTGRES_INITDB_ARGS",
    "POSTGRESQL_POSTGRES_PASSWORD": "",
    "POSTGRESQL_PORT_NUMBER": "PGPORT",
}


def _needed(seen: Seen, given: AbstractSet[str]) -> Iterator[str]:
    trusted = seen.environment.get("POSTGRES_HOST_AUTH_METHOD") == "trust"
    if not trusted and not {"POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE"} & given:
        yield "POSTGRES_PASSWORD"


RULES = Rules(
    url="postgres://db:5432",
    variables={
        "postgres": Variables(foreign=_BITNAMI, needed=_needed, examples={"POSTGRES_PASSWORD": "…"}, program="postgres")
    },
    stores=dict.fromkeys(("postgres", "postgis/postgis", "pgvector/pgvector"), _STORE),
    gone={
        "postgresql": Replacement(
            image="postgres:16-alpine", variables=_BITNAMI, folders={"/bitnami/postgresql": f"{_HOME}/data"}
        )
    },
)
