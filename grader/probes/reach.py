"""What is to be seen of the submission's containers, and nothing that changes them: `grader.stack` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Info(Protocol):
    """What is known of a running stack."""

    @property
    def epoch(self) -> float:
        """`time.time()` at the stack's t=0."""

    @property
    def services(self) -> Mapping[str, int]:
        """Containers per service."""


class State(Protocol):
    """How a container is at one moment."""

    @property
    def status(self) -> str:
        """Docker's word ("created", "running", "exited", …)."""

    @property
    def exit_code(self) -> int:
        """Of its end."""

    @property
    def restarts(self) -> int:
        """How often its restart policy has started it."""

    @property
    def comes_back(self) -> bool:
        """Whether its restart policy would start it again after an end like its last one."""


class Container(Protocol):
    """One container, as found at one moment."""

    @property
    def id(self) -> str:
        """The engine's name of it, which no other has ever had."""

    @property
    def service(self) -> str:
        """The service that it is of ("worker")."""

    @property
    def name(self) -> str:
        """Its name ("worker-2")."""

    @property
    def hostname(self) -> str:
        """How it calls itself."""

    @property
    def listed_addresses(self) -> Mapping[str, str]:
        """Its address on each network."""

    def environment(self) -> dict[str, str]:
        """Return its variables."""

    def state(self) -> State:
        """Return how it is now."""

    def logs(self, tail: int = ...) -> tuple[str, ...]:
        """Return its last lines."""

    def exec(self, argv: Sequence[str], *, deadline_s: float = ...) -> tuple[int, str]:
        """Run a program in it; return exit code and output. Raises DeadlineError."""


class Happening(Protocol):
    """One thing that happened to a container."""

    @property
    def action(self) -> str:
        """Docker's word ("start", "die", "pause", …)."""

    @property
    def container(self) -> str:
        """Its name ("worker-2")."""

    @property
    def exit_code(self) -> int | None:
        """Of a "die"."""


class Events(Protocol):
    """Container events as they come."""

    def __iter__(self) -> Iterator[Happening]:
        """Wait for the next one."""

    def close(self) -> None:
        """End the iteration, from any thread."""


class Stack(Protocol):
    """The submission's containers, by name."""

    @property
    def info(self) -> Info:
        """What is known of it."""

    def address(self, target: str, port: int) -> tuple[str, int]:
        """Return a loopback (host, port) that leads to `port` of a service or a container."""

    def containers(self, service: str | None = None) -> Sequence[Container]:
        """Return the containers (of one service), whatever their state."""

    def events(self) -> Events:
        """Subscribe to what happens to them."""
