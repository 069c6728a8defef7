"""The checks' environment: the attached stack, the live History, and probes made on demand."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import brokers
from grader.authoring.environment import Environment
from grader.brokers.reasons import reasons_for
from grader.errors import CheckFailure
from grader.faults import Faults
from grader.model.assignment import ContractService
from grader.model.outcome import Evidence
from grader.model.text import literal, msg
from grader.probes.recorder import Recorder
from grader.stack.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from grader.checks.session import Session
    from grader.faults.heal import Kind
    from grader.model.assignment import CheckSpec
    from grader.model.outcome import Outcome
    from grader.model.reasons import Reason


class ChecksEnvironment(Environment):
    """Made once per run of checks."""

    stack: Stack

    def __init__(self, session: Session) -> None:
        self.session = session
        stack = Stack.attach(session.stack)
        recorder = Recorder(stack.clock)

        def note(kind: Kind, actor: str, action: str) -> None:
            recorder.note("grader", kind, actor=actor, action=action)

        super().__init__(session.assignment, stack, recorder, Faults(stack, note), seed=session.seed)

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
                n=int(self.assignment.limits.ready_s),
            ),
            observed=state.findings[0].message if state.findings else msg("it was not"),
            evidence=(
                *(Evidence(title=finding.remedy, lines=()) for finding in state.findings if finding.remedy),
                Evidence(title=msg("last log lines of %(name)s", name=name), lines=state.logs),
            ),
        )

    def probe(self, role: str, target: str = "", **options: Any) -> Any:
        """Return what speaks with the contract's service of a role, with another service, or with one container.

        options: of the room's probe. Raises CheckFailure if it never came up, LookupError if the submission has none.
        """
        contract = [service for service in self.assignment.services if service.role == role]
        meant = (s for s in contract if target in {"", s.name} or target.rpartition("-")[0] == s.name)
        service = next(meant, ContractService(name=target or role, role=role))
        self.ready_service(target or service.name)
        if not {service.name, service.name.rpartition("-")[0]} & set(self.stack.info.services):
            raise LookupError(service.name)  # the check's own mistake: to speak with nobody would fail the submission
        return brokers.probe(self.stack, self.recorder, service, target, **options)

    def observe(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Start what a room watches with under this name, until the end of the run."""
        begin = next(client.observers[name] for client in brokers.clients() if name in client.observers)
        return self.until_the_end(begin(self, *arguments, **options))

    def reasons(self) -> Mapping[str, Reason]:
        """Return all reasons that a check can fail with."""
        return reasons_for(Path(self.assignment.directory))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in brokers.rooms():
            return partial(self.probe, name)
        if any(name in client.observers for client in brokers.clients()):
            return partial(self.observe, name)
        raise AttributeError(name)

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
