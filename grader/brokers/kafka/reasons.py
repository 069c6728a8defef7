"""Why topics and consumer groups fail."""

from __future__ import annotations

from grader.model.reasons.reason import Reason
from grader.model.text import msg

REASONS: dict[str, Reason] = {
    "topic-missing": Reason(
        title=msg("The topic of the contract is missing"),
        why=msg("Others send to the topic by its name; what is sent to another one is not found."),
        hint=msg("Make user-events when the project starts: an admin client, or kafka-topics --create in a container."),
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
    "too-few-partitions": Reason(
        title=msg("The topic has too few partitions"),
        why=msg("A partition is read by one member of a group: with one partition two of three members are idle."),
        hint=msg(
            "A topic that comes into being by itself has 1 partition. Make it with its partitions before anybody uses "
            "it, and turn auto-creation off."
        ),
    ),
    "event-not-processed": Reason(
        title=msg("An event is not processed"),
        why=msg("Every event of the topic must end as a row."),
        hint=msg(
            "Follow one event: kafka-consumer-groups --describe shows where its partition stands, the processor's log "
            "what it did."
        ),
    ),
    "row-wrong": Reason(
        title=msg("A row is not what its event says"),
        why=msg("Whoever reads the table takes it for the events."),
        hint=msg("Write user_id and seq as they are in the event that you process."),
    ),
    "processor-unnamed": Reason(
        title=msg("A row does not say who processed its event"),
        why=msg("Only with its name in the row can one see how the work is shared."),
        hint=msg(
            "Write the container's hostname (os.hostname(), socket.gethostname()), and let each replica have its own."
        ),
    ),
    "group-without-members": Reason(
        title=msg("Nobody is in the group user-service"),
        why=msg("Consumers share the partitions of a topic only as members of one group."),
        hint=msg("Use the group id user-service in all replicas: no random part, no hostname in it."),
    ),
    "events-not-shared": Reason(
        title=msg("The replicas do not share the events"),
        why=msg("Replicas make a service faster only if each of them has partitions to work."),
        hint=msg(
            "Do all three run (docker compose ps), are they in one group, and has the topic at least three partitions?"
        ),
    ),
    "partitions-unowned": Reason(
        title=msg("The group does not cover the partitions"),
        why=msg("Events in a partition without an owner wait for ever; with two owners they are worked twice."),
        hint=msg(
            "Subscribe to the topic by its name in all replicas, and look at the group for members that come and go."
        ),
    ),
    "poison-blocks-partition": Reason(
        title=msg("A malformed event blocks its partition"),
        why=msg("A partition is read in order: whoever cannot pass a bad record does nothing behind it either."),
        hint=msg(
            "Decode and check inside a try block; log what is no event (or send it to another topic), and let its "
            "offset pass. A value may be null."
        ),
    ),
    "malformed-stored": Reason(
        title=msg("A malformed event is in the table"),
        why=msg("Whoever reads the table takes it for an event."),
        hint=msg(
            "Check that all fields are there, spelled exactly, and of their types before you process an event. Go's "
            "encoding/json, for one, takes a field in any case."
        ),
    ),
    "event-dropped-by-seq": Reason(
        title=msg("An event is dropped because of its seq"),
        why=msg("Senders start anew and count as they like: a number is no proof that an event was there before."),
        hint=msg("Let the eventId alone decide what is a repeat, and take events in the order of their partition."),
    ),
    "repeat-blocks": Reason(
        title=msg("A repeated event blocks its partition"),
        why=msg("At least once means that events come twice; that is no error."),
        hint=msg("Insert with ON CONFLICT (event_id) DO NOTHING."),
    ),
    "repeat-changed-row": Reason(
        title=msg("A repeated event changes its row"),
        why=msg("At least once means that events come twice; only the first one may have an effect."),
        hint=msg("Insert with ON CONFLICT (event_id) DO NOTHING, not DO UPDATE."),
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
    "committed-past-unfinished": Reason(
        title=msg("A fast event commits a slow one before it"),
        why=msg("A committed offset covers everything before it in its partition, finished or not."),
        hint=msg(
            "Process the events of a partition one after the other, or commit only up to the first unfinished one."
        ),
    ),
    "event-lost": Reason(
        title=msg("An event is lost"),
        why=msg("An event whose offset has passed without its row never comes again."),
        hint=msg(
            "Commit only what is in the table. While the database is away, try again or let the process end without "
            "committing: do not go on to the next event."
        ),
    ),
    "partitions-not-taken-over": Reason(
        title=msg("Nobody takes the partitions of a dead member over in time"),
        why=msg("Until a member's session ends, the group waits for it, and its partitions stand still."),
        hint=msg("Look at the session timeout (it must be well below 60 s), and whether the other replicas are alive."),
    ),
    "member-not-back": Reason(
        title=msg("A member that comes back gets no work"),
        why=msg("A group that never grows again has only one member left in the end."),
        hint=msg(
            "Start the container by hand (docker compose start processor) and read its log: does it join the group?"
        ),
    ),
    "partitions-not-released": Reason(
        title=msg("A member that is stopped keeps its partitions"),
        why=msg("Every deployment stops members; without a goodbye the group waits until their session ends."),
        hint=msg(
            "On SIGTERM close the consumer (disconnect, close), which leaves the group. A process with PID 1 ignores "
            "signals that it has no handler for."
        ),
    ),
    "events-before-group-missed": Reason(
        title=msg("Events from before the group are not processed"),
        why=msg("A new group has no committed offset: where it begins is up to the consumer's setting."),
        hint=msg("Set fromBeginning: true (auto.offset.reset=earliest)."),
    ),
    "replay-changed-rows": Reason(
        title=msg("Reading the topic again changes the table"),
        why=msg("A topic can be read again at any time; what is done already must stay as it is."),
        hint=msg("Let the table decide what is a repeat (ON CONFLICT DO NOTHING); the process's memory forgets it."),
    ),
    "no-patience-with-kafka": Reason(
        title=msg("It gives up when Kafka is late"),
        why=msg(
            "Containers start in any order and Kafka takes many seconds; depends_on alone does not wait for readiness."
        ),
        hint=msg("Retry the connection, or exit and let restart: unless-stopped start the container again."),
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
