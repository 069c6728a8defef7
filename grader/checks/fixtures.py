"""The fixtures that every assignment's checks may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from grader import brokers
from grader.checks.disturbances import Disturbances
from grader.checks.ids import Ids

if TYPE_CHECKING:
    from grader.checks.world import World
    from grader.probes.recorder import Recorder
    from grader.stack.stack import Stack


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest) -> World:
    """The run: stack, History, probes."""
    plugin = request.config.pluginmanager.get_plugin("grader-checks")
    assert plugin is not None
    found: World = plugin.world
    return found


@pytest.fixture(scope="session")
def stack(world: World) -> Stack:
    """The submission's containers."""
    return world.stack


@pytest.fixture(scope="session")
def recorder(world: World) -> Recorder:
    """The live History."""
    return world.recorder


@pytest.fixture(scope="session")
def ids(world: World) -> Ids:
    """Ids of our own messages."""
    return Ids(world.nonce)


@pytest.fixture(scope="session")
def faults(world: World) -> Disturbances:
    """What can be done to the submission's containers; every fault heals on leaving its `with` block."""
    return Disturbances(world.stack, world.recorder)


def _of_role(role: str) -> Any:
    def made(world: World) -> Any:
        return world.probe(role)

    made.__doc__ = f"The contract's service with the role `{role}`."
    return pytest.fixture(scope="session", name=role)(made)


# Each room has a fixture of its role's name: what speaks with that service.
globals().update({role: _of_role(role) for role in brokers.rooms() if role not in globals()})
