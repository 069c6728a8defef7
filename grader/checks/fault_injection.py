"""The faults as checks use them: recorded in the History, and healed only when the service answers again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from grader.authoring import fail
from grader.faults import Faults
from grader.faults.heal import each, settle
from grader.model.text import msg
from grader.polling import DeadlineError, eventually
from grader.stack.container import Container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grader.probes.recorder import Recorder
    from grader.stack.stack import Stack

ANSWERS_S = 60.0


class Stopped:
    """How the target's first container ended that was asked to stop: its exit code (137: it had to be killed)."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code


class FaultInjector:
    """What may be done to the submission's containers: each a `with` block, in effect inside, healed on leaving it.

    A target is a container ("worker-2") or a service ("rabbitmq"). `ready`: leaving the block also waits until it says
    yes; a service that does not answer within 60 s after our fault fails the check (`not-recovered`).
    """

    def __init__(self, stack: Stack, recorder: Recorder) -> None:
        self._stack = stack
        self._recorder = recorder
        self._faults = Faults(stack, self._note)

    def settle(self) -> None:
        """Wait until what its restart policy restarted has run 10 s: before a task is sent that a fault must meet."""
        settle(self._stack)

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
            container, *_ = self._stack.containers(target) or [self._stack.container(target)]
            yield Stopped(container.state().exit_code)
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
        for service in services:
            self._note("healed", service, "start")
            for container in self._stack.containers(service):
                container.start()

    def kill(self, *services: str) -> None:
        """SIGKILL all containers of these services and leave them so: somebody else starts them again."""
        for service in services:
            self._note("fault", service, "kill")
        # All at once: a task handed from dying worker to dying worker would use up its deliveries.
        each(Container.kill, [c for service in services for c in self._stack.containers(service)])()

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

    def _note(self, kind: str, actor: str, action: str) -> None:
        self._recorder.note("grader", kind, actor=actor, action=action)
