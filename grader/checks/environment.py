"""The checks' environment: the attached stack, the live History, and probes made on demand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from grader.errors import CheckFailure
from grader.model.outcome import Evidence
from grader.model.text import literal, msg
from grader.probes.addresses import Addresses
from grader.probes.containers import ContainerWatch
from grader.probes.firehose import Firehose
from grader.probes.http import HTTP
from grader.probes.kafka import Kafka
from grader.probes.kafka_group import GroupWatch
from grader.probes.postgres import Postgres
from grader.probes.rabbitmq import RabbitMQ
from grader.probes.recorder import Recorder
from grader.probes.redis import Redis
from grader.stack.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.checks.session import Session
    from grader.model.assignment import CheckSpec
    from grader.model.outcome import Outcome

LOG_LINES = 20


class Environment:
    """Made once per run of checks. `dirty` is set when a check did not pass: the next one starts from a reset stack.

    failed: the checks that did not pass in this run, for one that can be judged apart from them if it knows.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.stack = Stack.attach(session.stack)
        self.recorder = Recorder(self.stack.clock)
        self.random = random.Random(session.seed)  # noqa: S311 - reproducible ids, not secrets
        self.nonce = f"g{self.random.randrange(16**4):04x}"
        self.dirty = False
        self.failed: set[str] = set()
        self._closers: list[Callable[[], None]] = []
        self.addresses = Addresses(self.stack)
        watch = ContainerWatch(self.stack, self.recorder, self.addresses)
        self._closers.append(watch.close)

    def ready_service(self, name: str) -> None:
        """Fail the check that needs service `name` if it never came up. Raises CheckFailure."""
        state = self.session.services.get(name)
        if state is None or state.ready:
            return
        raise CheckFailure(
            state.reason,
            expected=msg(
                "service %(name)s is ready within %(n)s s of the start",
                name=name,
                n=int(self.session.assignment.limits.ready_s),
            ),
            observed=state.findings[0].message if state.findings else msg("it was not"),
            evidence=(
                *(Evidence(title=finding.remedy, lines=()) for finding in state.findings if finding.remedy),
                Evidence(title=msg("last log lines of %(name)s", name=name), lines=state.logs),
            ),
        )

    def rabbitmq(self, service: str = "rabbitmq") -> RabbitMQ:
        """Return a probe of the broker. Raises CheckFailure if the broker never came up."""
        self.ready_service(service)
        return RabbitMQ(self.stack, self.recorder, service)

    def firehose(self, rabbitmq: RabbitMQ, stored: tuple[str, ...]) -> Firehose:
        """Start observing a broker until the end of the run."""
        firehose = Firehose(self.addresses, self.recorder, rabbitmq, stored=stored)
        self._closers.append(firehose.close)
        firehose.wait_tracing()
        return firehose

    def redis(self, service: str = "redis") -> Redis:
        """Return a probe of a Redis. Raises CheckFailure if it never came up."""
        self.ready_service(service)
        return Redis(self.stack, self.recorder, service)

    def postgres(self, service: str = "db", database: str = "app") -> Postgres:
        """Return a probe of a PostgreSQL server. Raises CheckFailure if it never came up."""
        self.ready_service(service)
        return Postgres(self.stack, self.recorder, service, database)

    def kafka(self, service: str = "kafka") -> Kafka:
        """Return a probe of a Kafka broker. Raises CheckFailure if it never came up."""
        self.ready_service(service)
        return Kafka(self.stack, self.recorder, service)

    def group_watch(self, kafka: Kafka, group: str, topic: str) -> GroupWatch:
        """Record who holds which partitions of a topic until the end of the run."""
        watch = GroupWatch(kafka, self.recorder, group, topic)
        self._closers.append(watch.close)
        return watch

    def http(self, target: str, port: int = 3000) -> HTTP:
        """Return a client of an HTTP service or of one of its containers. Raises CheckFailure if it never came up."""
        self.ready_service(target)
        return HTTP(self.stack, self.recorder, target, port)

    def logs(self, service: str) -> tuple[Evidence, ...]:
        """Return the state and last log lines of a service's containers as evidence."""
        found = []
        for container in self.stack.containers(service):
            state = container.state()
            status = msg(
                "%(name)s: %(status)s, exit code %(code)s, restarts %(restarts)s",
                name=container.name,
                status=state.status,
                code=state.exit_code,
                restarts=state.restarts,
            )
            found.append(Evidence(title=status, lines=container.logs(LOG_LINES)))
        return tuple(found)

    def gone_for_good(self, *services: str) -> bool:
        """Say whether all containers of these services have ended and no restart policy brings one back."""
        containers = [c for service in services for c in self.stack.containers(service)]
        states = [c.state() for c in containers]
        return bool(states) and all(s.status in {"exited", "dead"} and not s.comes_back for s in states)

    def failure_by_finding(self, spec: CheckSpec) -> CheckFailure | None:
        """Return the failure of a check that a finding on the compose file decides, if there is one."""
        for finding in self.session.findings:
            if finding.code in spec.fails_on:
                where = f"{finding.file}:{finding.line}" if finding.line else finding.file
                return CheckFailure(
                    finding.code,
                    expected=msg("the compose file starts as it is with docker compose up"),
                    observed=finding.message,
                    evidence=(Evidence(title=literal(where), lines=finding.detail),),
                )
        return None

    def ended(self, outcome: Outcome) -> None:
        """Note that a check ended; after anything but a pass the stack is not as the next check expects it."""
        if outcome.verdict in {"failed", "error"}:
            self.dirty = True
            self.failed.add(outcome.check)

    def close(self) -> None:
        """Stop what runs in the background."""
        for close in reversed(self._closers):
            close()
        self._closers.clear()
