"""How the grader talks to Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.brokers.client import Client
from grader.brokers.kafka.group_watch import GroupWatch
from grader.brokers.kafka.probe import KAFKA_ERRORS, Kafka

if TYPE_CHECKING:
    from grader.authoring.environment import Environment


def group_watch(environment: Environment, kafka: Kafka, group: str, topic: str) -> GroupWatch:
    """Record who holds which partitions of a topic."""
    return GroupWatch(kafka, environment.recorder, group, topic)


CLIENT = Client(probe=Kafka, ready=Kafka.ready, errors=KAFKA_ERRORS, observers={"group_watch": group_watch})
