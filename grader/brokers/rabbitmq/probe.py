"""RabbitMQ as the grader sees it: passive declares, confirmed publishes, rabbitmqctl.

Nothing here creates an object of the submission's: queues are only ever declared passively.
"""

from __future__ import annotations

import contextlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pika
import pika.exceptions
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from grader.brokers.rabbitmq import BROKER
from grader.brokers.rabbitmq.bodies import subject_of
from grader.brokers.rabbitmq.held import Held
from grader.errors import CheckFailure, GraderError
from grader.model.text import msg
from grader.polling import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pika.adapters.blocking_connection import BlockingChannel

    from grader.probes.reach import Container, Stack
    from grader.probes.recorder import Recorder

GUEST = "guest"  # user and password of a broker to which nobody has said any
BLOCKED_S = 10.0
MARK_KEY = "grader.mark"  # routing key of our marks; no queue has that name
BROKER_ERRORS = (pika.exceptions.AMQPError, OSError)


def connect(parameters: pika.ConnectionParameters) -> pika.BlockingConnection:
    """Open a connection; every way in which the other side can refuse is one of BROKER_ERRORS.

    pika raises two of them as something else than its AMQPError. A socket that is reset between its connect and its
    first look at the peer, as by a gateway in front of a broker that is still starting, is a bare ValueError; a broker
    that takes the connection and does not finish its handshake in time is an AMQPConnectorException.
    """
    try:
        return pika.BlockingConnection(parameters)
    except (ValueError, AMQPConnectorException) as error:
        raise pika.exceptions.AMQPConnectionError(str(error)) from error


class QueueState(msgspec.Struct, frozen=True):
    """What a passive declare answers: messages ready, consumers attached (no lag)."""

    ready: int
    consumers: int


class QueueInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `rabbitmqctl list_queues` of virtual host "/"."""

    name: str
    durable: bool
    auto_delete: bool
    exclusive: bool
    type: str
    ready: int
    unacked: int
    consumers: int
    arguments: dict[str, Any]
    policy: dict[str, Any] = {}

    def __str__(self) -> str:
        """The queue's attributes as one line."""
        flags = f"durable={self.durable}  exclusive={self.exclusive}  auto_delete={self.auto_delete}  type={self.type}"
        return "  ".join((self.name, flags, *(f"{name}={ms}" for name, ms in self.expiry_ms.items())))

    @property
    def lasting(self) -> bool:
        """Whether the queue is meant to outlive the broker's process and whoever declared it."""
        return self.durable and not self.exclusive and not self.auto_delete

    @property
    def expiry_ms(self) -> dict[str, int]:
        """What makes the queue forget by itself: "message-ttl" and "expires", by argument or by policy."""
        names = ("message-ttl", "expires")
        values = {n: self.arguments.get(f"x-{n}", self.policy.get(n)) for n in names}
        return {n: v for n, v in values.items() if isinstance(v, int)}


