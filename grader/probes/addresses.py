"""Which container stands behind an address, remembered until a container starts or dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.probes.reach import Stack


def names_of(stack: Stack) -> dict[str, str]:
    """Return the submission's containers by address, as they are now."""
    return {a: container.name for container in stack.containers() for a in container.listed_addresses.values()}


class Addresses:
    """Names of containers by IPv4 address. An observer asks at every event, so the engine is asked only after changes.

    A new connection's address is looked up in a list made after the last change that the engine announced.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._names: dict[str, str] | None = None

    def changed(self) -> None:
        """Forget the list: a container has started or died, and addresses may have moved."""
        self._names = None

    def name_of(self, address: str) -> str:
        """Return the container's name ("worker-2"), or "" for an address that is none of the submission's."""
        if self._names is None:
            self._names = names_of(self._stack)
        return self._names.get(address, "")
