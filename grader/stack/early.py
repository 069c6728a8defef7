"""What may be started before everything is built, and what of that came to nothing and is started anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grader.stack.stack import Stack

_LENT = ("network_mode", "pid", "ipc")


def startable(services: Mapping[str, Any], wanted: Iterable[str], built: Iterable[str]) -> list[str]:
    """Return which of `wanted` can be started with all that they depend on while `built` are still being built.

    services: as in the plan's compose model.
    """
    missing = set(built)
    return [name for name in wanted if name in services and not (_closure(services, name) & missing)]


def _closure(services: Mapping[str, Any], name: str) -> set[str]:
    """Return the service and whatever Compose starts before it."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each in services and each not in found:
            found.add(each)
            waiting += _needs(services[each])
    return found


def _needs(service: Mapping[str, Any]) -> list[str]:
    lent = [str(service.get(key, "")) for key in _LENT]
    return [
        *service.get("depends_on", {}),
        *(text.removeprefix("service:") for text in lent if text.startswith("service:")),
        *(str(entry).partition(":")[0] for key in ("links", "volumes_from") for entry in service.get(key, ())),
    ]


def remove_failed(stack: Stack) -> list[str]:
    """Remove containers that fell over (once is enough) or are unhealthy, with anonymous volumes; return their names.

    They were started while images were built, when the machine has least to give: what comes of them then is no reason
    to judge anything.
    """
    gone = []
    for container in stack.containers():
        state = container.state()
        ended_badly = state.status in {"exited", "dead"} and state.exit_code != 0
        if ended_badly or state.restarts or state.status == "restarting" or state.health == "unhealthy":
            container.remove()
            gone.append(container.name)
    return gone
