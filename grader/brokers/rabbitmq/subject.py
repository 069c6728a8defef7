"""A submission whose parts talk over queues: its observed broker, and what lies in the queues over an outage."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypeVar

from grader.authoring.conditions import arrived, delivered, holds
from grader.authoring.subject import Subject
from grader.authoring.verdicts import blocked
from grader.brokers.rabbitmq import BROKER
from grader.brokers.rabbitmq.bodies import digest, shown, subject_of
from grader.brokers.rabbitmq.probe import BROKER_ERRORS, QueueMissingError
from grader.model.outcome import Evidence
from grader.model.text import msg
from grader.oracles import delivery
from grader.polling import DeadlineError, eventually, pause

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from grader.authoring.conditions import Condition
    from grader.authoring.environment import Environment
    from grader.brokers.rabbitmq.firehose import Firehose
    from grader.brokers.rabbitmq.held import Held
    from grader.brokers.rabbitmq.probe import QueueInfo, RabbitMQ
    from grader.model.history import History
    from grader.oracles.violation import Violation

REFUSED = 403  # AMQP's access-refused
SPINNING = "poison-redelivered-forever"


class PutAside(NamedTuple):
    """What became of messages that must be put aside: what is wrong with it, and what a reader knows each by."""

    verdict: Violation | None
    words: dict[str, str]

    def among(self, subjects: Collection[str]) -> list[str]:
        """Return those of the messages that are among some subjects, as a reader calls them."""
        return [word for subject, word in self.words.items() if subject in subjects]


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

    def came_to(self, queue: str, since: float = 0.0) -> set[str]:
        """Return the subjects that have come to a queue since a moment."""
        return set(delivery.arrivals(self.history(since), queue))

    def fault_ahead(self) -> float:
        """Begin a record with a fault to come: what was restarted is at rest, and the next check proves all anew."""
        self.disturbed()
        self.faults.settle()
        return self.mark()

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

    # -- what is declared

    def declared(self, *queues: str) -> bool:
        """Say whether all of these queues exist."""
        with contextlib.suppress(*BROKER_ERRORS):
            return all(self.rabbitmq.queue(name) is not None for name in queues)
        return False

    def wait_declared(self, within: float, *queues: str, by: tuple[str, ...]) -> bool:
        """Wait until all of these queues exist, or those are gone that could declare them; say whether they do."""
        there = holds(lambda: self.declared(*queues) or self.environment.gone_for_good(*by))
        return not self.wait(there, within, every=0.2) and self.declared(*queues)

    def publish_within(
        self, within: float, queue: str, *bodies: dict[str, Any], by: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Publish to a queue as soon as it is there, and return the subjects; none where nobody has declared it."""
        for deadline in self.rounds(within, *by):
            try:
                return self.rabbitmq.publish(queue, *bodies)
            except QueueMissingError:
                if not self.wait_declared(deadline.left(), queue, by=by):
                    break
        return ()

    def demand_declared(self, queue: str, *, by: tuple[str, ...], once: str) -> None:
        """Fail where a queue is missing though somebody is there to declare it. once: the cause that it counts as."""
        if not self.declared(queue) and not self.environment.gone_for_good(*by):
            self.once(once, QueueMissingError(queue))

    def listed(self, within: float, *queues: str, by: tuple[str, ...]) -> tuple[dict[str, QueueInfo], Evidence]:
        """Wait like `wait_declared`; return all queues by name, and those that were given one as a table."""
        there = holds(lambda: set(queues) <= self.rabbitmq.queues().keys() or self.environment.gone_for_good(*by))
        self.wait(there, within)
        found = self.rabbitmq.queues()
        lines = tuple(str(q) for q in found.values() if not q.name.startswith("amq.gen"))
        return found, Evidence(title=msg("rabbitmqctl list_queues"), lines=lines)

    # -- what is put aside

    def put_aside(
        self, bodies: Iterable[bytes], since: float, dead: str, *, most_deliveries: int, within: float
    ) -> PutAside:
        """Wait until messages that must be put aside lie in `dead`, and look for each there, unchanged.

        One that was delivered too often fails the check at once: it needs no second mark, and a flood of it might not
        let one through.
        """
        poisons = {subject_of(body): body for body in bodies}
        digests = {subject: digest(body) for subject, body in poisons.items()}
        words = {subject: shown(body) for subject, body in poisons.items()}
        self.wait(arrived(dead, *poisons), within, since=since)
        for look in (self.history, self.record):
            history = look(since)
            verdict = delivery.dead_lettered(history, digests, dead, most_deliveries=most_deliveries, words=words)
            self.fail_on(verdict if verdict and verdict.code == SPINNING else None)
        return PutAside(verdict, words)

    # -- state between checks

    def emptied(self, queue: str, *services: str) -> bool:
        """Kill services, empty a queue, observe anew and start them again; False where the broker does not answer."""
        if not self.rabbitmq.ready():
            return False
        with self.faults.all_killed(*services):
            self.rabbitmq.purge(queue)
            self.firehose.renew()
        return True


