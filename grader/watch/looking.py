"""How to look inside of a stack that is kept up: loopback addresses, and the commands of the course."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grader import brokers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from grader.stages import Graded

_MAX_PORTS = 40


class OpenPort(NamedTuple):
    """A port of a service and where it is on this machine as long as the grader runs."""

    service: str
    port: int
    address: str


class Commands(NamedTuple):
    """What to type to look into one service."""

    service: str
    lines: tuple[str, ...]


def open_ports(graded: Graded) -> tuple[OpenPort, ...]:
    """Open a loopback port for each port that a service of the stack names, and for the contract's."""
    wanted: dict[tuple[str, int], None] = {}
    for contract in graded.plan.contract:
        if contract.port:
            wanted[contract.name, contract.port] = None
    for name, service in graded.plan.compose["services"].items():
        for port in service.get("expose") or ():
            number, _, protocol = str(port).partition("/")
            if number.isdecimal() and protocol in {"", "tcp"}:
                wanted[name, int(number)] = None
    opened = []
    for name, port in list(wanted)[:_MAX_PORTS]:
        host, local = graded.stack.address(name, port)
        opened.append(OpenPort(name, port, f"{host}:{local}"))
    return tuple(opened)


def commands(graded: Graded) -> tuple[Commands, ...]:
    """Return the commands for each running service: its logs, and what its role's own tools say."""
    found = []
    roles = {s.name: s.role for s in graded.plan.contract}
    for name, service in graded.plan.compose["services"].items():
        containers = graded.stack.containers(name)
        if containers:
            container = f"{graded.stack.info.project}-{containers[0].name}"
            lines = (f"docker logs -f {container}", *_tools(roles.get(name, ""), container, service))
            found.append(Commands(name, lines))
    return tuple(found)


def _tools(role: str, container: str, service: Mapping[str, Any]) -> tuple[str, ...]:
    if role not in brokers.rooms():
        return ()
    said: dict[str, str] = {k: str(v) for k, v in (service.get("environment") or {}).items()}
    lines = brokers.rooms()[role].broker.by_hand(said, str(service.get("image")))
    return tuple(f"docker exec -it {container} {line}" for line in lines)
