"""The faults: each a context manager that breaks something, records it, and heals on exit."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from grader.errors import GraderError
from grader.faults.crash import kill_first_process
from grader.faults.heal import each, ensure_running, healing, settle, up_again
from grader.model.text import msg
from grader.stack.container import Container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from grader.faults.heal import Note
    from grader.stack.stack import Stack

Target: TypeAlias = "Container | str"
STILL = {"kill", "stop", "restart", "pause"}  # what they leave of a container does nothing until it is healed


class Faults:
    """The faults of one stack.

    A target is a Container, a container's name ("worker-2") or a service ("rabbitmq": all its containers). Before each
    fault, containers that were restarted get their 10 s of peace. `note(kind, actor, action)` is called when the fault
    begins ("fault") and when its healing begins ("healed"), so that a record has causes before what they cause. Times
    are seconds; what Docker refuses is a GraderError.
    """

    def __init__(self, stack: Stack, note: Note) -> None:
        self._stack = stack
        self._note = note

    def settle(self) -> None:
        """Wait until what its restart policy restarted has run 10 s."""
        settle(self._stack)

    def kill(self, *services: str) -> None:
        """SIGKILL all containers of these services and leave them so."""
        for service in services:
            self._note("fault", service, "kill")
        # All at once: a task handed from dying worker to dying worker would use up its deliveries.
        each(Container.kill, [c for service in services for c in self._stack.containers(service)])()

    def stop(self, service: str, *, grace_s: float) -> None:
        """Stop all containers of a service gracefully (SIGTERM, SIGKILL after `grace_s`) and leave them so."""
        self._note("fault", service, "stop")
        each(lambda container: container.stop(grace_s), self._stack.containers(service))()

    def start(self, *services: str) -> None:
        """Start the containers of these services that do not run."""
        for service in services:
            self._note("healed", service, "start")
            for container in self._stack.containers(service):
                container.start()

    def killed(self, target: Target) -> AbstractContextManager[None]:
        """SIGKILL, as a crash of the machine: sockets close at once, no restart policy applies. Heals by starting."""
        return self._until_started(target, "kill", lambda container: container.kill())

    def stopped(self, target: Target, *, grace_s: float = 10.0) -> AbstractContextManager[None]:
        """Stop gracefully (SIGTERM, SIGKILL after `grace_s`). Heals by starting."""
        return self._until_started(target, "stop", lambda container: container.stop(grace_s))

    def paused(self, target: Target) -> AbstractContextManager[None]:
        """Freeze: connections stay open and nothing is answered. Heals by letting it go on."""
        return self._until_started(target, "pause", lambda container: container.pause())

    def crashed(self, target: Target) -> AbstractContextManager[None]:
        """Kill the first process so that Docker sees a crash: the restart policy decides what follows.

        What has not come back by the end of the body is started.
        """
        return self._until_started(target, "crash", lambda container: kill_first_process(self._stack, container))

    @contextlib.contextmanager
    def restarted(self, target: Target, *, grace_s: float = 60.0) -> Iterator[None]:
        """Stop gracefully and start again, both before the body runs; a broker needs the long grace to stop cleanly."""
        with self._until_started(target, "restart", lambda container: container.stop(grace_s)):
            pass
        yield

    @contextlib.contextmanager
    def recreated(self, service: str) -> Iterator[None]:
        """Kill and remove a service's containers with their anonymous volumes and make new ones, before the body runs.

        Named volumes stay. Containers asked for before are stale.
        """
        remove = each(lambda container: container.remove(), self._begin(service))
        with healing(self._note, service, "recreate", do=remove, heal=lambda: up_again(self._stack, service)):
            pass
        yield

    @contextlib.contextmanager
    def removed(self, service: str, *, grace_s: float = 60.0) -> Iterator[None]:
        """Stop a service gracefully and remove its containers with their anonymous volumes, as Compose's `down` does.

        Heals by making new ones; named volumes stay. Containers asked for before are stale.
        """

        def stop_and_remove(container: Container) -> None:
            container.stop(grace_s)
            container.remove()

        remove = each(stop_and_remove, self._begin(service))
        with healing(self._note, service, "remove", do=remove, heal=lambda: up_again(self._stack, service)):
            yield

    @contextlib.contextmanager
    def scaled(self, service: str, containers: int, *, grace_s: float = 10.0) -> Iterator[None]:
        """Run that many containers of a service; those too many are stopped gracefully. Heals to the number before."""
        before = len(self._begin(service))

        def scale(number: int) -> None:
            self._stack.up([service], deps=False, scale={service: number}, grace_s=grace_s)

        action = f"scale to {containers}"
        with healing(self._note, service, action, do=lambda: scale(containers), heal=lambda: scale(before)):
            yield

    @contextlib.contextmanager
    def disconnected(self, target: Target) -> Iterator[None]:
        """Take it off all networks: connections stay open and nothing arrives. Heals under the same names.

        Its addresses may be others afterwards.
        """
        links = [link for container in self._begin(target) for link in links_of(container)]

        def disconnect() -> None:
            for link in links:
                link.container.disconnect(link.network)

        def connect() -> None:
            for link in links:
                if link.network not in link.container.inspect()["NetworkSettings"]["Networks"]:
                    link.container.connect(link.network, link.aliases)

        with healing(self._note, _actor(target), "disconnect", do=disconnect, heal=connect):
            yield

    @contextlib.contextmanager
    def _until_started(self, target: Target, action: str, do: Callable[[Container], object]) -> Iterator[None]:
        containers = self._begin(target)
        fault = each(do, containers)

        def strike() -> None:
            fault()
            if action in STILL:
                _struck(containers, action)

        with healing(self._note, _actor(target), action, do=strike, heal=lambda: ensure_running(containers)):
            yield

    def _begin(self, target: Target) -> list[Container]:
        """Let things settle and return the target's containers; none of a service that never started is fine."""
        settle(self._stack)
        if isinstance(target, Container):
            return [target]
        every = self._stack.containers()
        chosen = [c for c in every if c.service == target] or [c for c in every if c.name == target]
        if not chosen and target not in self._stack.info.services:
            raise GraderError(msg("There is no service or container %(name)s to disturb.", name=target))
        return chosen


class Link(NamedTuple):
    """A container's place on a network (its real name), and the names it answers to there."""

    container: Container
    network: str
    aliases: list[str]


def links_of(container: Container) -> list[Link]:
    """Return the networks that a container is on."""
    networks = container.inspect()["NetworkSettings"]["Networks"]
    own = container.id[:12]  # the engine adds it by itself
    return [Link(container, name, [a for a in end["Aliases"] or [] if a != own]) for name, end in networks.items()]


def _struck(containers: list[Container], action: str) -> None:
    """Raise GraderError if something of what was disturbed runs on: a fault that was none would prove nothing."""
    running = [c.name for c in containers if (state := c.state()).running and not state.paused]
    if running:
        raise GraderError(msg("%(action)s had no effect on %(names)s", action=action, names=", ".join(running)))


def _actor(target: Target) -> str:
    return target if isinstance(target, str) else target.name
