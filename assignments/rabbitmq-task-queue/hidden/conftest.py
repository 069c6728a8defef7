"""The broker faults that several checks judge: each happens once a run and is recorded, not judged, here.

One mistake must not fail every check that looks at an outage. So what has to survive is ours where a submission's own
messages could bring another mistake with them: tasks that no worker has been given (whatever it acknowledges too early is
not lost with the broker), and results and dead letters of ours beside those of the workers.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from grader import BROKER_ERRORS
from grader.oracles import delivery, sharing
from grader.polling import DeadlineError, eventually, pause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conftest import TaskQueue

    from grader.model.history import History
    from grader.oracles.violation import Violation

TASKS, RESULTS, DEAD = "tasks", "results", "tasks.dead"
RECOVERY_S = 60.0
LATE_S = 5.0  # and RabbitMQ itself takes 4 to 8 s to answer: about the 10 s of the contract
AT_WORK_MS = 4000
KEPT_MS = 500


@dataclass
class Outage:
    """What lay in the broker before it was away, and what came back after it.

    durable: the contract's queues that are meant to survive; quorum: those that keep any message. epoch: the observer's
    before the outage. tasks: what waited in `tasks`, in nobody's hands. hoarding: what a worker held too much of, before
    and after.
    """

    began: float
    durable: set[str]
    quorum: set[str]
    epoch: int
    tasks: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    api_before: bool = False
    api_back: bool = False
    workers_back: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    hoarding_before: Violation | None = None
    hoarding_after: Violation | None = None

    def lying_in(self, queue: TaskQueue, name: str) -> set[str]:
        """Return the subjects that the observer has found in queue `name` since the outage, and that are still there."""
        history = queue.history(self.began)
        gone = max((e.at for e in history.of("queue-gone", queue=name)), default=self.began)
        stored = history.between(gone).of("stored", queue=name)
        return set(stored.where(lambda e: e.data.get("epoch", 0) > self.epoch).subjects())

    def persistent(self, history: History, subjects: Iterable[str], name: str) -> list[str]:
        """Leave out what was sent as transient: that it does not survive is known from another check."""
        transient = None if name in self.quorum else delivery.transient(history, tuple(subjects), name)
        return [s for s in subjects if not transient or s not in transient.subjects]


def _outage(queue: TaskQueue) -> Outage:
    """Begin the record of an outage with everything at work."""
    queue.ensure_working()
    queue.disturbed()
    queue.faults.settle()
    found = [q for q in queue.rabbitmq.queues().values() if q.name in {TASKS, RESULTS, DEAD}]
    durable = {q.name for q in found if q.durable and not q.exclusive and not q.auto_delete}
    quorum = {q.name for q in found if q.type == "quorum"}
    return Outage(began=queue.mark(), durable=durable, quorum=quorum, epoch=queue.firehose.epoch)


def _leave_letters(queue: TaskQueue, outage: Outage) -> None:
    """Put persistent results and dead letters of ours into those queues that are meant to keep them."""
    if RESULTS in outage.durable:
        reports = [{"id": name, "worker": "grader"} for name in queue.ids.several("report", 2)]
        outage.results += queue.rabbitmq.publish(RESULTS, *reports)
    if DEAD in outage.durable:
        outage.dead += queue.rabbitmq.publish(DEAD, *queue.tasks("buried", 2, 100, fail=True))


def _after(queue: TaskQueue, outage: Outage) -> None:
    """Wait for recovery and note how far it came; then see what is still waiting of what is not reported."""
    queue.firehose.wait_tracing()
    before = queue.now()
    with contextlib.suppress(DeadlineError):
        outage.api_back = outage.api_before and eventually(
            lambda: bool(queue.accepting(*queue.tasks("after", 1, 100))), within=RECOVERY_S, every=0.5, what="api"
        )
    with contextlib.suppress(DeadlineError, *BROKER_ERRORS):
        outage.workers_back = queue.working(max(5.0, RECOVERY_S - (queue.now() - before)))
    missing = queue.wait_reported(outage.tasks, within=30.0 if outage.workers_back else 1.0, since=outage.began)
    if missing - delivery.arrivals(queue.history(outage.began), DEAD).keys():
        outage.waiting = queue.waiting()
    if len(outage.workers_back) < queue.able or (outage.api_before and not outage.api_back):
        queue.world.dirty = True


def _hoarding(queue: TaskQueue) -> Violation | None:
    """Give three tasks to each worker at once and see whether one holds several."""
    since = queue.mark()
    burst = queue.publish(*queue.tasks("again", 9, 300))
    queue.wait_reported(burst, within=30, since=since)
    return sharing.hoarding(queue.record(since), burst, TASKS, RESULTS, most=1)


@pytest.fixture(scope="session")
def restarted(queue: TaskQueue) -> Outage:
    """A graceful restart of the broker (docker stop, docker start) with workers at work and tasks waiting."""
    outage = _outage(queue)
    done = queue.publish(*queue.tasks("before", 3, 100))
    queue.wait_reported(done, within=30, since=outage.began)
    at_work = queue.publish(*queue.tasks("work", queue.able + 1, AT_WORK_MS))

    def taken(history: History) -> bool:
        return len(history.about(*at_work).of("delivered", queue=TASKS).subjects()) >= queue.able

    with contextlib.suppress(DeadlineError):
        queue.recorder.wait_for(taken, within=20, what="tasks at work", since=outage.began)
    with queue.held():
        kept = list(queue.publish(*queue.tasks("kept", 3, KEPT_MS)))
        accepted = queue.accepting(*queue.tasks("accepted", 3, KEPT_MS))
        outage.api_before = bool(accepted)
        queue.wait_queued(accepted, since=outage.began)
        _leave_letters(queue, outage)
        history = queue.record(outage.began)
        outage.hoarding_before = sharing.hoarding(history, at_work, TASKS, RESULTS, most=1)
        held = [*at_work, *kept, *accepted]
        in_hand = set(history.of("delivered", queue=TASKS).subjects())
        outage.tasks = outage.persistent(history, [s for s in held if s not in in_hand] or held, TASKS)
        outage.results += outage.persistent(history, done, RESULTS) if RESULTS in outage.durable else []
        queue.faults.restart("rabbitmq", ready=queue.rabbitmq.ready)
    _after(queue, outage)
    if not queue.world.dirty:
        outage.hoarding_after = _hoarding(queue)
        queue.world.dirty = outage.hoarding_after is not None
    return outage


@pytest.fixture(scope="session")
def recreated(queue: TaskQueue) -> Outage:
    """Docker compose down and up as the broker sees it, and a broker that comes up 10 s after everyone else."""
    outage = _outage(queue)
    probe = queue.accepting(*queue.tasks("before", 1, 100))
    outage.api_before = bool(probe)
    queue.wait_reported(probe, within=30, since=outage.began)
    queue.faults.kill("worker", "api")
    if TASKS in outage.durable:
        outage.tasks = list(queue.publish(*queue.tasks("kept", 6, KEPT_MS)))
    _leave_letters(queue, outage)
    with queue.faults.removed("rabbitmq", ready=queue.rabbitmq.ready):
        queue.faults.start("api", "worker")
        pause(LATE_S)  # the lateness is the fault itself
    _after(queue, outage)
    return outage
