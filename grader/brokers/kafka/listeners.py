"""Which ports of a Kafka container may be listeners for clients, by its environment and by what it listens on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from grader.brokers.kafka import BROKER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LISTENER = re.compile(r"\s*([A-Za-z0-9_.-]+)://\[?([^\s,\]]*?)\]?:(\d+)\s*$")
_LISTEN = "0A"  # the state in /proc/net/tcp
_LOOPBACK_6 = "0" * 24 + "01000000"


class Endpoint(NamedTuple):
    """One entry of a listeners setting: NAME://host:port ("" for the host: any address)."""

    name: str
    host: str
    port: int


def parse(setting: str) -> tuple[Endpoint, ...]:
    """Read a value of KAFKA_LISTENERS or KAFKA_ADVERTISED_LISTENERS; what is none of its form is left out."""
    found = [_LISTENER.match(part) for part in setting.split(",")]
    return tuple(Endpoint(m[1].upper(), m[2], int(m[3])) for m in found if m)


def for_clients(environment: Mapping[str, str], usual: int = BROKER.port) -> tuple[Endpoint, ...]:
    """Return the endpoints that clients may be meant to use: those of the broker, in plain text, as they are bound.

    Without KAFKA_LISTENERS a broker binds the ports that it advertises (Confluent's image), or the usual one.
    """
    bound = parse(environment.get("KAFKA_LISTENERS", "")) or parse(environment.get("KAFKA_ADVERTISED_LISTENERS", ""))
    controllers = {n.strip().upper() for n in environment.get("KAFKA_CONTROLLER_LISTENER_NAMES", "").split(",")}
    protocols = dict(
        entry.strip().upper().split(":", 1)
        for entry in environment.get("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "").split(",")
        if ":" in entry
    )
    plain = [e for e in bound if e.name not in controllers and protocols.get(e.name, "PLAINTEXT") == "PLAINTEXT"]
    return tuple(plain) or (Endpoint("", "", usual),)


def listening(proc_net_tcp: str) -> tuple[int, ...]:
    """Return the ports in /proc/net/tcp (and tcp6) on which a program listens for others than itself."""
    ports = set()
    for line in proc_net_tcp.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == _LISTEN:
            address, _, port = fields[1].rpartition(":")
            if not address.endswith("7F") and not address.endswith(_LOOPBACK_6):
                ports.add(int(port, 16))
    return tuple(sorted(ports))


def name_of(port: int, endpoints: Iterable[Endpoint]) -> str:
    """Return the name of the listener that is bound to a port, "" if it is not known."""
    return next((e.name for e in endpoints if e.port == port), "")
