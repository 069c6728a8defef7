"""Why messages, their workers and their queues fail."""

from __future__ import annotations

from grader.model.reasons.reason import Reason
from grader.model.text import msg

REASONS: dict[str, Reason] = {
    # -- the broker
    "broker-user-not-declared": Reason(
        title=msg("The broker does not know the contract's user"),
        why=msg("A broker without declared users only has guest; everybody else is refused (403 ACCESS_REFUSED)."),
        hint=msg(
            "Declare RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS on the broker's service; they act on "
            "an empty data folder only, so remove an old volume first (docker compose down -v)."
        ),
    ),
    # -- tasks and their results
    "queue-missing": Reason(
        title=msg("A queue of the contract is missing"),
        why=msg("Others find your messages by the queue's name; a queue of another name is not found."),
        hint=msg(
            "Declare the queues when the service starts (assertQueue, queue_declare), spelled as in the contract."
        ),
    ),
    "reported-before-work": Reason(
        title=msg("A task is reported before it is done"),
        why=msg("Whoever reads the report believes that the work is finished."),
        hint=msg("Wait for the work (await, duration_ms) before you publish the report."),
    ),
    "reported-twice": Reason(
        title=msg("A task is reported more than once"),
        why=msg("A task is reported once unless its worker or the broker died meanwhile."),
        hint=msg("Look for a second consumer of the same task, or a report before an acknowledgement that fails."),
    ),
    "prefetch-missing": Reason(
        title=msg("A worker takes more than one task at once"),
        why=msg(
            "Without prefetch the broker hands everything to whoever is there; other workers then have nothing to do."
        ),
        hint=msg("Call prefetch(1) (basic_qos) on the same channel, before consume."),
    ),
    "work-not-shared": Reason(
        title=msg("The replicas do not share the work"),
        why=msg("Replicas make a service faster only if they take their tasks from one queue."),
        hint=msg(
            "All replicas consume from the contract's queue itself; check that all of them run (docker compose ps)."
        ),
    ),
    # -- durability
    "message-transient": Reason(
        title=msg("Messages are not persistent"),
        why=msg("A durable queue survives a restart, but only persistent messages are still in it then."),
        hint=msg("Publish with persistent: true (deliveryMode 2, delivery_mode=2)."),
    ),
    "message-lost": Reason(
        title=msg("Messages are lost"),
        why=msg("What was accepted must still be there after the broker comes back."),
        hint=msg(
            "It takes all of these: durable queue, persistent messages, a named volume on /var/lib/rabbitmq, and a "
            "fixed hostname (the data folder is named after it)."
        ),
    ),
    # -- poison
    "poison-lost": Reason(
        title=msg("A failed message is not put aside"),
        why=msg("A message that could not be worked must be kept, so that somebody can look at it."),
        hint=msg(
            "Is the queue for dead letters declared, is the dead letter routing key right, and do you nack "
            "with requeue false?"
        ),
    ),
    "poison-changed": Reason(
        title=msg("A dead message was changed on its way"),
        why=msg("Whoever examines a dead message needs it as it was sent."),
        hint=msg("Pass the original bytes on (msg.content, body), not a parsed and re-encoded copy."),
    ),
    "poison-redelivered-forever": Reason(
        title=msg("A bad message is delivered again and again"),
        why=msg("A message that fails every time keeps the workers busy for ever."),
        hint=msg("Do not requeue what has failed: nack with requeue false after at most 3 deliveries."),
    ),
}
