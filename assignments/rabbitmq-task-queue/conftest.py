"""What the checks of this assignment share: the contract's names and the verbs of a task queue."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from grader import fail, judge, msg
from grader.oracles import delivery, sharing
from grader.oracles.violation import listed
from grader.polling import Deadline, DeadlineError, eventually
from grader.probes.amqp_bodies import subject_of
from grader.probes.rabbitmq import BROKER_ERRORS, QueueMissingError, RabbitMQ

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.checks.disturbances import Disturbances
    from grader.checks.ids import Ids
    from grader.checks.world import World
    from grader.model.history import Event, History
    from grader.probes.http import HTTP, Answer

TASKS, RESULTS, DEAD = "tasks", "results", "tasks.dead"
REPLICAS = 3
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

    @functools.cached_property
    def api(self) -> HTTP:
        """The submission's HTTP service."""
        return self.world.http("api")

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
                fail(
                    "task-not-accepted",
                    expected=msg("POST /tasks answers 202"),
                    observed=msg("it answered: %(answer)s", answer=answer.summary()),
                    evidence=self.world.logs("api"),
                )
        return [body["id"] for body in bodies]

    def post(self, body: dict[str, Any], within: float = 10.0) -> Answer:
        """POST one task."""
        return self.api.post("/tasks", body, within=within, subject=body["id"])

    # -- waiting

    def wait_reported(self, ids: Iterable[str], within: float, since: float = 0.0) -> set[str]:
        """Wait until all ids are reported; return those that are not at the deadline."""
        return self._wait_arrived(ids, RESULTS, within, since)

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

    def replicas(self) -> int:
        """How many workers the submission runs, at most what the contract demands."""
        return max(1, min(REPLICAS, len(self.world.stack.containers("worker"))))

    def working(self, within: float) -> set[str]:
        """Send short tasks until each replica has reported one; return the names that did by the deadline."""
        deadline = Deadline(within)
        since = self.now()
        names: set[str] = set()
        sent: set[str] = set()
        while len(names) < self.replicas() and not deadline.passed():
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

    def judge_poison(self, poisons: dict[str, str], good: tuple[str, ...], since: float) -> None:
        """Judge messages that must be put aside (subject -> digest) and the good tasks sent behind them."""
        self.disturbed()
        blocked = self.wait_reported(good, within=BEHIND_POISON_S, since=since)
        self.wait_dead(poisons, within=DEAD_WITHIN_S + SLACK_S, since=since)
        # What was seen too often needs no second mark, and a flood of it might not let one through.
        spinning = delivery.dead_lettered(self.history(since), poisons, DEAD, most_deliveries=MOST_DELIVERIES)
        if spinning and spinning.code == "poison-redelivered-forever":
            judge(spinning, evidence=self.world.logs("worker"))
        verdict = delivery.dead_lettered(self.record(since), poisons, DEAD, most_deliveries=MOST_DELIVERIES)
        logs = self.world.logs("worker") if blocked or verdict else ()
        judge(verdict if verdict and verdict.code == "poison-redelivered-forever" else None, evidence=logs)
        if blocked:
            fail(
                "poison-blocks",
                expected=msg("the tasks behind it are done within %(n)s s", n=int(BEHIND_POISON_S)),
                observed=msg("not done: %(ids)s", ids=listed(sorted(blocked))),
                evidence=logs,
            )
        judge(verdict, evidence=logs)

    def waiting(self) -> set[str]:
        """Stop the workers and return the subjects that wait in `tasks` then; the next check resets."""
        self.world.dirty = True
        for container in self.world.stack.containers("worker"):
            container.kill()
        try:
            eventually(lambda: (q := self.rabbitmq.queue(TASKS)) is None or q.consumers == 0, within=10, what=TASKS)
            return {subject_of(body) for body in self.rabbitmq.peek(TASKS)}
        except (*BROKER_ERRORS, DeadlineError):
            return set()

    # -- state between checks

    def ensure_working(self) -> None:
        """Bring the workers to a known state before a check: all replicas answer, nothing is left in the queue."""
        if self.world.dirty:
            self.reset()
        if self._proven:
            return
        first = self.now() < self.world.session.assignment.limits.ready_s
        within = self.world.session.assignment.limits.ready_s - self.now() if first else RECOVERY_S
        try:
            names = self.working(max(within, 20.0))
        except DeadlineError as error:
            raise QueueMissingError(TASKS) from error
        if len(names) < self.replicas():
            fail(
                "task-not-done",
                expected=msg("%(n)s workers do short tasks and report them", n=self.replicas()),
                observed=msg("%(n)s did: %(names)s", n=len(names), names=", ".join(sorted(names)) or "-"),
                evidence=self.world.logs("worker"),
            )
        self._proven = True

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
            eventually(self.api.healthy, within=RECOVERY_S, every=0.2, what="api")
        self.world.dirty = False


@pytest.fixture(scope="session")
def queue(world: World, ids: Ids, faults: Disturbances, rabbitmq: RabbitMQ) -> TaskQueue:
    """The task queue, observed, in whatever state it is."""
    return TaskQueue(world, ids, faults, rabbitmq)


@pytest.fixture
def tasks(queue: TaskQueue) -> TaskQueue:
    """The task queue with all its workers at work and nothing left over."""
    queue.ensure_working()
    return queue
