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
from subject import DEAD, REPLICAS, REPORT_S, RESULTS, TASKS, TERMS, reported

from grader import BROKER_ERRORS, QueueOutage, arrived, at_most, delivered, delivery, holds, pause, sharing

if TYPE_CHECKING:
    from subject import TaskQueue

    from grader import Violation

LATE_S = 5.0  # and RabbitMQ itself takes 4 to 8 s to answer: about the 10 s of the contract
AT_WORK_MS = 4000
KEPT_MS = 500


@dataclass
class Outage:
    """What was there before the broker was away, and what came back after it.

    queues: what lay in the broker. tasks: what waited in `tasks`, in nobody's hands. hoarding: what a worker held too much
    of, before and after.
    """

    queue: TaskQueue
    queues: QueueOutage
    tasks: list[str] = field(default_factory=list)
    api_before: bool = False
    api_back: bool = False
    workers_back: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    hoarding_before: Violation | None = None
    hoarding_after: Violation | None = None

    @classmethod
    def begin(cls, queue: TaskQueue) -> Outage:
        """Begin the record of an outage with everything at work."""
        return cls(queue, QueueOutage.begin(queue, TASKS, RESULTS, DEAD))

    def leave_letters(self) -> None:
        """Put persistent results and dead letters of ours into those queues that are meant to keep them."""
        queue = self.queue
        self.queues.leave(queue, RESULTS, *({"id": i, "worker": "grader"} for i in queue.ids.several("report", 2)))
        self.queues.leave(queue, DEAD, *queue.bodies("buried", 2, fail=True))

    def over(self) -> None:
        """Wait for recovery and note how far it came; then see what is still waiting of what is not reported."""
        queue, began = self.queue, self.queues.began
        queue.firehose.wait_tracing()
        before = queue.now()
        accepts = holds(lambda: queue.accepted(*queue.bodies("after")))
        self.api_back = self.api_before and not queue.wait(accepts, TERMS.recovery_s)
        with contextlib.suppress(*BROKER_ERRORS):
            self.workers_back = queue.workers(max(5.0, TERMS.recovery_s - (queue.now() - before)))
        missing = queue.wait(reported(*self.tasks), REPORT_S if self.workers_back else 1.0, since=began)
        if missing - delivery.arrivals(queue.history(began), DEAD).keys():
            self.waiting = queue.waiting()
        queue.dirty(len(self.workers_back) < queue.able or (self.api_before and not self.api_back))


@pytest.fixture(scope="session")
def restarted(queue: TaskQueue) -> Outage:
    """A graceful restart of the broker (docker stop, docker start) with workers at work and tasks waiting."""
    outage = Outage.begin(queue)
    since = outage.queues.began
    done = queue.send("before", 3)
    queue.wait(reported(*done), REPORT_S, since=since)
    at_work = queue.send("work", queue.able + 1, AT_WORK_MS)
    queue.wait(at_most(len(at_work) - queue.able, delivered(TASKS, *at_work)), 20, since=since)
    with queue.held_back():
        kept = queue.send("kept", 3, KEPT_MS)
        accepted = queue.accepted(*queue.bodies("accepted", 3, KEPT_MS))
        outage.api_before = bool(accepted)
        queue.wait(arrived(TASKS, *accepted), 20, since=since)
        outage.leave_letters()
        history = queue.record(since)
        outage.hoarding_before = sharing.hoarding(history, at_work, TASKS, RESULTS, most=1)
        left = [*at_work, *kept, *accepted]
        in_hand = set(history.of("delivered", queue=TASKS).subjects())
        outage.tasks = outage.queues.persistent(history, [s for s in left if s not in in_hand] or left, TASKS)
        if RESULTS in outage.queues.durable:
            outage.queues.letters[RESULTS] += outage.queues.persistent(history, done, RESULTS)
        queue.faults.restart("rabbitmq", ready=queue.rabbitmq.ready)
    outage.over()
    if not queue.environment.dirty:  # three tasks for each worker at once, to see whether one holds several
        since = queue.mark()
        burst = queue.send("again", 3 * REPLICAS, 300)
        queue.wait(reported(*burst), REPORT_S, since=since)
        outage.hoarding_after = sharing.hoarding(queue.record(since), burst, TASKS, RESULTS, most=1)
        queue.dirty(outage.hoarding_after)
    return outage


@pytest.fixture(scope="session")
def recreated(queue: TaskQueue) -> Outage:
    """Docker compose down and up as the broker sees it, and a broker that comes up 10 s after everyone else."""
    outage = Outage.begin(queue)
    before = queue.accepted(*queue.bodies("before"))
    outage.api_before = bool(before)
    queue.wait(reported(*before), REPORT_S, since=outage.queues.began)
    queue.faults.kill("worker", "api")
    if TASKS in outage.queues.durable:
        outage.tasks = list(queue.send("kept", 6, KEPT_MS))
    outage.leave_letters()
    with queue.faults.removed("rabbitmq", ready=queue.rabbitmq.ready):
        queue.faults.start("api", "worker")
        pause(LATE_S)  # the lateness is the fault itself
    outage.over()
    return outage