S = TypeVar("S", bound=QueueSubject)


@dataclass
class QueueOutage(Generic[S]):
    """An outage of the broker: what lay in its queues before, what came back after; it begins with everything at work.

    durable: the queues of the contract that are meant to survive; quorum: those that keep any message. epoch: the
    observer's before the outage. letters: queue -> the subjects that must lie in it afterwards. An assignment's own
    class adds what else it looks at before and after.
    """

    subject: S
    began: float
    epoch: int
    durable: set[str]
    quorum: set[str]
    letters: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def begin(cls, subject: S, *queues: str) -> Self:
        """Begin the record of an outage, with every container at rest that has been restarted before."""
        subject.working()
        found = [q for q in subject.rabbitmq.queues().values() if q.name in queues]
        durable = {q.name for q in found if q.lasting}
        quorum = {q.name for q in found if q.type == "quorum"}
        return cls(subject, subject.fault_ahead(), subject.firehose.epoch, durable, quorum)

    def restart(self) -> None:
        """Restart the broker gracefully (docker stop, docker start); it answers, and is observed again, afterwards."""
        self.subject.faults.restart(self.subject.rabbitmq.service, ready=self.subject.rabbitmq.ready)
        self.subject.firehose.wait_tracing()

    def recreate(self, *services: str, late_s: float) -> None:
        """Make the broker anew, as docker compose down and up, and let it come after services that were killed before.

        late_s: how long after them it is started; it answers, and is observed again, afterwards.
        """
        with self.subject.faults.removed(self.subject.rabbitmq.service, ready=self.subject.rabbitmq.ready):
            self.subject.faults.start(*services)
            pause(late_s)  # the lateness is the fault itself
        self.subject.firehose.wait_tracing()

    def leave(self, queue: str, *bodies: dict[str, Any]) -> None:
        """Put persistent messages of ours into a queue, if it is meant to keep them."""
        if queue in self.durable:
            self.letters.setdefault(queue, []).extend(self.subject.rabbitmq.publish(queue, *bodies))

    def demand(self, history: History, queue: str, subjects: Iterable[str]) -> None:
        """Count on what the submission has put into a queue as persistent too, if the queue is meant to keep it."""
        if queue in self.durable:
            self.letters.setdefault(queue, []).extend(self.persistent(history, subjects, queue))

    def untouched(self, history: History, queue: str, subjects: Iterable[str]) -> list[str]:
        """Return the persistent messages that no consumer of their queue has had; all, where each has been had."""
        in_hand = set(history.of("delivered", queue=queue).subjects())
        return self.persistent(history, [s for s in subjects if s not in in_hand] or subjects, queue)

    def persistent(self, history: History, subjects: Iterable[str], queue: str) -> list[str]:
        """Leave out what was sent as transient: that it does not survive is known from another check."""
        transient = None if queue in self.quorum else delivery.transient(history, tuple(subjects), queue)
        return [s for s in subjects if not transient or s not in transient.subjects]

    def expect_letters(self, *, within: float, otherwise: str) -> None:
        """Fail unless all letters have been found in their queues since the outage, and are still there.

        The reason's words may name the `queue`, besides what is missing.
        """
        for queue in self.letters:
            self.subject.expect(self.kept(queue), within=within, otherwise=otherwise, queue=queue)

    def kept(self, queue: str) -> Condition:
        """What must lie in a queue has been found there since the outage, and is still there."""

        def missing(history: History) -> set[str]:
            since = history.between(self.began)
            gone = max((e.at for e in since.of("queue-gone", queue=queue)), default=self.began)
            stored = since.between(gone).of("stored", queue=queue)
            there = stored.where(lambda e: e.data.get("epoch", 0) > self.epoch).subjects()
            return set(self.letters.get(queue, ())) - set(there)

        return missing
