"""A consumer of ours that a queue's messages go to before anybody else's: they wait, and no worker has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.brokers.rabbitmq.bodies import subject_of
from grader.polling import Deadline

if TYPE_CHECKING:
    from pika import BasicProperties
    from pika.adapters.blocking_connection import BlockingChannel
    from pika.spec import Basic

PRIORITY = 1000  # above that of any consumer that a submission has a reason to write
LOOK_S = 0.1


class Held:
    """What is held of one queue on one channel, for as long as that is open; nothing of it is acknowledged unasked."""

    def __init__(self, channel: BlockingChannel, queue: str) -> None:
        self._channel = channel
        self._tags: dict[str, int] = {}
        channel.basic_consume(queue, self._on_message, auto_ack=False, arguments={"x-priority": PRIORITY})

    def take(self, subject: str, within: float) -> bool:
        """Wait until a message is held and remove it from the broker for good; False if it did not come in time."""
        deadline = Deadline(within)
        while subject not in self._tags and not deadline.passed():
            self._channel.connection.process_data_events(time_limit=min(LOOK_S, deadline.left()))
        if subject not in self._tags:
            return False
        self._channel.basic_ack(self._tags.pop(subject))
        return True

    def _on_message(
        self, _channel: BlockingChannel, method: Basic.Deliver, _properties: BasicProperties, body: bytes
    ) -> None:
        self._tags[subject_of(body)] = method.delivery_tag
