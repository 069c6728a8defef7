"""Which container stands behind an address, remembered until a container starts or dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.probes.reach import Stack


def names_of(stack: Stack) -> dict[str, str]:
    """Return the submission's containers by address, as they are now."""
    return {a: container.name for container in stack.containers() for a in container.listed_addresses.values()}


class Addresses:
    """Names of containers by IPv4 address. Observers ask at every event, the engine is asked when it must be alone.

    The engine announces a change late where the machine is busy: a container may have worked before it is said that it
    started. So an address that is in no list is looked up in a new one, once until the next change where it is nobody's
    (the grader's own is met at every look). What has gone keeps its name, since what it sent is shown later still.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._listed: dict[str, str] | None = None
        self._known: dict[str, str] = {}
        self._strangers: set[str] = set()

    def changed(self) -> None:
        """Forget the list: a container has started or died, and addresses may have moved."""
        self._listed = None
        self._strangers = set()

    def name_of(self, address: str) -> str:
        """Return the container's name ("worker-2"), or "" for an address that is none of the submission's."""
        listed = self._listed
        if listed is None or not (address in listed or address in self._strangers):
            listed = self._listed = names_of(self._stack)
            self._known |= listed
            if address not in self._known:
                self._strangers.add(address)
        return listed.get(address) or self._known.get(address, "")
