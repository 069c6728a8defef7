"""The observer of a RabbitMQ broker: every publish and delivery, and what lies in chosen queues, into the History.

It reads the broker's firehose (exchange `amq.rabbitmq.trace`) and holds a consumer that never acknowledges on queues
that nobody else consumes, so it sees each message there at once and gives all back when it leaves. After the broker was
away it connects again by itself; each connection is an epoch, and sees everything that still lies in those queues anew.
A queue that is deleted begins an epoch too: what lies in its successor was put there later.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pika
import pika.exceptions

from grader.brokers.rabbitmq.bodies import digest, fields, shown, subject_of
from grader.brokers.rabbitmq.probe import BROKER_ERRORS, MARK_KEY, RabbitMQ, connect
from grader.errors import CheckFailure, GraderError
from grader.model.text import msg
from grader.polling import Deadline, DeadlineError, pause

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

    from grader.probes.addresses import Addresses
    from grader.probes.recorder import Recorder

FLOOD = 100  # deliveries of one message that are recorded
TRACE = "amq.rabbitmq.trace"
RETRY_S = 0.1
MISSING_QUEUE_RETRY_S = 0.5


class Firehose:
    """Observes one broker from a thread of its own until `close`."""

    def __init__(
        self, addresses: Addresses, recorder: Recorder, rabbitmq: RabbitMQ, *, stored: tuple[str, ...] = ()
    ) -> None:
        self._addresses = addresses
        self._recorder = recorder
        self._rabbitmq = rabbitmq
        self._stored = stored
        self._missing: list[str] = []
        self._closing = threading.Event()
        self._peers: dict[str, str] = {}
        self._renewing = threading.Event()
        self._deliveries: Counter[str] = Counter()
        self.epoch = 0
        self._tracing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="firehose", daemon=True)
        self._thread.start()

    def wait_tracing(self, within: float = 30.0) -> None:
        """Wait until the firehose is on. Raises DeadlineError."""
        if not self._tracing.wait(within):
            raise DeadlineError("firehose", within, None)

    def mark(self, name: str, within: float = 15.0) -> float:
        """Publish a mark and return when the firehose has shown it: it is on, and nothing before was missed.

        What a check says of things that did not happen stands between two marks. Raises GraderError: the instrument
        is disturbed, and nothing can be said; or FloodError if the submission is what keeps it busy.
        """
        self._rabbitmq.mark(name)
        try:
            event = self._recorder.wait_for(
                lambda h: next(iter(h.about(name).of("mark")), None), within=within, what="the firehose shows our mark"
            )
        except DeadlineError as error:
            self._blame_flood()
            raise GraderError(msg("The broker's firehose does not show our own messages.")) from error
        return event.at

    def renew(self) -> None:
        """Leave what the firehose has still to tell behind and observe anew; returns when it is on again."""
        self._deliveries.clear()
        self._tracing.clear()
        self._renewing.set()
        self.wait_tracing(60.0)

    def _blame_flood(self) -> None:
        subject, count = max(self._deliveries.items(), key=lambda item: item[1], default=("", 0))
        if count > FLOOD:
            raise FloodError(subject, count)

    def close(self) -> None:
        """Stop observing; messages that lie in the observed queues stay there."""
        self._closing.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._observe()
            except (*BROKER_ERRORS, GraderError):
                # The broker is away: a fault of ours or of the submission's. Its return is what we wait for.
                self._lost("away")
            except Exception as error:
                # A defect of ours must not end the observing unseen: the marks show that it was interrupted.
                self._lost(repr(error))

    def _lost(self, why: str) -> None:
        if self._tracing.is_set():
            self._recorder.note("amqp", "observing-ended", actor=self._rabbitmq.service, why=why)
        self._tracing.clear()
        if not self._closing.is_set():
            pause(RETRY_S)

    def _observe(self) -> None:
        self._renewing.clear()
        connection = connect(self._rabbitmq.parameters(heartbeat=30, patience_s=3.0))
        try:
            channel = connection.channel()
            queue = channel.queue_declare("", exclusive=True).method.queue
            for pattern in ("publish.#", "deliver.#"):
                channel.queue_bind(queue, TRACE, pattern)
            channel.basic_consume(queue, self._on_trace, auto_ack=True)
            self._rabbitmq.ctl("trace_on")
            self.epoch += 1
            self._tracing.set()
            self._recorder.note("amqp", "observing", actor=self._rabbitmq.service, epoch=self.epoch)
            self._missing = list(self._stored)
            retry = Deadline(0)
            while not self._closing.is_set() and not self._renewing.is_set():
                if self._missing and retry.passed():
                    self._missing = [name for name in self._missing if not self._consume_stored(connection, name)]
                    retry = Deadline(MISSING_QUEUE_RETRY_S)
                connection.process_data_events(time_limit=0.1)
        finally:
            if connection.is_open:
                connection.close()

    def _consume_stored(self, connection: pika.BlockingConnection, name: str) -> bool:
        """Attach the reader to a queue; False while the submission has not declared it."""
        channel = connection.channel()
        try:
            channel.queue_declare(name, passive=True)
        except pika.exceptions.ChannelClosedByBroker as closed:
            if closed.reply_code == 404:
                return False
            raise
        epoch = self.epoch

        def on_message(_channel: BlockingChannel, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
            self._recorder.note(
                "amqp",
                "stored",
                subject=subject_of(body),
                queue=name,
                epoch=epoch,
                delivery_mode=properties.delivery_mode or 1,
                redelivered=bool(method.redelivered),
                digest=digest(body),
                body=shown(body),
                fields=_small(fields(body)),
            )

        def on_cancel(_frame: Any) -> None:
            # What lay there is gone; a queue of the same name is another one, whose messages are seen anew.
            self._recorder.note("amqp", "queue-gone", actor=self._rabbitmq.service, queue=name)
            self.epoch += 1
            self._missing.append(name)

        channel.add_on_cancel_callback(on_cancel)
        channel.basic_consume(name, on_message, auto_ack=False)
        return True

    def _on_trace(self, _channel: BlockingChannel, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
        headers = properties.headers or {}
        if MARK_KEY in (headers.get("routing_keys") or ()):
            self._recorder.note("amqp", "mark", subject=subject_of(body))
            return
        kind, _, name = method.routing_key.partition(".")
        actor = self._actor(headers)
        if kind == "deliver" and actor == "grader":
            return  # our own reading is not an event of the submission's
        inner = headers.get("properties") or {}
        data: dict[str, Any] = {"digest": digest(body), "body": shown(body), "fields": _small(fields(body))}
        if kind == "publish":
            data |= {
                "exchange": name,
                "routing_keys": [str(k) for k in headers.get("routing_keys") or []],
                "queues": [str(q) for q in headers.get("routed_queues") or []],
                "delivery_mode": int(inner.get("delivery_mode") or 1),
            }
        else:
            self._deliveries[subject_of(body)] += 1
            if self._deliveries[subject_of(body)] > FLOOD:
                return  # enough to judge: a message that spins thousands of times must not bury the History
            data |= {"queue": name, "redelivered": bool(headers.get("redelivered"))}
        kinds = {"publish": "published", "deliver": "delivered"}
        self._recorder.note("amqp", kinds.get(kind, kind), subject=subject_of(body), actor=actor, **data)

    def _actor(self, headers: dict[str, Any]) -> str:
        """Name the container behind a connection ("172.28.0.3:45092 -> …"); "broker" for a dead-letter hop."""
        connection = str(headers.get("connection") or "")
        peer = connection.partition(" -> ")[0]
        if ":" not in peer:
            return "broker"
        if peer not in self._peers:
            self._peers[peer] = self._addresses.name_of(peer.rpartition(":")[0]) or "grader"
        return self._peers[peer]


class FloodError(CheckFailure):
    """The submission has one message delivered so often that the broker's firehose cannot keep up."""

    def __init__(self, subject: str, count: int) -> None:
        super().__init__(
            "poison-redelivered-forever",
            expected=msg("a message that fails is delivered a few times at most"),
            observed=msg("%(id)s was delivered more than %(n)s times", id=subject, n=count - 1),
        )
        self.subject = subject
        self.count = count


def _small(values: dict[str, Any]) -> dict[str, Any]:
    """Keep the scalar fields of a message, capped: they are untrusted and travel into the report."""
    return {
        str(k)[:64]: (v[:200] if isinstance(v, str) else v)
        for k, v in list(values.items())[:20]
        if isinstance(v, str | int | float | bool)
    }
