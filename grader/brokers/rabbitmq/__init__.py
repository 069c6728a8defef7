"""RabbitMQ."""

from __future__ import annotations

from grader.brokers.broker import Broker
from grader.brokers.by_hand import commands
from grader.brokers.rabbitmq.events import SOURCE
from grader.brokers.rabbitmq.reasons import REASONS
from grader.brokers.rabbitmq.rules import RULES

BROKER = Broker(
    role="rabbitmq",
    port=5672,
    client="grader.brokers.rabbitmq.client:CLIENT",
    terms=("user", "password"),
    images=("rabbitmq",),
    rules=RULES,
    sources={"amqp": SOURCE},
    reasons=REASONS,
    by_hand=commands("rabbitmqctl list_queues name messages consumers durable"),
    exports={
        "BROKER_ERRORS": "grader.brokers.rabbitmq.probe:BROKER_ERRORS",
        "Held": "grader.brokers.rabbitmq.held:Held",
        "QueueMissingError": "grader.brokers.rabbitmq.probe:QueueMissingError",
        "QueueOutage": "grader.brokers.rabbitmq.subject:QueueOutage",
        "QueueSubject": "grader.brokers.rabbitmq.subject:QueueSubject",
        "RabbitMQ": "grader.brokers.rabbitmq.probe:RabbitMQ",
        "digest": "grader.brokers.rabbitmq.bodies:digest",
        "shown": "grader.brokers.rabbitmq.bodies:shown",
        "subject_of": "grader.brokers.rabbitmq.bodies:subject_of",
    },
)
