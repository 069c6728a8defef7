"""The checks' world speaks with whatever the rooms know, by the contract's names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from grader import brokers
from grader.brokers.rabbitmq.probe import RabbitMQ
from grader.checks import fixtures
from grader.checks.session import ServiceState
from grader.checks.world import World
from grader.errors import CheckFailure
from grader.model.assignment import Assignment, ContractService
from grader.model.text import Bilingual
from grader.probes.recorder import Recorder

CONTRACT = Assignment(
    id="x",
    title=Bilingual(es="", en=""),
    services=(
        ContractService(name="mq", role="rabbitmq", port=5673, images=("rabbitmq",)),
        ContractService(name="api", role="http", port=8080),
        ContractService(name="store", role="redis", images=("redis",)),
    ),
    checks=(),
)


class Anywhere:
    """A stack that remembers which ports were asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def address(self, target: str, port: int) -> tuple[str, int]:
        self.asked.append((target, port))
        raise ConnectionRefusedError(target)


@pytest.fixture
def world() -> World:
    """A world without an engine."""
    found = World.__new__(World)
    found.session = SimpleNamespace(  # type: ignore[assignment]
        assignment=CONTRACT, services={"store": ServiceState(ready=False, reason="service-not-ready")}
    )
    found.stack = Anywhere()  # type: ignore[assignment]
    found.recorder = Recorder(lambda: 0.0)
    found._closers = []
    return found


def test_a_role_is_the_service_of_the_contract_and_its_port(world: World) -> None:
    """However the contract calls it; a port that it does not name is the room's."""
    assert isinstance(world.rabbitmq(), RabbitMQ)
    assert world.rabbitmq().service == "mq"
    assert world.probe("rabbitmq", "mq").accepts_user() is None
    with pytest.raises(ConnectionRefusedError):
        world.http("api-2").get("/", quiet=True)
    assert world.stack.asked == [("mq", 5673), ("api-2", 8080)]  # type: ignore[attr-defined]


def test_what_never_came_up_fails_the_check(world: World) -> None:
    """With the reason that is known of its start."""
    with pytest.raises(CheckFailure) as caught:
        world.redis()
    assert caught.value.code == "service-not-ready"


def test_an_observer_is_closed_with_the_world(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name that its room gives to it, with the run and the check's own arguments."""
    seen: list[Any] = []
    client = SimpleNamespace(observers={"watching": lambda *given: SimpleNamespace(close=lambda: seen.append(given))})
    monkeypatch.setattr(brokers, "clients", lambda: [client])
    world.watching("a")
    world.close()
    assert seen == [(world, "a")]


def test_what_no_room_knows_is_no_attribute(world: World) -> None:
    """A slip is an error of the check's author, at once."""
    with pytest.raises(AttributeError):
        _ = world.rabitmq


def test_each_room_has_a_fixture_of_its_roles_name() -> None:
    """A check asks for what it speaks with; none of the grader's own fixtures gives way to a room."""
    assert all(hasattr(fixtures, role) for role in brokers.rooms())
    assert fixtures.world.__doc__ == "The run: stack, History, probes."
