"""The broker faults that several checks judge: each happens once a run and is recorded, not judged, here.

One mistake must not fail every check that looks at an outage. So what has to survive is ours where a submission's own
messages could bring another mistake with them: tasks that no worker has been given (whatever it acknowledges too early is
not lost with the broker), and results and dead letters of ours beside those of the workers.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import pytest
from subject import DEAD, REPLICAS, REPORT_S, RESULTS, TASKS, TERMS, TaskQueue, reported

from grader import BROKER_ERRORS, QueueOutage, Violation, arrived, at_most, delivered, holds, sharing

LATE_S = 5.0  # and RabbitMQ itself takes 4 to 8 s to answer: about the 10 s of the contract
AT_WORK_MS = 4000
KEPT_MS = 500


@dataclass
class Outage(QueueOutage[TaskQueue]):
    """What was there before the broker was away, and what came back after it.

    tasks: what waited in `tasks`, in nobody's hands; waiting: what still waits there of what is not reported. api_lost:
    the API accepted tasks before, and none after it. hoarding: what a worker holds too much of after it, and not before.
    """

    tasks: list[str] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    api_lost: bool = False
    workers_back: set[str] = field(default_factory=set)
    hoarding: Violation | None = None

    def leave_letters(self) -> None:
        """Put persistent results and dead letters of ours into those queues that are meant to keep them."""
        queue = self.subject
        self.leave(RESULTS, *({"id": i, "worker": "grader"} for i in queue.ids.several("report", 2)))
        self.leave(DEAD, *queue.bodies("buried", 2, fail=True))

    def over(self, *, api_worked: bool) -> None:
        """Wait for recovery and note how far it came; then see what is still waiting of what is not reported."""
        queue = self.subject
        before = queue.now()
        accepts = holds(lambda: queue.accepted(*queue.bodies("after")))
        self.api_lost = api_worked and bool(queue.wait(accepts, TERMS.recovery_s))
        with contextlib.suppress(*BROKER_ERRORS):
            self.workers_back = queue.workers(max(5.0, TERMS.recovery_s - (queue.now() - before)))
        missing = queue.wait(reported(*self.tasks), REPORT_S if self.workers_back else 1.0, since=self.began)
        if missing - queue.came_to(DEAD, self.began):
            self.waiting = queue.left_in(TASKS, "worker")
        queue.dirty(len(self.workers_back) < queue.able or self.api_lost)


@pytest.fixture(scope="session")
def restarted(queue: TaskQueue) -> Outage:
    """A graceful restart of the broker (docker stop, docker start) with workers at work and tasks waiting."""
    outage = Outage.begin(queue, TASKS, RESULTS, DEAD)
    since = outage.began
    done = queue.send("before", 3)
    queue.wait(reported(*done), REPORT_S, since=since)
    at_work = queue.send("work", queue.able + 1, AT_WORK_MS)
    queue.wait(at_most(len(at_work) - queue.able, delivered(TASKS, *at_work)), 20, since=since)
    with queue.held(TASKS, refused="share.replicas"):  # what comes now is given to no worker
        kept = queue.send("kept", 3, KEPT_MS)
        accepted = queue.accepted(*queue.bodies("accepted", 3, KEPT_MS))
        queue.wait(arrived(TASKS, *accepted), 20, since=since)
        outage.leave_letters()
        history = queue.record(since)
        outage.tasks = outage.untouched(history, TASKS, [*at_work, *kept, *accepted])
        outage.demand(history, RESULTS, done)
        outage.restart()
    outage.over(api_worked=bool(accepted))
    if not queue.environment.dirty:  # three tasks for each worker at once, to see whether one holds several
        since = queue.mark()
        burst = queue.send("again", 3 * REPLICAS, 300)
        queue.wait(reported(*burst), REPORT_S, since=since)
        hoarding = sharing.hoarding(queue.record(since), burst, TASKS, RESULTS, most=1)
        queue.dirty(hoarding)
        # Who took several before the restart as well has lost nothing by it.
        before = sharing.hoarding(history, at_work, TASKS, RESULTS, most=1)
        outage.hoarding = None if before else hoarding
    return outage


@pytest.fixture(scope="session")
def recreated(queue: TaskQueue) -> Outage:
    """Docker compose down and up as the broker sees it, and a broker that comes up 10 s after everyone else."""
    outage = Outage.begin(queue, TASKS, RESULTS, DEAD)
    before = queue.accepted(*queue.bodies("before"))
    queue.wait(reported(*before), REPORT_S, since=outage.began)
    queue.faults.kill("worker", "api")
    if TASKS in outage.durable:
        outage.tasks = list(queue.send("kept", 6, KEPT_MS))
    outage.leave_letters()
    outage.recreate("api", "worker", late_s=LATE_S)
    outage.over(api_worked=bool(before))
    return outage
