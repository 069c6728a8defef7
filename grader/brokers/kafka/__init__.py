"""Apache Kafka, in Apache's images and in Confluent's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.brokers.broker import Broker, Programs
from grader.brokers.kafka.reasons import REASONS
from grader.brokers.kafka.rules import RULES
from grader.brokers.kafka.set_up import APACHE, CONFLUENT
from grader.brokers.source import Kind, Source
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where each image has Kafka's commands, and how it calls them.
COMMANDS = {APACHE: "/opt/kafka/bin/{}.sh", CONFLUENT: "{}"}


def _by_hand(_variables: Mapping[str, str], image: str) -> tuple[str, ...]:
    called = next((path for name, path in COMMANDS.items() if name in image), "{}")
    topics, groups = (called.format(f"kafka-{word}") for word in ("topics", "consumer-groups"))
    server = "--bootstrap-server localhost:9092 --describe"
    return f"{topics} {server}", f"{groups} {server} --all-groups"


BROKER = Broker(
    role="kafka",
    port=9092,
    client="grader.brokers.kafka.client:CLIENT",
    images=(APACHE, CONFLUENT),
    rules=RULES,
    programs=Programs(r"kafka-[a-z-]+(?:\.sh)?\Z", COMMANDS),
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
    by_hand=_by_hand,
    exports={
        "EventSubject": "grader.brokers.kafka.events:EventSubject",
        "GroupState": "grader.model.streams:GroupState",
        "GroupSubject": "grader.brokers.kafka.subject:GroupSubject",
        "GroupTerms": "grader.brokers.kafka.subject:GroupTerms",
        "KAFKA_ERRORS": "grader.brokers.kafka.probe:KAFKA_ERRORS",
        "Kafka": "grader.brokers.kafka.probe:Kafka",
        "KeyedEvent": "grader.brokers.kafka.events:KeyedEvent",
        "MemberDeath": "grader.brokers.kafka.scenarios:MemberDeath",
        "Record": "grader.model.streams:Record",
        "Replay": "grader.brokers.kafka.scenarios:Replay",
        "TopicMissingError": "grader.brokers.kafka.probe:TopicMissingError",
    },
)
