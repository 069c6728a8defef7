"""A room that another distribution brings: loaded whole, and apart from all others, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.brokers.broker import Broker, Room
from grader.brokers.whole import lacking
from grader.errors import UsageError
from grader.installed import GROUP
from grader.model.assignment import WORKER
from grader.model.reasons import GENERAL
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.installed import Installed


def room_of(package: Installed) -> Room:
    """Return the room that another distribution brings. Raises UsageError where it is not whole."""
    try:
        broker = package.entry.load()
    except Exception as error:  # whatever somebody else's module raises when it is imported
        broker, why = None, f"{type(error).__name__}: {error}"
    else:
        why = type(broker).__name__
    folder = package.folder()
    if folder is None and isinstance(broker, Broker):
        why = "no package"
    if not isinstance(broker, Broker) or folder is None:
        raise UsageError(
            msg(
                "%(package)s: its entry point %(entry)s in the group %(group)s names no room: %(value)s (%(error)s). "
                "Let it name a value of grader.brokers.Broker in a package, as module:NAME.",
                package=package.distribution,
                entry=package.entry.name,
                group=GROUP,
                value=package.entry.value,
                error=why,
            )
        )
    for text in lacking(broker, folder, package.distribution):
        raise UsageError(text)
    return Room(broker, folder, package.distribution)


def keep_apart(room: Room, others: Iterable[Room]) -> None:
    """Raise UsageError where a room that was brought takes a name that another one, or the grader itself, has."""
    taken = {"grader": {"role": {WORKER}, "reasons": set(GENERAL), "sources": {"grader", "docker"}}}
    taken |= {other.distribution or other.broker.role: _names(other.broker) for other in others}
    for owner, names in taken.items():
        for kind, mine in _names(room.broker).items():
            for name in sorted(mine & names.get(kind, set())):
                raise UsageError(
                    msg(
                        "%(package)s: the room %(role)s takes the name %(name)s (%(kind)s), which %(other)s has. "
                        "Choose another one.",
                        package=room.distribution,
                        role=room.broker.role,
                        name=name,
                        kind=kind,
                        other=owner,
                    )
                )


def _names(broker: Broker) -> dict[str, set[str]]:
    return {
        "role": {broker.role},
        "images": set(broker.images),
        "sources": set(broker.sources),
        "reasons": set(broker.reasons),
        "exports": set(broker.exports),
    }
