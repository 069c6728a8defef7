"""The checks' world: the attached stack, the live History, and probes made on demand."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any

from grader import brokers
from grader.errors import CheckFailure
from grader.model.assignment import ContractService
from grader.model.outcome import Evidence
from grader.model.text import literal, msg
from grader.probes.addresses import Addresses
from grader.probes.containers import ContainerWatch
from grader.probes.recorder import Recorder
from grader.stack.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.checks.session import Session
    from grader.model.assignment import CheckSpec
    from grader.model.outcome import Outcome

LOG_LINES = 20


class World:
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

    def probe(self, role: str, target: str = "", **options: Any) -> Any:
        """Return what speaks with the contract's service of a role, with another service, or with one container.

        options: of the room's probe. `world.redis()` is the same in short. Raises CheckFailure if it never came up.
        """
        contract = [service for service in self.session.assignment.services if service.role == role]
        meant = (s for s in contract if target in {"", s.name} or target.rpartition("-")[0] == s.name)
        service = next(meant, ContractService(name=target or role, role=role))
        self.ready_service(target or service.name)
        return brokers.probe(self.stack, self.recorder, service, target, **options)

    def observe(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Start what a room watches with under this name, until the end of the run; `world.firehose(…)` in short."""
        begin = next(client.observers[name] for client in brokers.clients() if name in client.observers)
        observer = begin(self, *arguments, **options)
        self._closers.append(observer.close)
        return observer

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in brokers.rooms():
            return partial(self.probe, name)
        if any(name in client.observers for client in brokers.clients()):
            return partial(self.observe, name)
        raise AttributeError(name)

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
