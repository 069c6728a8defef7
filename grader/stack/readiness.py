"""Waiting until services are ready; what "ready" means is the caller's, this module knows no protocol."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from grader.polling import Deadline, DeadlineError, eventually
from grader.stack.container import ContainerState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from grader.stack.stack import Stack

Why: TypeAlias = Literal["ready", "exited", "restarting", "timeout"]

_LOG_LINES = 20


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a service became ready.

    seconds: how long it took, or was waited. reason: "exited" when its containers ended for good, "restarting" when
    they kept ending. state: of its first container, None if it has none. logs: when it isn't ready, its last
    lines, and what its health check says against it.
    """

    ready: bool
    seconds: float
    reason: Why
    state: ContainerState | None = None
    logs: tuple[str, ...] = ()


def wait(
    stack: Stack, services: Mapping[str, Callable[[], bool]], *, within: float, every: float = 0.1
) -> dict[str, Readiness]:
    """Poll every service's function at once until all are ready or `within` seconds are over.

    A function says whether its service is ready now; an OSError counts as no. Other exceptions go up. A service whose
    containers have all ended, and that no restart policy brings back, is given up early.
    """
    if not services:
        return {}
    with ThreadPoolExecutor(len(services), thread_name_prefix="ready") as pool:
        waits = {name: pool.submit(_wait_one, stack, name, ready, within, every) for name, ready in services.items()}
        return {name: future.result() for name, future in waits.items()}


def _wait_one(stack: Stack, service: str, ready: Callable[[], bool], within: float, every: float) -> Readiness:
    age = Deadline(within)

    def probe() -> Why | None:
        try:
            if ready():
                return "ready"
        except OSError:
            pass
        return "exited" if _gone_for_good(stack, service) else None

    reason: Why
    try:
        reason = eventually(probe, within=within, every=every, what=f"{service} is ready")
    except DeadlineError:
        reason = "timeout"
    if reason == "ready":
        return Readiness(ready=True, seconds=age.elapsed(), reason="ready", state=_state(stack, service))
    state = _state(stack, service)
    if reason == "timeout" and state and (state.restarts or state.status == "restarting"):
        reason = "restarting"
    ailment = state.ailment if state else ()
    logs = (*(line for c in stack.containers(service)[:1] for line in c.logs(_LOG_LINES)), *ailment)
    return Readiness(ready=False, seconds=age.elapsed(), reason=reason, state=state, logs=logs)


def _gone_for_good(stack: Stack, service: str) -> bool:
    containers = stack.containers(service)
    if not containers or any(container.listed_status not in {"exited", "dead"} for container in containers):
        return False
    states = [container.state() for container in containers]
    return all(state.status in {"exited", "dead"} and not state.comes_back for state in states)


def _state(stack: Stack, service: str) -> ContainerState | None:
    containers = stack.containers(service)
    return containers[0].state() if containers else None