class RabbitMQ:
    """A probe of one broker: `service` is its name in the compose file; user and password are the contract's."""

    def __init__(
        self,
        stack: Stack,
        recorder: Recorder,
        service: str = "rabbitmq",
        *,
        port: int = BROKER.port,
        user: str = GUEST,
        password: str = GUEST,
    ) -> None:
        self._stack = stack
        self._port = port
        self._recorder = recorder
        self.service = service
        self._credentials = pika.PlainCredentials(user, password)

    def parameters(self, *, heartbeat: int = 0, patience_s: float = 5.0) -> pika.ConnectionParameters:
        """Return connection parameters through the gateway, as the contract's user."""
        host, port = self._stack.address(self.service, self._port)
        return pika.ConnectionParameters(
            host=host,
            port=port,
            credentials=self._credentials,
            heartbeat=heartbeat,
            socket_timeout=patience_s,
            stack_timeout=patience_s,
            blocked_connection_timeout=patience_s,
        )

    @contextmanager
    def channel(self, *, patience_s: float = 5.0) -> Iterator[BlockingChannel]:
        """Open a connection and a channel for one short use. Raises pika's errors and OSError."""
        connection = connect(self.parameters(patience_s=patience_s))
        try:
            yield connection.channel()
        finally:
            if connection.is_open:
                # The broker may go away while we are leaving: what was asked is done by then.
                with contextlib.suppress(*BROKER_ERRORS):
                    connection.close()

    def ready(self) -> bool:
        """Say whether the broker completes an AMQP handshake (also when it refuses the user)."""
        return self.accepts_user() is not None

    def accepts_user(self) -> bool | None:
        """Return True if the contract's user may log in, False if it is refused, None if no broker answers."""
        try:
            with self.channel(patience_s=2.0):
                return True
        except (pika.exceptions.ProbableAuthenticationError, pika.exceptions.ProbableAccessDeniedError):
            return False
        except BROKER_ERRORS:
            return None

    def publish(self, queue: str, *bodies: dict[str, Any] | bytes) -> tuple[str, ...]:
        """Publish persistent messages straight to a queue, each confirmed; return their subjects.

        Raises GraderError if the broker does not confirm: a check must not go on without its own messages.
        """
        subjects = []
        try:
            with self.channel() as channel:
                channel.confirm_delivery()
                for item in bodies:
                    body = item if isinstance(item, bytes) else json.dumps(item).encode()
                    channel.basic_publish(
                        "", queue, body, pika.BasicProperties(delivery_mode=2, content_type="application/json"), True
                    )
                    subjects.append(subject_of(body))
        except pika.exceptions.UnroutableError as error:
            raise QueueMissingError(queue) from error
        return tuple(subjects)

    def mark(self, name: str) -> None:
        """Publish a message that goes to no queue: the firehose shows it, after all that happened before."""
        with self.channel() as channel:
            channel.basic_publish("", MARK_KEY, json.dumps({"id": name}).encode())

    def queue(self, name: str) -> QueueState | None:
        """Return the queue's state by a passive declare, or None if there is no such queue."""
        with self.channel() as channel:
            try:
                answer = channel.queue_declare(name, passive=True)
            except pika.exceptions.ChannelClosedByBroker as closed:
                if closed.reply_code == 404:
                    return None
                raise
            return QueueState(answer.method.message_count, answer.method.consumer_count)

    def purge(self, name: str) -> None:
        """Remove the ready messages of a queue, if it exists."""
        with self.channel() as channel:
            try:
                channel.queue_purge(name)
            except pika.exceptions.ChannelClosedByBroker as closed:
                if closed.reply_code != 404:
                    raise

    @contextmanager
    def held(self, name: str) -> Iterator[Held]:
        """Keep what arrives in a queue from all of its consumers while the block runs; then it waits there again.

        The messages are unacknowledged, so they are in the queue whatever happens to the broker meanwhile: it may be
        restarted in the block. Raises QueueMissingError.
        """
        with self.channel() as channel:
            try:
                held = Held(channel, name)
            except pika.exceptions.ChannelClosedByBroker as closed:
                if closed.reply_code == 404:
                    raise QueueMissingError(name) from closed
                raise
            yield held

    @contextmanager
    def starved(self) -> Iterator[None]:
        """Let the broker take nothing more from publishers while the block runs, as it does when memory runs low.

        Shown on a publisher of ours. It stays so after the block, until a restart of the broker. Raises GraderError.
        """
        self.ctl("set_vm_memory_high_watermark", "0.00001")
        with self.channel() as channel:
            said: list[object] = []
            channel.connection.add_on_connection_blocked_callback(lambda *_: said.append(True))
            channel.basic_publish("", MARK_KEY, b"{}")
            deadline = Deadline(BLOCKED_S)
            while not said and not deadline.passed():
                channel.connection.process_data_events(time_limit=0.1)
            if not said:
                raise GraderError(
                    msg("%(service)s still takes messages although it has no memory left.", service=self.service)
                )
            yield

    def peek(self, name: str) -> tuple[bytes, ...]:
        """Return the bodies of the ready messages and give them back (they are marked redelivered then)."""
        bodies: list[bytes] = []
        with self.channel() as channel:
            while True:
                try:
                    method, _properties, body = channel.basic_get(name)
                except pika.exceptions.ChannelClosedByBroker as closed:
                    if closed.reply_code == 404:
                        return ()
                    raise
                if method is None:
                    return tuple(bodies)
                bodies.append(body or b"")

    def queues(self) -> dict[str, QueueInfo]:
        """Return the queues of virtual host "/" by name, with their attributes, without lag."""
        columns = ["name", "durable", "auto_delete", "exclusive", "type"]
        columns += ["messages_ready", "messages_unacknowledged", "consumers", "arguments"]
        columns += ["policy"]
        rows = json.loads(self.ctl("list_queues", "--silent", "--formatter", "json", *columns) or "[]")
        # RabbitMQ 3.10 does not say what a queue's policy defines, only its name.
        policies = self._policies() if any(row["policy"] for row in rows) else {}
        found = {}
        for row in rows:
            found[row["name"]] = QueueInfo(
                name=row["name"],
                durable=row["durable"],
                auto_delete=row["auto_delete"],
                exclusive=bool(row["exclusive"]),
                type=str(row["type"]).rsplit("_", 1)[-1].removesuffix("queue") or "classic",
                ready=int(row["messages_ready"] or 0),
                unacked=int(row["messages_unacknowledged"] or 0),
                consumers=int(row["consumers"] or 0),
                arguments=_table(row["arguments"]),
                policy=policies.get(str(row["policy"]), {}),
            )
        return found

    def _policies(self) -> dict[str, dict[str, Any]]:
        """Return what each policy of virtual host "/" defines, by name."""
        rows = json.loads(self.ctl("list_policies", "--silent", "--formatter", "json") or "[]")
        written = {row["name"]: row["definition"] for row in rows}
        return {name: json.loads(d) if isinstance(d, str) else _table(d) for name, d in written.items()}

    def ctl(self, *argv: str) -> str:
        """Run rabbitmqctl in the broker's container and return what it printed. Raises GraderError."""
        code, output = self._container().exec(["rabbitmqctl", "-q", *argv], deadline_s=30)
        if code != 0:
            raise GraderError(
                msg("rabbitmqctl %(command)s failed: %(output)s", command=argv[0], output=output.strip()[-300:])
            )
        return output

    def _container(self) -> Container:
        containers = self._stack.containers(self.service)
        if not containers:
            raise GraderError(msg("The broker's container is gone: %(service)s", service=self.service))
        return containers[0]


def _table(value: Any) -> dict[str, Any]:
    """Return an AMQP table as rabbitmqctl prints it: an object, or a list of entries that end with their value."""
    return value if isinstance(value, dict) else {entry[0]: entry[-1] for entry in value or ()}


class QueueMissingError(CheckFailure):
    """The submission has not declared a queue that the contract names."""

    def __init__(self, queue: str) -> None:
        super().__init__(
            "queue-missing",
            expected=msg("queue %(queue)s exists", queue=queue),
            observed=msg("the broker has no queue of that name"),
        )
        self.queue = queue
