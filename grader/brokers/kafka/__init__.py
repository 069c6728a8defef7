"""Apache Kafka, in Apache's images and in Confluent's."""

from __future__ import annotations

from grader.brokers.broker import Broker
from grader.brokers.kafka.reasons import REASONS
from grader.brokers.source import Kind, Source
from grader.model.text import msg

BROKER = Broker(
    role="kafka",
    port=9092,
    client="grader.brokers.kafka.client:CLIENT",
    images=("apache/kafka", "confluentinc/cp-kafka"),
    sources={
        "kafka": Source(
            glyph="≡",
            kinds={
                "produced": Kind(msg("produced by us to %(actor)s:"), msg("produced by us:")),
                "group": Kind(msg("the consumer group of %(actor)s"), msg("the consumer group:")),
                "assigned": Kind(msg("partitions of %(actor)s now:"), msg("partitions now:")),
            },
        )
    },
    reasons=REASONS,
    exports={
        "GroupState": "grader.model.streams:GroupState",
        "KAFKA_ERRORS": "grader.brokers.kafka.probe:KAFKA_ERRORS",
        "Kafka": "grader.brokers.kafka.probe:Kafka",
        "Record": "grader.model.streams:Record",
        "TopicMissingError": "grader.brokers.kafka.probe:TopicMissingError",
    },
)
