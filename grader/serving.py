"""When a service of the contract serves: each role's own first question, and whether it is the contract's service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from grader import brokers
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from grader.model.assignment import ContractService
    from grader.probes.recorder import Recorder
    from grader.stack.stack import Stack

CREDENTIALS_S = 15.0


def refuses(stack: Stack, recorder: Recorder, service: ContractService) -> str:
    """Return why a broker that answers is not the contract's: it refuses its credentials or lacks its database.

    What imports definitions or makes its database by itself gets a moment for it. "" when all is well.
    """
    client = brokers.client(service.role)
    if client is None or client.refuses is None:
        return ""
    asks = partial(client.refuses.asks, brokers.probe(stack, recorder, service))
    try:
        eventually(asks, within=CREDENTIALS_S, every=0.3, what=client.refuses.code)
    except DeadlineError:
        return client.refuses.code
    return ""


def ready_probe(stack: Stack, recorder: Recorder, service: ContractService) -> Callable[[], bool] | None:
    """Return what says whether a service is ready, None for one that shows it by its work."""
    client = brokers.client(service.role)
    if client is None:
        return None
    if not client.every_container:
        return partial(client.ready, brokers.probe(stack, recorder, service))
    return partial(_all_ready, stack, recorder, service, client.ready)


def _all_ready(stack: Stack, recorder: Recorder, service: ContractService, ready: Callable[[Any], bool]) -> bool:
    """Say whether every replica answers: checks speak to each of them, and one may be later than another."""
    containers = stack.containers(service.name)
    return bool(containers) and all(ready(brokers.probe(stack, recorder, service, c.name)) for c in containers)
