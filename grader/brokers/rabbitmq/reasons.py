"""Why messages, their workers and their queues fail."""

from __future__ import annotations

from grader.model.reasons.reason import Reason
from grader.model.text import msg

REASONS: dict[str, Reason] = {
    # -- the broker
    "broker-user-not-declared": Reason(
        title=msg("The broker does not know the user admin"),
        why=msg("A broker without declared users only has guest; admin/admin123 is refused (403 ACCESS_REFUSED)."),
        hint=msg(
            "Declare RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS on the service rabbitmq; they act on an empty "
            "data folder only, so remove an old volume first (docker compose down -v)."
        ),
    ),
    # -- tasks and their results
    "queue-missing": Reason(
        title=msg("A queue of the contract is missing"),
        why=msg("Others find your messages by the queue's name; a queue of another name is not found."),
        hint=msg(
            "Declare the three queues when the service starts (assertQueue, queue_declare), spelled as in the contract."
        ),
    ),
    "task-not-accepted": Reason(
        title=msg("The API does not accept a task"),
        why=msg("2xx means accepted; anything else means that the task does not exist."),
        hint=msg("Send the same request with curl and read the log of the service api."),
    ),
    "task-not-done": Reason(
        title=msg("A task is not done or not reported"),
        why=msg("Every task must end with a report in queue results."),
        hint=msg("Follow one task: rabbitmqctl list_queues shows where it waits, the worker's log shows what it did."),
    ),
    "report-incomplete": Reason(
        title=msg("The report does not say who did the task"),
        why=msg("Reports are read by other programs: they need exactly the fields of the contract."),
        hint=msg(
            "Publish {id, worker} as JSON; worker is the container's hostname (os.hostname(), socket.gethostname())."
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
    "worked-twice": Reason(
        title=msg("A task is worked more than once"),
        why=msg(
            "While a worker's connection sends no heartbeats the broker takes it for dead and delivers its task again."
        ),
        hint=msg(
            "Do long work so that the client's loop goes on: await a timer, or a thread, never a busy loop or sleep."
        ),
    ),
    "acked-before-work": Reason(
        title=msg("The task was acknowledged before it was done"),
        why=msg("The broker forgets a task when it is acknowledged: if the worker dies then, nobody does it."),
        hint=msg(
            "Use manual acknowledgement (noAck: false, auto_ack=False) and call ack after the report is published."
        ),
    ),
    "redelivered-task-dead-lettered": Reason(
        title=msg("A task goes to tasks.dead because its worker died"),
        why=msg("Workers die and brokers restart; a task that they had is as good as before."),
        hint=msg(
            "Count only what has failed: redelivered does not mean failed, and x-delivery-limit counts dead workers "
            "too."
        ),
    ),
    "prefetch-missing": Reason(
        title=msg("A worker takes more than one task at once"),
        why=msg(
            "Without prefetch the broker hands everything to whoever is there; other workers then have nothing to do."
        ),
        hint=msg("Call prefetch(1) (basic_qos) on the same channel, before consume."),
    ),
    "prefetch-not-renewed": Reason(
        title=msg("After a reconnection a worker takes more than one task at once"),
        why=msg("What is set on a channel goes with the channel: a new one begins without prefetch."),
        hint=msg("Call prefetch(1) (basic_qos) on every channel that you open, after a reconnection too."),
    ),
    "work-not-shared": Reason(
        title=msg("The replicas do not share the work"),
        why=msg("Replicas make a service faster only if they take their tasks from one queue."),
        hint=msg("All workers consume from the queue tasks itself; check that all three run (docker compose ps)."),
    ),
    # -- durability
    "queue-not-durable": Reason(
        title=msg("A queue is not durable"),
        why=msg("A queue that is not durable disappears with the broker, and its messages with it."),
        hint=msg("Declare it with durable: true everywhere; delete the old queue first, its attributes cannot change."),
    ),
    "queue-expires": Reason(
        title=msg("A queue or its messages expire"),
        why=msg("Tasks wait while all workers are busy; one that expires meanwhile was lost, or put aside unworked."),
        hint=msg(
            "Declare the three queues without x-message-ttl and x-expires (a queue of your own for retries may have "
            "one)."
        ),
    ),
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
    "accepted-but-lost": Reason(
        title=msg("Accepted with 2xx, and lost"),
        why=msg("Sending is not storing: without a confirmation nobody knows whether the broker has the message."),
        hint=msg("Use a confirm channel and answer 202 only after the broker's confirmation (waitForConfirms)."),
    ),
    # -- poison
    "poison-blocks": Reason(
        title=msg("A bad message blocks the queue"),
        why=msg("One message that nobody can work must not stop the tasks behind it."),
        hint=msg("Catch the error, put the message aside (nack without requeue, or publish and ack), and go on."),
    ),
    "poison-lost": Reason(
        title=msg("A failed message is not in tasks.dead"),
        why=msg("A message that could not be worked must be kept, so that somebody can look at it."),
        hint=msg("Is tasks.dead declared, is the dead letter routing key right, and do you nack with requeue false?"),
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
    "fail-lost": Reason(
        title=msg("The field fail is lost in the API"),
        why=msg("The worker can only act on what the message says."),
        hint=msg("Publish the body as it was posted, with all of its fields."),
    ),
    "fields-lost": Reason(
        title=msg("Fields of a task are lost or changed in the API"),
        why=msg("Whoever gets the task needs it as it was sent, also what the API itself does not use."),
        hint=msg("Publish the body as it was posted, with all of its fields."),
    ),
    "good-task-refused": Reason(
        title=msg("A good task is taken for malformed"),
        why=msg("A task may carry further fields, of any name and kind; whoever sends them expects it to be done."),
        hint=msg(
            "Look only at id, duration_ms and fail, spelled exactly so; a validator must allow other fields "
            "(Fail or FAIL is one of those)."
        ),
    ),
    "malformed-taken-for-task": Reason(
        title=msg("A malformed message is taken for a task"),
        why=msg("Whoever reads the report believes that somebody asked for that work."),
        hint=msg(
            "Check fields and types before you work. JSON's names are case-sensitive: Duration_MS is not duration_ms, "
            "whatever your library thinks (in Go decode into a map first; in .NET it is a setting)."
        ),
    ),
    "failure-reported-done": Reason(
        title=msg("A task that failed is reported as done"),
        why=msg("Whoever reads the report believes that the work is finished."),
        hint=msg("Report only after the work succeeded; put the failed task aside instead."),
    ),
    # -- recovery and stopping
    "no-patience-with-broker": Reason(
        title=msg("It gives up when the broker is late"),
        why=msg(
            "Containers start in any order and RabbitMQ takes seconds; depends_on alone does not wait for readiness."
        ),
        hint=msg("Retry the connection, or exit and let restart: unless-stopped start the container again."),
    ),
    "stopped-task-dead-lettered": Reason(
        title=msg("A worker that is stopped throws its task away"),
        why=msg("Every deployment stops workers; their unfinished tasks belong back to the queue."),
        hint=msg(
            "On SIGTERM finish the task, or just close the connection: the broker gives the task to another worker."
        ),
    ),
    "task-never-returned": Reason(
        title=msg("The task of a stopped worker is gone"),
        why=msg("Every deployment stops workers; their unfinished tasks belong back to the queue."),
        hint=msg(
            "On SIGTERM finish the task, or just close the connection: the broker gives the task to another worker."
        ),
    ),
}
