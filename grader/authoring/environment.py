"""The environment of a run's checks as its author sees it: containers, the live History, probes made on demand."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from grader.authoring.fault_injection import FaultInjector
from grader.authoring.ids import Ids
from grader.model.outcome import Evidence
from grader.model.text import msg
from grader.probes.addresses import Addresses
from grader.probes.containers import ContainerWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from grader.authoring.fault_injection import Faults
    from grader.model.assignment import Assignment, ContractService
    from grader.model.reasons import Reason
    from grader.probes.reach import Stack
    from grader.probes.recorder import Recorder

LOG_LINES = 20


class Observer(Protocol):
    """What watches in the background until it is closed."""

    def close(self) -> None:
        """Stop watching."""


Watching = TypeVar("Watching", bound=Observer)


class Environment(ABC):
    """One for all checks of a run. `dirty` is set when a check did not pass: the next one starts from a reset stack.

    failed: the checks that did not pass in this run, for one that can be judged apart from them if it knows. What the
    rooms know has its name here too: `environment.<role>(…)` is `probe`, and `environment.<observer>(…)` is `observe`.
    """

    def __init__(
        self, assignment: Assignment, stack: Stack, recorder: Recorder, faults: Faults, *, seed: int = 0
    ) -> None:
        self.assignment = assignment
        self.stack = stack
        self.recorder = recorder
        self.random = random.Random(seed)  # noqa: S311 - reproducible ids, not secrets
        self.nonce = f"g{self.random.randrange(16**4):04x}"
        self.ids = Ids(self.nonce)
        self.faults = FaultInjector(stack, faults)
        self.dirty = False
        self.failed: set[str] = set()
        self._closers: list[Callable[[], None]] = []
        self.addresses = Addresses(stack)
        self.until_the_end(ContainerWatch(stack, recorder, self.addresses))

    def has(self, service: str) -> bool:
        """Say whether the submission has a service of the contract: by its name, or by the word of its `one_of`."""
        return bool(self.services(service))

    def service(self, name: str) -> ContractService:
        """Return the contract's words (`name`, `role`, `port`, …) on a service: by its name, or first of a `one_of`.

        Raises LookupError for one that the submission has not (see `has`).
        """
        if not self.has(name):
            raise LookupError(name)
        return self.services(name)[0]

    def services(self, word: str) -> tuple[ContractService, ...]:
        """Return those of a `one_of` that the submission has: one, or several for who wants more than must be."""
        return tuple(s for s in self.assignment.services if word and word in {s.name, s.one_of})

    @abstractmethod
    def ready_service(self, name: str) -> None:
        """Fail the check that needs service `name` if it never came up. Raises CheckFailure."""

    @abstractmethod
    def probe(self, role: str, target: str = "", **options: Any) -> Any:
        """Return what speaks with the contract's service of a role, with another service, or with one container.

        options: of the room's probe. Raises CheckFailure if it never came up, LookupError if the submission has none.
        """

    @abstractmethod
    def observe(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Start what a room watches with under this name, until the end of the run."""

    @abstractmethod
    def reasons(self) -> Mapping[str, Reason]:
        """Return all reasons that a check can fail with."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Any]: ...

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

    def until_the_end(self, observer: Watching) -> Watching:
        """Close an observer at the end of the run; return it."""
        self._closers.append(observer.close)
        return observer

    def close(self) -> None:
        """Stop what runs in the background."""
        for close in reversed(self._closers):
            close()
        self._closers.clear()
