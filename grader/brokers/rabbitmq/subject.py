"""A submission whose parts talk over queues: its observed broker, and what lies in the queues over an outage."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grader.authoring.conditions import arrived, delivered, either
from grader.authoring.subject import Subject
from grader.authoring.verdicts import blocked
from grader.brokers.rabbitmq import BROKER
from grader.brokers.rabbitmq.bodies import digest, shown, subject_of
from grader.brokers.rabbitmq.probe import BROKER_ERRORS
from grader.oracles import delivery
from grader.polling import DeadlineError, eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from grader.authoring.conditions import Condition
    from grader.authoring.environment import Environment
    from grader.brokers.rabbitmq.firehose import Firehose
    from grader.brokers.rabbitmq.held import Held
    from grader.brokers.rabbitmq.probe import RabbitMQ
    from grader.model.history import History

REFUSED = 403  # AMQP's access-refused
SPINNING = "poison-redelivered-forever"


class QueueSubject(Subject):
    """A subject with an observed broker. watched: queues that nobody but us consumes."""

    def __init__(self, environment: Environment, watched: tuple[str, ...]) -> None:
        super().__init__(environment)
        self.rabbitmq: RabbitMQ = environment.probe(BROKER.role)
        self.firehose: Firehose = environment.observe("firehose", self.rabbitmq, watched)

    # -- the record

    def mark(self) -> float:
        """Begin a record: return the moment (seconds) of a mark of ours that the observer has seen."""
        return self.firehose.mark(self.ids.new("mark"))

    def record(self, since: float) -> History:
        """End a record: return all that the observer saw from `since` to a second mark."""
        self.mark()
        return self.history(since)

    # -- who has a message

    @contextlib.contextmanager
    def held(self, queue: str, *, refused: str) -> Iterator[Held]:
        """Keep what arrives in a queue from its consumers while the block runs.

        refused: the check that blocks this one where a consumer has the queue to itself alone, and so refuses us too.
        """
        with contextlib.ExitStack() as stack:
            try:
                held = stack.enter_context(self.rabbitmq.held(queue))
            except BROKER_ERRORS as error:
                if getattr(error, "reply_code", None) == REFUSED:
                    blocked(refused)
                raise
            yield held

    def holder(self, queue: str, subject: str, *, within: float, otherwise: str) -> str:
        """Wait until a consumer of a queue has got a message; return its container."""
        self.expect(delivered(queue, subject), within=within, otherwise=otherwise)
        return next(iter(self.history().about(subject).of("delivered", queue=queue))).actor

    def left_in(self, queue: str, *consumers: str) -> set[str]:
        """Kill a queue's consumers (services) and return the subjects that wait in it then; the next check resets."""
        self.dirty()
        self.faults.kill(*consumers)
        try:
            eventually(lambda: (q := self.rabbitmq.queue(queue)) is None or q.consumers == 0, within=10, what=queue)
            return {subject_of(body) for body in self.rabbitmq.peek(queue)}
        except (*BROKER_ERRORS, DeadlineError):
            return set()

    def declared(self, *queues: str) -> bool:
        """Say whether all of these queues exist."""
        with contextlib.suppress(*BROKER_ERRORS):
            return all(self.rabbitmq.queue(name) is not None for name in queues)
        return False

    # -- judging

    def judge_put_aside(
        self,
        bodies: Iterable[bytes],
        good: Iterable[str],
        since: float,
        *,
        results: str,
        dead: str,
        most_deliveries: int,
        within: float,
        behind: float,
        done: str,
    ) -> None:
        """Judge messages that must be put aside unchanged in `dead`, and the good ones behind them, due in `results`.

        within: seconds for the bad ones, behind: for the good. done: the reason of a bad one that comes to `results`.
        The others: "poison-blocks" of good ones that come nowhere, "good-task-refused" of those that come to `dead`.
        """
        self.disturbed()
        poisons = {subject_of(body): body for body in bodies}
        digests = {subject: digest(body) for subject, body in poisons.items()}
        words = {subject: shown(body) for subject, body in poisons.items()}
        good = set(good)
        blocking = self.wait(either(arrived(results, *good), arrived(dead, *good)), behind, since=since)
        self.wait(arrived(dead, *poisons), within, since=since)
        # What was seen too often needs no second mark, and a flood of it might not let one through.
        for look in (self.history, self.record):
            history = look(since)
            verdict = delivery.dead_lettered(history, digests, dead, most_deliveries=most_deliveries, words=words)
            self.fail_on(verdict if verdict and verdict.code == SPINNING else None)
        self.forbid([words[s] for s in poisons if s in delivery.arrivals(history, results)], otherwise=done)
        self.forbid(sorted(blocking), otherwise="poison-blocks", within=int(behind))
        self.fail_on(verdict)
        self.forbid(sorted(good & delivery.arrivals(history, dead).keys()), otherwise="good-task-refused")


@dataclass
class QueueOutage:
    """What lay in the queues before their broker was away; it begins with everything at work.

    durable: the queues of the contract that are meant to survive; quorum: those that keep any message. epoch: the
    observer's before the outage. letters: queue -> the subjects that must lie in it afterwards.
    """

    began: float
    epoch: int
    durable: set[str]
    quorum: set[str]
    letters: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def begin(cls, subject: QueueSubject, *queues: str) -> QueueOutage:
        """Begin the record of an outage, with every container at rest that has been restarted before."""
        subject.working()
        subject.disturbed()
        subject.faults.settle()
        found = [q for q in subject.rabbitmq.queues().values() if q.name in queues]
        durable = {q.name for q in found if q.durable and not q.exclusive and not q.auto_delete}
        quorum = {q.name for q in found if q.type == "quorum"}
        return cls(subject.mark(), subject.firehose.epoch, durable, quorum)

    def leave(self, subject: QueueSubject, queue: str, *bodies: dict[str, Any]) -> None:
        """Put persistent messages of ours into a queue, if it is meant to keep them."""
        if queue in self.durable:
            self.letters.setdefault(queue, []).extend(subject.rabbitmq.publish(queue, *bodies))

    def persistent(self, history: History, subjects: Iterable[str], queue: str) -> list[str]:
        """Leave out what was sent as transient: that it does not survive is known from another check."""
        transient = None if queue in self.quorum else delivery.transient(history, tuple(subjects), queue)
        return [s for s in subjects if not transient or s not in transient.subjects]

    def kept(self, queue: str) -> Condition:
        """What must lie in a queue has been found there since the outage, and is still there."""

        def missing(history: History) -> set[str]:
            since = history.between(self.began)
            gone = max((e.at for e in since.of("queue-gone", queue=queue)), default=self.began)
            stored = since.between(gone).of("stored", queue=queue)
            there = stored.where(lambda e: e.data.get("epoch", 0) > self.epoch).subjects()
            return set(self.letters.get(queue, ())) - set(there)

        return missing
