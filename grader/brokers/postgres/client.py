"""How the grader talks to PostgreSQL."""

from __future__ import annotations

from grader.brokers.client import Client, Failure, Refusal
from grader.brokers.postgres.probe import POSTGRES_ERRORS, SCHEMA_ERRORS, Postgres
from grader.model.text import msg

CLIENT = Client(
    probe=Postgres,
    ready=Postgres.ready,
    refuses=Refusal(Postgres.has_database, "database-missing"),
    errors=POSTGRES_ERRORS,
    failures=(
        Failure(
            SCHEMA_ERRORS,
            "table-differs",
            msg("the database holds the contract's tables, and rows as the contract describes them fit in"),
        ),
    ),
)
