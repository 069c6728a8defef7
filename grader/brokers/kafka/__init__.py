"""Apache Kafka, in Apache's images and in Confluent's."""

from __future__ import annotations

from grader.brokers.broker import Broker

BROKER = Broker(
    role="kafka",
    port=9092,
    client="grader.brokers.kafka.client:CLIENT",
    images=("apache/kafka", "confluentinc/cp-kafka"),
    exports={
        "GroupState": "grader.model.streams:GroupState",
        "KAFKA_ERRORS": "grader.brokers.kafka.probe:KAFKA_ERRORS",
        "Kafka": "grader.brokers.kafka.probe:Kafka",
        "Record": "grader.model.streams:Record",
        "TopicMissingError": "grader.brokers.kafka.probe:TopicMissingError",
    },
)
