"""Which rooms there are: those in this package, and those that other distributions bring along."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import installed
from grader.brokers import brought
from grader.brokers.broker import Room

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from grader.brokers.client import Client
    from grader.brokers.source import Source
    from grader.model.assignment import ContractService
    from grader.model.history import Event
    from grader.probes.reach import Stack
    from grader.probes.recorder import Recorder

PACKAGE = "grader.brokers"


@functools.cache
def rooms() -> Mapping[str, Room]:
    """Return all rooms by role."""
    found = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.ispkg:
            room = _own(module.name)
            found[room.broker.role] = room
    for package in installed.packages():
        room = brought.room_of(package)
        brought.keep_apart(room, found.values())
        found[room.broker.role] = room
    return found


def _own(name: str) -> Room:
    module = importlib.import_module(f"{PACKAGE}.{name}")
    return Room(module.BROKER, Path(str(module.__file__)).parent)


@functools.cache
def client(role: str) -> Client | None:
    """Return how a running system is talked to; None for one that nobody speaks to, or that is none of these."""
    room = rooms().get(role)
    return named(room.broker.client) if room and room.broker.client else None


def probe(stack: Stack, recorder: Recorder, service: ContractService, target: str = "", **options: Any) -> Any:
    """Return what a check speaks with to a service of the contract, or to `target`, one of its containers.

    The probe is told the contract's port and what it logs in with. options: of its own. Raises LookupError for one that
    nobody speaks to.
    """
    found = client(service.role)
    if found is None:
        raise LookupError(service.role)
    broker = rooms()[service.role].broker
    said = {name: value for name in broker.terms if (value := getattr(service, name))}
    return found.probe(
        stack, recorder, target or service.name, **{"port": service.port or broker.port, **said, **options}
    )


def is_evidence(role: str) -> bool:
    """Say whether a role is a broker or database of an image that we know, and so can start before all is built."""
    room = rooms().get(role)
    return bool(room and room.broker.images)


def clients() -> Iterator[Client]:
    """Yield how each system is talked to."""
    yield from (found for role in rooms() if (found := client(role)))


@functools.cache
def sources() -> Mapping[str, Source]:
    """Return what the probes of all rooms record, by the name of the source."""
    return {name: source for room in rooms().values() for name, source in room.broker.sources.items()}


def is_unseen(event: Event) -> bool:
    """Say whether an event is for our own order alone: no reader sees it."""
    source = sources().get(event.source)
    return source is not None and event.kind in source.unseen


def exported(name: str) -> Any:
    """Return what a room gives to the authors of checks under this name. Raises LookupError."""
    for room in rooms().values():
        if name in room.broker.exports:
            return named(room.broker.exports[name])
    raise LookupError(name)


def named(path: str) -> Any:
    """Return what "module:NAME" names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
