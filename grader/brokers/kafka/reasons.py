"""Why Kafka's topics and consumer groups fail."""

from __future__ import annotations

from grader.model.reasons.reason import Reason
from grader.model.text import msg

REASONS: dict[str, Reason] = {
    "topic-missing": Reason(
        title=msg("The topic of the contract is missing"),
        why=msg("Others send to the topic by its name; what is sent to another one is not found."),
        hint=msg("Make it when the project starts: an admin client, or kafka-topics --create in a container."),
    ),
    "broker-advertises-localhost": Reason(
        title=msg("Kafka sends its clients to localhost"),
        why=msg(
            "A client connects twice: the broker's first answer says where it is to be found. In another container "
            "localhost is that container itself."
        ),
        hint=msg(
            "Advertise an address with the service's name (PLAINTEXT://kafka:9092); for the host give it a second "
            "listener with a port of its own."
        ),
    ),
    "group-without-members": Reason(
        title=msg("Nobody is in the contract's group"),
        why=msg("Consumers share the partitions of a topic only as members of one group."),
        hint=msg("Use the contract's group id in all replicas: no random part, no hostname in it."),
    ),
    "events-not-shared": Reason(
        title=msg("The replicas do not share the events"),
        why=msg("Replicas make a service faster only if each of them has partitions to work."),
        hint=msg(
            "Do all replicas run (docker compose ps), are they in one group, and has the topic a partition for each?"
        ),
    ),
    "partitions-unowned": Reason(
        title=msg("The group does not cover the partitions"),
        why=msg("Events in a partition without an owner wait for ever; with two owners they are worked twice."),
        hint=msg(
            "Subscribe to the topic by its name in all replicas, and look at the group for members that come and go."
        ),
    ),
    "progress-not-committed": Reason(
        title=msg("The group's progress is not committed"),
        why=msg("Whoever starts again begins at the committed offset: without it everything is processed again."),
        hint=msg("Commit the offset after the last processed event, plus one; kafka-consumer-groups shows the lag."),
    ),
    "committed-before-effect": Reason(
        title=msg("The offset is committed before the event is processed"),
        why=msg("A committed event is never delivered again: if its processor dies now, the event is lost."),
        hint=msg(
            "Commit after the row is written. Await the work in the handler; with automatic commits, know when your "
            "client does them."
        ),
    ),
    "key-missing": Reason(
        title=msg("Records have another key than the contract's"),
        why=msg("The key decides the partition: without it the events of one user are worked in any order."),
        hint=msg(
            "Send the key as text, the field that the contract names; an object as a key becomes [object Object]."
        ),
    ),
    "key-in-several-partitions": Reason(
        title=msg("The records of a key lie in several partitions"),
        why=msg("Order holds within one partition only."),
        hint=msg(
            "Let the client choose the partition by the key, and do not change their number while events come in."
        ),
    ),
    "partitions-unused": Reason(
        title=msg("All records lie in one partition"),
        why=msg("What nobody is given cannot be shared: only one consumer of the group has work."),
        hint=msg("Does the topic have several partitions, and is the key another one for each user?"),
    ),
    "order-broken": Reason(
        title=msg("The events of a user overtake each other"),
        why=msg("A partition keeps its order only if its events are processed one after the other."),
        hint=msg("Await the work of an event before you take the next one of its partition."),
    ),
}
