"""PostgreSQL."""

from __future__ import annotations

from grader.brokers.broker import Broker

BROKER = Broker(
    role="postgres",
    port=5432,
    client="grader.brokers.postgres.client:CLIENT",
    images=("postgres",),
    exports={
        "POSTGRES_ERRORS": "grader.brokers.postgres.probe:POSTGRES_ERRORS",
        "Postgres": "grader.brokers.postgres.probe:Postgres",
        "SCHEMA_ERRORS": "grader.brokers.postgres.probe:SCHEMA_ERRORS",
    },
)
