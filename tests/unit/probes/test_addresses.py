"""Who stands behind an address, with an engine that tells of changes late."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from grader.probes.addresses import Addresses


class Stack:
    """Containers by address, as the engine lists them; counts how often it is asked."""

    def __init__(self, **names: str) -> None:
        self.names = names
        self.asked = 0

    def containers(self) -> list[Any]:
        self.asked += 1
        return [SimpleNamespace(name=n, listed_addresses={"net": a}) for a, n in self.names.items()]


def test_the_engine_is_asked_after_changes_alone() -> None:
    """Not at every event; what has moved has its new name."""
    stack = Stack(a="worker-1")
    addresses = Addresses(stack)  # type: ignore[arg-type]
    assert [addresses.name_of("a") for _ in range(3)] == ["worker-1"] * 3
    assert stack.asked == 1
    stack.names = {"a": "worker-2"}
    addresses.changed()
    assert addresses.name_of("a") == "worker-2"


def test_who_works_before_its_start_is_announced_has_its_name() -> None:
    """A container that came since the list was made is none of ours."""
    stack = Stack(a="api-1")
    addresses = Addresses(stack)  # type: ignore[arg-type]
    assert addresses.name_of("a") == "api-1"
    stack.names["b"] = "worker-1"
    assert addresses.name_of("b") == "worker-1"
    assert addresses.name_of("c") == ""


def test_what_has_gone_keeps_its_name() -> None:
    """What it sent may be shown after its end."""
    stack = Stack(a="worker-1")
    addresses = Addresses(stack)  # type: ignore[arg-type]
    assert addresses.name_of("a") == "worker-1"
    stack.names = {}
    addresses.changed()
    assert addresses.name_of("a") == "worker-1"


def test_a_stranger_is_asked_for_once_until_something_changes() -> None:
    """The grader's own address is met at every look; a container may get an address that was nobody's."""
    stack = Stack(a="worker-1")
    addresses = Addresses(stack)  # type: ignore[arg-type]
    assert [addresses.name_of("ours") for _ in range(3)] == [""] * 3
    assert stack.asked == 1
    stack.names["ours"] = "worker-2"
    addresses.changed()
    assert addresses.name_of("ours") == "worker-2"
