"""The fixtures that every assignment's checks may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from grader import brokers

if TYPE_CHECKING:
    from grader.authoring.environment import Environment
    from grader.authoring.fault_injection import FaultInjector
    from grader.authoring.ids import Ids
    from grader.probes.reach import Stack
    from grader.probes.recorder import Recorder


@pytest.fixture(scope="session")
def environment(request: pytest.FixtureRequest) -> Environment:
    """The run: stack, History, probes."""
    plugin = request.config.pluginmanager.get_plugin("grader-checks")
    assert plugin is not None
    found: Environment = plugin.environment
    return found


@pytest.fixture(scope="session")
def stack(environment: Environment) -> Stack:
    """The submission's containers."""
    return environment.stack


@pytest.fixture(scope="session")
def recorder(environment: Environment) -> Recorder:
    """The live History."""
    return environment.recorder


@pytest.fixture(scope="session")
def ids(environment: Environment) -> Ids:
    """Ids of our own messages."""
    return environment.ids


@pytest.fixture(scope="session")
def faults(environment: Environment) -> FaultInjector:
    """What can be done to the submission's containers; every fault heals on leaving its `with` block."""
    return environment.faults


def _of_role(role: str) -> Any:
    def made(environment: Environment) -> Any:
        return environment.probe(role)

    made.__doc__ = f"The contract's service with the role `{role}`."
    return pytest.fixture(scope="session", name=role)(made)


# Each room has a fixture of its role's name: what speaks with that service.
globals().update({role: _of_role(role) for role in brokers.rooms() if role not in globals()})
