"""A variable that points to localhost within a container, and the address that is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.i18n import render

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("BROKER", "amqp://localhost", "amqp://rabbitmq:5672"),
        ("BROKER", "amqps://u:p@127.0.0.1:5671/x", "amqp://rabbitmq:5672"),
        ("CACHE", "redis://:secret@localhost:6380/0", "redis://redis:6379"),
        ("DB", "postgresql://u:p@localhost/app", "postgres://db:5432"),
        ("SERVERS", "localhost:9092", "kafka:9092"),
        ("REDIS_ADDRESS", "localhost", "redis://redis:6379"),
        ("API", "http://localhost:3000", "http://api:3000"),
    ],
)
def test_the_example_is_of_what_is_meant(submission: Submission, name: str, text: str, meant: str) -> None:
    """By the scheme, else by the port, else by the variable's name."""
    submission.service(f"environment: {{{name}: '{text}'}}")
    (found,) = [f for f in submission.findings() if f.code == "localhost-in-url"]
    assert found.remedy
    assert render(found.remedy, "en") == f"Use the name of the service that is meant, as in {meant}."


@pytest.mark.parametrize(
    ("name", "text"),
    [("LISTENERS", "PLAINTEXT://localhost:9092"), ("URL", "http://localhosting:80"), ("HOSTNAME", "localhost")],
)
def test_what_a_service_says_of_itself_is_no_mistake(submission: Submission, name: str, text: str) -> None:
    """Where it listens, and how it is called; a host of a longer name is another one."""
    submission.service(f"environment: {{{name}: '{text}'}}")
    assert "localhost-in-url" not in submission.codes()
