"""What to type by hand to look into a running system."""

from __future__ import annotations

import pytest

from grader import brokers

APACHE, CONFLUENT = "grader.local/apache/kafka:3.9.1", "confluentinc/cp-kafka@sha256:00"


@pytest.mark.parametrize(
    ("role", "variables", "image", "first"),
    [
        ("rabbitmq", {}, "rabbitmq:3", "rabbitmqctl list_queues name messages consumers durable"),
        ("redis", {}, "redis:7", "redis-cli"),
        ("postgres", {}, "postgres:15", "psql -U postgres postgres"),
        ("postgres", {"POSTGRES_USER": "ana", "POSTGRES_DB": "app"}, "postgres:15", "psql -U ana app"),
        ("kafka", {}, APACHE, "/opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 --describe"),
        ("kafka", {}, CONFLUENT, "kafka-topics --bootstrap-server localhost:9092 --describe"),
    ],
)
def test_commands_are_those_of_the_image(role: str, variables: dict[str, str], image: str, first: str) -> None:
    """With its user and database, and by the names that the image gives to them."""
    assert brokers.rooms()[role].broker.by_hand(variables, image)[0] == first


def test_what_a_submission_writes_itself_has_none() -> None:
    """Nobody knows what is in it."""
    assert brokers.rooms()["http"].broker.by_hand({}, "x") == ()
