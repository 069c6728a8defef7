"""The faults as checks use them: recorded in the History, and healed only when the service answers again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from grader.authoring.verdicts import fail
from grader.errors import GraderError
from grader.model.text import msg
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from grader.probes.reach import Stack

ANSWERS_S = 60.0
KILLED = 137  # 128 and the number of SIGKILL


class Stopped:
    """How the target's first container ended that was asked to stop: by itself, or killed after its grace."""

    def __init__(self, exit_code: int) -> None:
        self.killed = exit_code == KILLED


class Faults(Protocol):
    """What can be done to containers, and is recorded: `grader.faults` does it."""

    def settle(self) -> None:
        """Wait until what its restart policy restarted has run 10 s."""

    def kill(self, *services: str) -> None:
        """SIGKILL services and leave them so."""

    def stop(self, service: str, *, grace_s: float) -> None:
        """Stop a service gracefully and leave it so."""

    def start(self, *services: str) -> None:
        """Start what does not run of services."""

    def killed(self, target: str) -> AbstractContextManager[None]:
        """SIGKILL; heals by starting."""

    def stopped(self, target: str, *, grace_s: float = ...) -> AbstractContextManager[None]:
        """Stop gracefully; heals by starting."""

    def paused(self, target: str) -> AbstractContextManager[None]:
        """Freeze; heals by letting it go on."""

    def restarted(self, target: str) -> AbstractContextManager[None]:
        """Stop gracefully and start again, before the body runs."""

    def removed(self, service: str) -> AbstractContextManager[None]:
        """Stop gracefully and remove; heals by making it anew."""


class FaultInjector:
    """What may be done to the submission's containers: each a `with` block, in effect inside, healed on leaving it.

    A target is a container ("worker-2") or a service ("rabbitmq"). `ready`: leaving the block also waits until it says
    yes; a service that does not answer within 60 s after our fault fails the check (`not-recovered`).
    """

    def __init__(self, stack: Stack, faults: Faults) -> None:
        self._stack = stack
        self._faults = faults

    def settle(self) -> None:
        """Wait until what its restart policy restarted has run 10 s: before a task is sent that a fault must meet."""
        self._faults.settle()

    @contextlib.contextmanager
    def killed(self, target: str, *, ready: Callable[[], bool] | None = None) -> Iterator[None]:
        """SIGKILL; started again on leaving."""
        with self._faults.killed(target):
            yield
        self._answers(target, ready)

    @contextlib.contextmanager
    def all_killed(self, *services: str) -> Iterator[None]:
        """SIGKILL all containers of these services; started again on leaving."""
        self.kill(*services)
        try:
            yield
        finally:
            self.start(*services)

    @contextlib.contextmanager
    def stopped(
        self, target: str, *, grace_s: float = 10.0, ready: Callable[[], bool] | None = None
    ) -> Iterator[Stopped]:
        """SIGTERM, SIGKILL after `grace_s`; the block runs after the end, and it is started again on leaving."""
        with self._faults.stopped(target, grace_s=grace_s):
            first = next((c for c in self._stack.containers() if target in {c.service, c.name}), None)
            if first is None:
                raise GraderError(msg("There is no service or container %(name)s to disturb.", name=target))
            yield Stopped(first.state().exit_code)
        self._answers(target, ready)

    @contextlib.contextmanager
    def paused(self, target: str, *, ready: Callable[[], bool] | None = None) -> Iterator[None]:
        """Frozen: connections stay open, nothing answers; goes on on leaving."""
        with self._faults.paused(target):
            yield
        self._answers(target, ready)

    def restart(self, target: str, *, ready: Callable[[], bool]) -> None:
        """Restart gracefully (docker stop, docker start) and wait until it answers."""
        with self._faults.restarted(target):
            pass
        self._answers(target, ready)

    @contextlib.contextmanager
    def removed(self, service: str, *, ready: Callable[[], bool]) -> Iterator[None]:
        """Stop gracefully and remove with anonymous volumes, as docker compose down; made anew on leaving."""
        with self._faults.removed(service):
            yield
        self._answers(service, ready)

    def start(self, *services: str) -> None:
        """Start the containers of these services that do not run."""
        self._faults.start(*services)

    def kill(self, *services: str) -> None:
        """SIGKILL all containers of these services and leave them so: somebody else starts them again."""
        self._faults.kill(*services)

    def stop(self, service: str, *, grace_s: float) -> None:
        """Stop all containers of a service gracefully and leave them so: somebody else starts them again."""
        self._faults.stop(service, grace_s=grace_s)

    def _answers(self, target: str, ready: Callable[[], bool] | None) -> None:
        if ready is None:
            return
        try:
            eventually(ready, within=ANSWERS_S, every=0.1, what=target)
        except DeadlineError:
            fail(
                "not-recovered",
                expected=msg(
                    "%(name)s answers within %(n)s s after it was started again", name=target, n=int(ANSWERS_S)
                ),
                observed=msg("it does not answer"),
            )
