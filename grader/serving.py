"""When a service of the contract serves: each role's own first question, and whether it is the contract's service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from grader.polling import DeadlineError, eventually
from grader.probes.http import HTTP
from grader.probes.kafka import Kafka
from grader.probes.postgres import Postgres
from grader.probes.rabbitmq import RabbitMQ
from grader.probes.redis import Redis

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.assignment import ContractService
    from grader.probes.recorder import Recorder
    from grader.stack.stack import Stack

# role -> what asks such a service whether it serves
PROBES: dict[str, type[RabbitMQ | Redis | Postgres | Kafka]] = {
    "rabbitmq": RabbitMQ,
    "redis": Redis,
    "postgres": Postgres,
    "kafka": Kafka,
}
CREDENTIALS_S = 15.0


def refuses(stack: Stack, recorder: Recorder, service: ContractService) -> str:
    """Return why a broker that answers is not the contract's: it refuses its credentials or lacks its database.

    What imports definitions or makes its database by itself gets a moment for it. "" when all is well.
    """
    probe: Callable[[], bool | None]
    match service.role:
        case "rabbitmq":
            probe, reason = RabbitMQ(stack, recorder, service.name).accepts_user, "broker-user-not-declared"
        case "redis":
            probe, reason = Redis(stack, recorder, service.name).accepts_password, "redis-password-unknown"
        case "postgres":
            probe, reason = Postgres(stack, recorder, service.name).has_database, "database-missing"
        case _:
            return ""
    try:
        eventually(probe, within=CREDENTIALS_S, every=0.3, what=reason)
    except DeadlineError:
        return reason
    return ""


def ready_probe(stack: Stack, recorder: Recorder, service: ContractService) -> Callable[[], bool] | None:
    """Return what says whether a service is ready, None for one that shows it by its work."""
    if service.role == "http":
        return partial(_all_healthy, stack, recorder, service)
    probe = PROBES.get(service.role)
    return probe(stack, recorder, service.name).ready if probe else None


def _all_healthy(stack: Stack, recorder: Recorder, service: ContractService) -> bool:
    """Say whether every replica answers: checks speak to each of them, and one may be later than another."""
    containers = stack.containers(service.name)
    return bool(containers) and all(HTTP(stack, recorder, c.name, service.port).healthy() for c in containers)
