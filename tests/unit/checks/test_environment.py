"""The checks' environment speaks with whatever the rooms know, by the contract's names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from grader import brokers
from grader.brokers.rabbitmq.probe import RabbitMQ
from grader.checks import fixtures
from grader.checks.environment import ChecksEnvironment
from grader.checks.session import ServiceState
from grader.errors import CheckFailure
from grader.model.assignment import Assignment, ContractService
from grader.model.text import Bilingual
from grader.probes.recorder import Recorder

CONTRACT = Assignment(
    id="x",
    title=Bilingual(es="", en=""),
    services=(
        ContractService(name="mq", role="rabbitmq", port=5673, images=("rabbitmq",), user="ana", password="clave"),
        ContractService(name="api", role="http", port=8080),
        ContractService(name="store", role="redis", images=("redis",)),
    ),
    checks=(),
)


class Anywhere:
    """A stack that remembers which ports were asked for."""

    info = SimpleNamespace(services={"mq": 1, "api": 2, "store": 1, "other": 1})

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def address(self, target: str, port: int) -> tuple[str, int]:
        self.asked.append((target, port))
        raise ConnectionRefusedError(target)


@pytest.fixture
def environment() -> ChecksEnvironment:
    """One without an engine."""
    found = ChecksEnvironment.__new__(ChecksEnvironment)
    found.session = SimpleNamespace(  # type: ignore[assignment]
        services={"store": ServiceState(ready=False, reason="service-not-ready")}
    )
    found.assignment = CONTRACT
    found.stack = Anywhere()  # type: ignore[assignment]
    found.recorder = Recorder(lambda: 0.0)
    found._closers = []
    return found


def test_a_role_is_the_service_of_the_contract_and_its_port(environment: ChecksEnvironment) -> None:
    """However the contract calls it; a port that it does not name is the room's."""
    assert isinstance(environment.rabbitmq(), RabbitMQ)
    assert environment.rabbitmq().service == "mq"
    assert environment.probe("rabbitmq", "mq").accepts_user() is None
    with pytest.raises(ConnectionRefusedError):
        environment.http("api-2").get("/", quiet=True)
    assert environment.stack.asked == [("mq", 5673), ("api-2", 8080)]  # type: ignore[attr-defined]


def test_a_probe_logs_in_with_what_the_contract_says(environment: ChecksEnvironment) -> None:
    """What the assignment writes down, and else what such a server knows by itself."""
    info = SimpleNamespace(services={"mq": 1, "other": 1, "postgres": 1})
    environment.stack = SimpleNamespace(info=info, address=lambda *_: ("127.0.0.1", 1))  # type: ignore[assignment]
    assert (credentials := environment.rabbitmq().parameters().credentials).username == "ana"
    assert credentials.password == "clave"
    assert environment.probe("rabbitmq", "other").parameters().credentials.username == "guest"
    assert environment.postgres().database == "postgres"


def test_what_never_came_up_fails_the_check(environment: ChecksEnvironment) -> None:
    """With the reason that is known of its start."""
    with pytest.raises(CheckFailure) as caught:
        environment.redis()
    assert caught.value.code == "service-not-ready"


def test_what_the_submission_has_not_can_be_asked_for(environment: ChecksEnvironment) -> None:
    """By name, or by the word of several alternatives; to speak with what is not there is the check's own mistake."""
    chosen = ContractService(name="cache", role="redis", port=6380, one_of="memory")
    environment.assignment = msgspec.structs.replace(CONTRACT, services=(*CONTRACT.services, chosen))
    assert environment.service("memory") is environment.service("cache") is chosen
    assert environment.services("memory") == (chosen,)
    assert [environment.has(name) for name in ("cache", "memory", "gui", "")] == [True, True, False, False]
    for absent in (lambda: environment.service("gui"), lambda: environment.http("gui"), environment.postgres):
        with pytest.raises(LookupError):
            absent()
    assert environment.http("other")


def test_an_observer_is_closed_with_the_environment(
    environment: ChecksEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name that its room gives to it, with the environment and the check's own arguments."""
    seen: list[Any] = []
    client = SimpleNamespace(observers={"watching": lambda *given: SimpleNamespace(close=lambda: seen.append(given))})
    monkeypatch.setattr(brokers, "clients", lambda: [client])
    environment.watching("a")
    environment.close()
    assert seen == [(environment, "a")]


def test_what_no_room_knows_is_no_attribute(environment: ChecksEnvironment) -> None:
    """A slip is an error of the check's author, at once."""
    with pytest.raises(AttributeError):
        _ = environment.rabitmq


def test_each_room_has_a_fixture_of_its_roles_name() -> None:
    """A check asks for what it speaks with; none of the grader's own fixtures gives way to a room."""
    assert all(hasattr(fixtures, role) for role in brokers.rooms())
    assert fixtures.environment.__doc__ == "The run: stack, History, probes."
