"""The fixtures that every assignment's checks may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.checks.fault_injection import FaultInjector
from grader.checks.ids import Ids

if TYPE_CHECKING:
    from grader.checks.environment import Environment
    from grader.probes.kafka import Kafka
    from grader.probes.postgres import Postgres
    from grader.probes.rabbitmq import RabbitMQ
    from grader.probes.recorder import Recorder
    from grader.probes.redis import Redis
    from grader.stack.stack import Stack


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
    return Ids(environment.nonce)


@pytest.fixture(scope="session")
def faults(environment: Environment) -> FaultInjector:
    """What can be done to the submission's containers; every fault heals on leaving its `with` block."""
    return FaultInjector(environment.stack, environment.recorder)


@pytest.fixture(scope="session")
def rabbitmq(environment: Environment) -> RabbitMQ:
    """The contract's broker `rabbitmq`."""
    return environment.rabbitmq()


@pytest.fixture(scope="session")
def redis(environment: Environment) -> Redis:
    """The contract's `redis`."""
    return environment.redis()


@pytest.fixture(scope="session")
def postgres(environment: Environment) -> Postgres:
    """The contract's database server `db`."""
    return environment.postgres()


@pytest.fixture(scope="session")
def kafka(environment: Environment) -> Kafka:
    """The contract's broker `kafka`."""
    return environment.kafka()
