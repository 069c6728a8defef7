"""PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.brokers.broker import Broker
from grader.brokers.postgres.reasons import REASONS
from grader.brokers.postgres.rules import RULES
from grader.brokers.source import Kind, Source
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Mapping


def _by_hand(variables: Mapping[str, str], _image: str) -> tuple[str, ...]:
    user = variables.get("POSTGRES_USER", "postgres")
    return (f"psql -U {user} {variables.get('POSTGRES_DB', user)}",)


BROKER = Broker(
    role="postgres",
    port=5432,
    client="grader.brokers.postgres.client:CLIENT",
    terms=("database",),
    images=("postgres",),
    rules=RULES,
    sources={
        "db": Source(kinds={"row": Kind(msg("row in the database by %(actor)s:"), msg("row in the database:"))}),
    },
    reasons=REASONS,
    by_hand=_by_hand,
    exports={
        "POSTGRES_ERRORS": "grader.brokers.postgres.probe:POSTGRES_ERRORS",
        "Postgres": "grader.brokers.postgres.probe:Postgres",
        "Row": "grader.brokers.postgres.table:Row",
        "SCHEMA_ERRORS": "grader.brokers.postgres.probe:SCHEMA_ERRORS",
        "WatchedTable": "grader.brokers.postgres.table:WatchedTable",
    },
)
