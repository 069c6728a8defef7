"""How the grader talks to RabbitMQ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.brokers.client import Client, Refusal
from grader.brokers.rabbitmq.firehose import Firehose
from grader.brokers.rabbitmq.probe import BROKER_ERRORS, RabbitMQ

if TYPE_CHECKING:
    from grader.authoring.environment import Environment


def firehose(environment: Environment, rabbitmq: RabbitMQ, stored: tuple[str, ...]) -> Firehose:
    """Observe a broker, and what lies in the queues `stored`; returns when the firehose is on."""
    observer = Firehose(environment.addresses, environment.recorder, rabbitmq, stored=stored)
    try:
        observer.wait_tracing()
    except BaseException:
        observer.close()
        raise
    return observer


CLIENT = Client(
    probe=RabbitMQ,
    ready=RabbitMQ.ready,
    refuses=Refusal(RabbitMQ.accepts_user, "broker-user-not-declared"),
    errors=BROKER_ERRORS,
    observers={"firehose": firehose},
)
