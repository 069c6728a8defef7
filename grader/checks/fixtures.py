"""The fixtures that every assignment's checks may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from grader.authoring.disturbances import Disturbances
    from grader.authoring.ids import Ids
    from grader.authoring.world import World
    from grader.probes.kafka import Kafka
    from grader.probes.postgres import Postgres
    from grader.probes.rabbitmq import RabbitMQ
    from grader.probes.recorder import Recorder
    from grader.probes.redis import Redis
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
    return world.ids


@pytest.fixture(scope="session")
def faults(world: World) -> Disturbances:
    """What can be done to the submission's containers; every fault heals on leaving its `with` block."""
    return world.faults


@pytest.fixture(scope="session")
def rabbitmq(world: World) -> RabbitMQ:
    """The contract's broker `rabbitmq`."""
    return world.rabbitmq()


@pytest.fixture(scope="session")
def redis(world: World) -> Redis:
    """The contract's `redis`."""
    return world.redis()


@pytest.fixture(scope="session")
def postgres(world: World) -> Postgres:
    """The contract's database server `db`."""
    return world.postgres()


@pytest.fixture(scope="session")
def kafka(world: World) -> Kafka:
    """The contract's broker `kafka`."""
    return world.kafka()
