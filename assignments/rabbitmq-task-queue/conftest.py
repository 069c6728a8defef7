"""What the checks of this assignment share: the contract's names and the verbs of a task queue."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from grader import BROKER_ERRORS, QueueMissingError, RabbitMQ, blocked, digest, fail, judge, msg, shown, subject_of
from grader.errors import CheckFailure
from grader.oracles import delivery, sharing
from grader.oracles.violation import listed
from grader.polling import Deadline, DeadlineError, eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from grader import HTTP, Answer, Held
    from grader.checks.disturbances import Disturbances
    from grader.checks.ids import Ids
    from grader.checks.world import World
    from grader.model.history import Event, History
    from grader.oracles.violation import Violation

TASKS, RESULTS, DEAD = "tasks", "results", "tasks.dead"
REPLICAS = 3
REFUSED = 403  # AMQP's access-refused
DEAD_WITHIN_S = 15.0
MOST_DELIVERIES = 3
RECOVERY_S = 60.0
BATCH_S = 5.0
BEHIND_POISON_S = 30.0
SLACK_S = 15.0  # what a loaded machine may add to a bound of the contract


class TaskQueue:
    """The submission as a task queue: submit, publish, wait, reset."""

    def __init__(self, world: World, ids: Ids, faults: Disturbances, rabbitmq: RabbitMQ) -> None:
        self.world = world
        self.ids = ids
        self.faults = faults
        self.rabbitmq = rabbitmq
        self.recorder = world.recorder
        self.firehose = world.firehose(rabbitmq, (RESULTS, DEAD))
        self._proven = False
        self._able: int | None = None
        self._raised: dict[str, Exception] = {}

    @functools.cached_property
    def api(self) -> HTTP:
        """The submission's HTTP service."""
        try:
            return self.world.http("api")
        except CheckFailure as failure:
            self._again("api", failure)

    def history(self, since: float = 0.0) -> History:
        """Everything recorded since `since` (seconds on the stack's clock)."""
        return self.recorder.history(since)

    def now(self) -> float:
        """Seconds since the stack's start."""
        return self.recorder.clock()

    def mark(self) -> float:
        """Begin a record: return the moment (seconds) of a mark of ours that the observer has seen."""
        return self.firehose.mark(self.ids.new("mark"))

    def record(self, since: float) -> History:
        """End a record: return all that the observer saw from `since` to a second mark."""
        self.mark()
        return self.history(since)

    # -- sending

    def tasks(self, word: str, count: int, duration_ms: int, **more: Any) -> list[dict[str, Any]]:
        """Make task bodies."""
        return [{"id": i, "duration_ms": duration_ms, **more} for i in self.ids.several(word, count)]

    def publish(self, *bodies: dict[str, Any] | bytes) -> tuple[str, ...]:
        """Publish straight to the queue `tasks`; return the subjects."""
        return self.rabbitmq.publish(TASKS, *bodies)

    def submit(self, *bodies: dict[str, Any]) -> list[str]:
        """Send tasks through the API, which must accept each; return their ids."""
        for body in bodies:
            answer = self.post(body)
            if not answer.accepted:
                failure = CheckFailure(
                    "task-not-accepted",
                    expected=msg("POST /tasks answers 202"),
                    observed=msg("it answered: %(answer)s", answer=answer.summary()),
                    evidence=self.world.logs("api"),
                )
                self._again("accept", failure)
        return [body["id"] for body in bodies]

    def accepting(self, *bodies: dict[str, Any]) -> list[str]:
        """Send tasks through the API where it does its part; return the ids of those that it accepted."""
        try:
            return [body["id"] for body in bodies if self.post(body).accepted]
        except CheckFailure:
            return []

    def post(self, body: dict[str, Any], within: float = 10.0) -> Answer:
        """POST one task."""
        return self.api.post("/tasks", body, within=within, subject=body["id"])

    @contextlib.contextmanager
    def held(self) -> Iterator[Held]:
        """Keep what arrives in `tasks` from the workers while the block runs (`RabbitMQ.held`).

        A worker that has the queue to itself alone refuses us as it does the others: that is for `share.replicas`.
        """
        with contextlib.ExitStack() as stack:
            try:
                held = stack.enter_context(self.rabbitmq.held(TASKS))
            except BROKER_ERRORS as error:
                if getattr(error, "reply_code", None) == REFUSED:
                    blocked("share.replicas")
                raise
            yield held

    # -- waiting

    def wait_reported(self, ids: Iterable[str], within: float, since: float = 0.0) -> set[str]:
        """Wait until all ids are reported; return those that are not at the deadline."""
        return self._wait_arrived(ids, RESULTS, within, since)

    def wait_queued(self, ids: Iterable[str], within: float = 20.0, since: float = 0.0) -> set[str]:
        """Wait until all ids have come to the queue `tasks`; return those that have not at the deadline."""
        return self._wait_arrived(ids, TASKS, within, since)

    def wait_dead(self, subjects: Iterable[str], within: float, since: float = 0.0) -> set[str]:
        """Wait until all subjects lie in `tasks.dead`; return those that do not at the deadline."""
        return self._wait_arrived(subjects, DEAD, within, since)

    def _wait_arrived(self, subjects: Iterable[str], queue: str, within: float, since: float) -> set[str]:
        wanted = set(subjects)

        def missing(history: History) -> set[str]:
            return wanted - delivery.arrivals(history, queue).keys()

        try:
            self.recorder.wait_for(lambda h: not missing(h), within=within, what=queue, since=since)
        except DeadlineError:
            return missing(self.history(since))
        return set()

    def wait_delivered(self, subject: str, within: float = 30.0) -> Event:
        """Wait until a worker has got `subject`; return the delivery."""

        def found(history: History) -> Event | None:
            return next(iter(history.about(subject).of("delivered", queue=TASKS)), None)

        try:
            return self.recorder.wait_for(found, within=within, what=subject)
        except DeadlineError:
            fail(
                "task-not-done",
                expected=msg("a task in the queue is delivered to a worker"),
                observed=msg("nobody took it within %(n)s s", n=int(within)),
                evidence=self.world.logs("worker"),
            )

    @property
    def able(self) -> int:
        """How many workers can be expected to work: those that did at first, before that all that there are."""
        return self._able or max(1, min(REPLICAS, len(self.world.stack.containers("worker"))))

    def working(self, within: float) -> set[str]:
        """Send short tasks until each able worker has reported one; return the names that did by the deadline."""
        deadline = Deadline(within)
        since = self.now()
        names: set[str] = set()
        sent: set[str] = set()
        while len(names) < self.able and not deadline.passed():
            try:
                sent |= set(self.publish(*self.tasks("ready", 2 * REPLICAS, 100)))
            except QueueMissingError:
                eventually(
                    lambda: self._exists(TASKS) or self.world.gone_for_good("api", "worker"),
                    within=deadline.left(),
                    every=0.2,
                    what=TASKS,
                )
                if not self._exists(TASKS):
                    break
                continue
            if self.world.gone_for_good("worker"):
                break
            self.wait_reported(sent, within=min(BATCH_S, deadline.left()), since=since)
            names = set(sharing.workers_of(self.history(since), sent, RESULTS).values())
        return names

    def _exists(self, queue: str) -> bool:
        try:
            return self.rabbitmq.queue(queue) is not None
        except BROKER_ERRORS:
            return False

    # -- judging

    def judge_poison(self, bodies: list[bytes], good: tuple[str, ...], since: float, *, done: str) -> None:
        """Judge messages that must be put aside, and the good tasks sent behind them.

        done: the reason code of a message that is reported as done instead.
        """
        self.disturbed()
        poisons = {subject_of(body): body for body in bodies}
        blocked = self._wait_settled(good, since)
        self.wait_dead(poisons, within=DEAD_WITHIN_S + SLACK_S, since=since)
        # What was seen too often needs no second mark, and a flood of it might not let one through.
        spinning = _dead_lettered(self.history(since), poisons)
        if spinning and spinning.code == "poison-redelivered-forever":
            judge(spinning, evidence=self.world.logs("worker"))
        history = self.record(since)
        verdict = _dead_lettered(history, poisons)
        refused = sorted(set(good) & delivery.arrivals(history, DEAD).keys())
        reported = [shown(poisons[s]) for s in poisons if s in delivery.arrivals(history, RESULTS)]
        logs = self.world.logs("worker") if blocked or refused or reported or verdict else ()
        judge(verdict if verdict and verdict.code == "poison-redelivered-forever" else None, evidence=logs)
        if reported:
            fail(
                done,
                expected=msg("what cannot be done is not reported in queue results"),
                observed=msg("reported: %(ids)s", ids=listed(reported)),
                evidence=logs,
            )
        if blocked:
            fail(
                "poison-blocks",
                expected=msg("the tasks behind it are done within %(n)s s", n=int(BEHIND_POISON_S)),
                observed=msg("not done: %(ids)s", ids=listed(sorted(blocked))),
                evidence=logs,
            )
        judge(verdict, evidence=logs)
        if refused:
            fail(
                "good-task-refused",
                expected=msg("tasks with all their fields are done, whatever further fields they have"),
                observed=msg("in tasks.dead: %(ids)s", ids=listed(refused)),
                evidence=logs,
            )

    def _wait_settled(self, good: Iterable[str], since: float) -> set[str]:
        """Wait until good tasks are reported, or put aside by mistake; return those of which neither is true."""
        wanted = set(good)

        def left(history: History) -> set[str]:
            return wanted - delivery.arrivals(history, RESULTS).keys() - delivery.arrivals(history, DEAD).keys()

        try:
            self.recorder.wait_for(lambda h: not left(h), within=BEHIND_POISON_S, what=RESULTS, since=since)
        except DeadlineError:
            return left(self.history(since))
        return set()

    def waiting(self) -> set[str]:
        """Stop the workers and return the subjects that wait in `tasks` then; the next check resets."""
        self.world.dirty = True
        self.faults.kill("worker")
        try:
            eventually(lambda: (q := self.rabbitmq.queue(TASKS)) is None or q.consumers == 0, within=10, what=TASKS)
            return {subject_of(body) for body in self.rabbitmq.peek(TASKS)}
        except (*BROKER_ERRORS, DeadlineError):
            return set()

    # -- state between checks

    def ensure_working(self) -> None:
        """Bring the workers to a known state before a check: the able ones answer, nothing is left in the queue.

        That some of them never do is for `share.replicas` to say, and does not keep the others from being judged. That
        nobody works fails one check, and the others wait for that one.
        """
        if self._able == 0:
            raise self._raised["workers"]
        if self.world.dirty:
            self.reset()
        if self._proven:
            return
        first = self.now() < self.world.session.assignment.limits.ready_s
        within = self.world.session.assignment.limits.ready_s - self.now() if first else RECOVERY_S
        names: set[str] = set()
        missing: Exception | None = None
        try:
            names = self.working(max(within, 20.0))
        except DeadlineError:
            missing = QueueMissingError(TASKS)
        wanted = self.able
        if self._able is None:
            self._able = wanted = len(names)
        if not names or len(names) < wanted:
            failure = CheckFailure(
                "task-not-done",
                expected=msg("%(n)s workers do short tasks and report them", n=wanted or REPLICAS),
                observed=msg("%(n)s did: %(names)s", n=len(names), names=", ".join(sorted(names)) or "-"),
                evidence=self.world.logs("worker"),
            )
            self._again("workers", missing or failure)
        self._proven = True

    def _again(self, what: str, failure: Exception) -> NoReturn:
        """Raise a failure, or the one that was raised for the same cause before: it counts for one check."""
        raise self._raised.setdefault(what, failure)

    def disturbed(self) -> None:
        """Say that workers were disturbed: the next check proves them anew."""
        self._proven = False

    def reset(self) -> None:
        """Restart workers and API with an empty queue, so that one mistake does not fail the checks after it."""
        self.disturbed()
        if self.rabbitmq.ready():
            with self.faults.all_killed("worker", "api"):
                self.rabbitmq.purge(TASKS)
                self.firehose.renew()
            # An API that does not come back is for those checks to say that need one.
            with contextlib.suppress(DeadlineError, CheckFailure):
                eventually(self.api.healthy, within=RECOVERY_S, every=0.2, what="api")
        self.world.dirty = False


def _dead_lettered(history: History, poisons: dict[str, bytes]) -> Violation | None:
    digests = {subject: digest(body) for subject, body in poisons.items()}
    words = {subject: shown(body) for subject, body in poisons.items()}
    return delivery.dead_lettered(history, digests, DEAD, most_deliveries=MOST_DELIVERIES, words=words)


@pytest.fixture(scope="session")
def queue(world: World, ids: Ids, faults: Disturbances, rabbitmq: RabbitMQ) -> TaskQueue:
    """The task queue, observed, in whatever state it is."""
    return TaskQueue(world, ids, faults, rabbitmq)


@pytest.fixture
def tasks(queue: TaskQueue) -> TaskQueue:
    """The task queue with all its workers at work and nothing left over."""
    queue.ensure_working()
    return queue
