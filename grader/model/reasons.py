"""Reason codes: why a check fails, in stable words that hints, statistics and the kill matrix speak of."""

from __future__ import annotations

import msgspec

from grader.model.text import Text, msg


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """title: the mistake in a few words; why: why it matters; hint: what to look at next."""

    title: Text
    why: Text
    hint: Text


REASONS: dict[str, Reason] = {
    # -- start-up
    "submission-refused": Reason(
        title=msg("The submission was not started"),
        why=msg("What is unsafe or outside of the contract is never started."),
        hint=msg("Each finding says file, line and the way to write it; grader inspect shows them without Docker."),
    ),
    "build-failed": Reason(
        title=msg("An image does not build"),
        why=msg("Without its image a service cannot start, so nothing could be checked."),
        hint=msg("Run docker compose build and read the first error. Dependencies are installed in the build."),
    ),
    "build-timeout": Reason(
        title=msg("An image took too long to build"),
        why=msg("Without its image a service cannot start, so nothing could be checked."),
        hint=msg("Run docker compose build and see which step takes so long; install only what is needed."),
    ),
    "start-failed": Reason(
        title=msg("The project does not start"),
        why=msg("Nothing can be checked in a project that docker compose up does not start."),
        hint=msg("Run docker compose up and read what it says first."),
    ),
    "service-not-ready": Reason(
        title=msg("A service was not ready in time"),
        why=msg("What is not ready within the contract's time cannot be checked."),
        hint=msg(
            "Read the last log lines of the service, then start the project with docker compose up and look at it."
        ),
    ),
    "broker-user-not-declared": Reason(
        title=msg("The broker does not know the user admin"),
        why=msg("A broker without declared users only has guest; admin/admin123 is refused (403 ACCESS_REFUSED)."),
        hint=msg(
            "Declare RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS on the service rabbitmq; they act on an empty "
            "data folder only, so remove an old volume first (docker compose down -v)."
        ),
    ),
    "replicas-cannot-start": Reason(
        title=msg("Only one replica can start like this"),
        why=msg(
            "A fixed container_name or host port can belong to one container only: docker compose up refuses more."
        ),
        hint=msg("Remove container_name, and the host part of ports, from services with replicas."),
    ),
    "no-answer": Reason(
        title=msg("A service stopped answering"),
        why=msg("The check could not go on because a container of the submission did not answer."),
        hint=msg("Look at the container's state and last log lines below."),
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
        hint=msg("All workers consume from the queue tasks itself; check that all three run (docker compose ps)."),
    ),
    # -- durability
    "queue-not-durable": Reason(
        title=msg("A queue is not durable"),
        why=msg("A queue that is not durable disappears with the broker, and its messages with it."),
        hint=msg("Declare it with durable: true everywhere; delete the old queue first, its attributes cannot change."),
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
    "failure-reported-done": Reason(
        title=msg("A task that failed is reported as done"),
        why=msg("Whoever reads the report believes that the work is finished."),
        hint=msg("Report only after the work succeeded; put the failed task aside instead."),
    ),
    # -- recovery and stopping
    "not-recovered": Reason(
        title=msg("It does not recover after the broker was away"),
        why=msg("Brokers are restarted and updated; whoever uses them must come back without help."),
        hint=msg(
            "Handle close and error of the connection: connect, declare and consume anew, or exit and "
            "let restart: work."
        ),
    ),
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
    "stop-ignored": Reason(
        title=msg("SIGTERM is ignored"),
        why=msg("After 10 s Docker kills the process in the middle of whatever it does."),
        hint=msg("Handle SIGTERM, or use init: true; a process with PID 1 ignores signals that it has no handler for."),
    ),
    # -- Redis and PostgreSQL
    "redis-password-unknown": Reason(
        title=msg("Redis wants a password that is not the contract's"),
        why=msg("Whoever does not know the password is refused (WRONGPASS), also the other services."),
        hint=msg(
            "Start Redis without a password or with --requirepass mi_password, and give it to the other services."
        ),
    ),
    "database-missing": Reason(
        title=msg("The database app does not exist"),
        why=msg("The contract's tables lie in the database app; in another one nobody finds them."),
        hint=msg(
            "Set POSTGRES_DB: app on the service db; it acts on an empty data folder only (docker compose down -v)."
        ),
    ),
    "table-differs": Reason(
        title=msg("A table is not as the contract says"),
        why=msg("The grader writes and reads rows as the contract describes them; here the database refused."),
        hint=msg("Create the table exactly as in the handout; further columns need a default."),
    ),
    # -- a cache
    "cache-key-missing": Reason(
        title=msg("The value is not in Redis"),
        why=msg(
            "A cache is filled on a miss, under the key of the contract; what is not there is read again each time."
        ),
        hint=msg("Look with redis-cli --scan after a request: is the key there, and is it spelled as in the contract?"),
    ),
    "ttl-missing": Reason(
        title=msg("A cached key never expires"),
        why=msg("Without a time to live a wrong value stays for ever, and Redis fills up."),
        hint=msg("Write value and time in one command: SET key value EX seconds (setEx); SET alone clears the time."),
    ),
    "ttl-wrong": Reason(
        title=msg("A cached key has another time to live"),
        why=msg("The time to live is how long a stale value may be seen; others rely on the contract's."),
        hint=msg("EX counts seconds, PX milliseconds. Look at redis-cli ttl right after the request."),
    ),
    "ttl-sliding": Reason(
        title=msg("Reading prolongs a cached key"),
        why=msg("A value that is read often is then never fetched again, however old it is."),
        hint=msg("Set the time when you write the value, and not again on a hit (no EXPIRE, no GETEX)."),
    ),
    "hit-reads-database": Reason(
        title=msg("A hit asks the database all the same"),
        why=msg("A cache is there to spare the database; with a query on each hit it only costs."),
        hint=msg("Return at once when Redis has the value; the statements below are from PostgreSQL's own log."),
    ),
    "miss-without-database": Reason(
        title=msg("A miss does not ask the database"),
        why=msg(
            "When the key is gone the row has to be read anew; otherwise a copy somewhere else is never refreshed."
        ),
        hint=msg("Is there a copy in the process (a Map, a module variable) beside Redis?"),
    ),
    "miss-reads-often": Reason(
        title=msg("A miss asks the database more than once"),
        why=msg("One row needs one query."),
        hint=msg("The statements below are from PostgreSQL's own log: which one is too many?"),
    ),
    "stale-value": Reason(
        title=msg("An old value is shown"),
        why=msg("After a write everybody must see what was written, whichever replica answers."),
        hint=msg(
            "Delete or overwrite the key in Redis after the database has committed, and keep no copy in the process."
        ),
    ),
    "wrong-row": Reason(
        title=msg("Somebody else's row is answered"),
        why=msg("Each id has its own row and its own key."),
        hint=msg("Is the id in the key, and does a request keep its variables to itself?"),
    ),
    "stampede": Reason(
        title=msg("Everybody asks the database at once"),
        why=msg("When a popular key expires, each request that misses it becomes a query, all at the same moment."),
        hint=msg("Let requests for the same id in one process wait for the first one's query (single flight)."),
    ),
    # -- consumer groups (Kafka)
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
        hint=msg("Check that all fields are there and of their types before you process an event."),
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
    # -- ours
    "grader-error": Reason(
        title=msg("The grader failed, not you"),
        why=msg("This costs no points: the grade is provisional until the check has been repeated."),
        hint=msg("Run it again; if it stays, send the report to whoever runs the grader."),
    ),
    # -- an API with a cache
    "row-differs": Reason(
        title=msg("The answer is not the row"),
        why=msg("Clients get the same object whether it comes from the database or from the cache."),
        hint=msg("Answer {id, name, email} with a numeric id: one row, not the driver's whole result object."),
    ),
    "hit-not-from-redis": Reason(
        title=msg("A hit does not come from Redis"),
        why=msg("A copy in the process is another one in each replica, and nobody can expire or delete it."),
        hint=msg("Keep no Map or module variable beside Redis; read the key on every request."),
    ),
    "unknown-user-answer": Reason(
        title=msg("An unknown id is not answered as such"),
        why=msg("Clients tell a missing user (404) from a broken service (500) by the code."),
        hint=msg("Look at the number of rows before you cache or answer; JSON.stringify(undefined) is not a text."),
    ),
    "unknown-user-cached": Reason(
        title=msg("A user that does not exist is cached as one"),
        why=msg("Once somebody makes that user, the cache still says that there is none."),
        hint=msg("Cache only rows; remember unknown ids under another key and for a short time, if at all."),
    ),
    "write-refused": Reason(
        title=msg("A write is not accepted"),
        why=msg("PUT is how users change; without it nothing can be invalidated."),
        hint=msg("Send the request with curl -X PUT and a JSON body, and read the API's log."),
    ),
    "replica-missing": Reason(
        title=msg("A replica is missing"),
        why=msg("Only with two replicas can one see whether they share what they cache."),
        hint=msg("Set deploy.replicas: 2, without container_name and without a single fixed port."),
    ),
    "invalidated-before-commit": Reason(
        title=msg("The cache keeps the old row after a write"),
        why=msg("Who reads between the deletion and the commit puts the old row back, for its whole time to live."),
        hint=msg("First UPDATE and COMMIT, then delete or overwrite the key."),
    ),
    "redis-outage-breaks-api": Reason(
        title=msg("Without Redis the API does not answer"),
        why=msg("A cache makes things faster; it must not be able to bring the service down."),
        hint=msg("Catch Redis' errors, give its commands a short time limit, and read the database instead."),
    ),
    "cache-not-resumed": Reason(
        title=msg("The cache is not used again"),
        why=msg("After a short outage of Redis every request goes to the database for ever."),
        hint=msg("Let the client reconnect without giving up, and do not remember that Redis was away."),
    ),
}
