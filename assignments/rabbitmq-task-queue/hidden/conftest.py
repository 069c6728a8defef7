"""The broker faults that several checks judge: each happens once a run and is recorded, not judged, here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from grader.oracles import delivery
from grader.polling import DeadlineError, eventually, pause
from grader.probes.rabbitmq import BROKER_ERRORS

if TYPE_CHECKING:
    from conftest import TaskQueue

RESULTS, DEAD = "results", "tasks.dead"
RECOVERY_S = 60.0
LATE_S = 5.0  # and RabbitMQ itself takes 4 to 8 s to answer: about the 10 s of the contract


@dataclass
class Outage:
    """What was sent before the broker was away, and what came back after it."""

    tasks: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    began: float = 0.0
    answered: float = 0.0
    api_back: bool = False
    workers_back: set[str] = field(default_factory=set)
    epoch: int = 0
    waiting: set[str] = field(default_factory=set)

    def lying_in(self, queue: TaskQueue, name: str) -> set[str]:
        """Return the subjects seen in queue `name` by the observer's first connection after the outage."""
        return set(queue.history(self.answered).of("stored", queue=name, epoch=self.epoch).subjects())


def _before(tasks: TaskQueue, outage: Outage, duration_ms: int, count: int) -> None:
    """Leave results, dead letters and waiting tasks behind; all of them are in the broker when this returns."""
    since = tasks.now()
    outage.results = list(tasks.publish(*tasks.tasks("before", 3, 100)))
    outage.dead = list(tasks.publish(*tasks.tasks("buried", 2, 100, fail=True)))
    tasks.wait_reported(outage.results, within=30, since=since)
    tasks.wait_dead(outage.dead, within=30, since=since)
    outage.tasks = tasks.submit(*tasks.tasks("kept", count, duration_ms))
    wanted = set(outage.tasks)
    tasks.recorder.wait_for(
        lambda h: not (wanted - delivery.arrivals(h, "tasks").keys()), within=20, what="tasks in the queue", since=since
    )


def _after(tasks: TaskQueue, outage: Outage) -> None:
    """Wait for recovery and note how far it came; then see what is still waiting of what is not reported."""
    tasks.firehose.wait_tracing()
    outage.epoch = tasks.firehose.epoch
    before = tasks.now()

    def accepted() -> bool:
        return tasks.post(tasks.tasks("after", 1, 100)[0], within=5.0).accepted

    try:
        outage.api_back = eventually(accepted, within=RECOVERY_S, every=0.5, what="api")
    except DeadlineError:
        outage.api_back = False
    try:
        outage.workers_back = tasks.working(max(5.0, RECOVERY_S - (tasks.now() - before)))
    except (DeadlineError, *BROKER_ERRORS):
        outage.workers_back = set()
    within = 30.0 if outage.workers_back else 1.0
    missing = tasks.wait_reported(outage.tasks, within=within, since=outage.began)
    if missing:
        outage.waiting = tasks.waiting()
    if not outage.api_back or len(outage.workers_back) < tasks.replicas():
        tasks.world.dirty = True


@pytest.fixture(scope="session")
def restarted(queue: TaskQueue) -> Outage:
    """A graceful restart of the broker (docker stop, docker start) with workers at work."""
    queue.ensure_working()
    queue.disturbed()
    queue.faults.settle()
    outage = Outage(began=queue.mark())
    _before(queue, outage, duration_ms=2000, count=9)
    queue.faults.restart("rabbitmq", ready=queue.rabbitmq.ready)
    outage.answered = queue.now()
    _after(queue, outage)
    return outage


@pytest.fixture(scope="session")
def recreated(queue: TaskQueue) -> Outage:
    """Docker compose down and up as the broker sees it, and a broker that comes up 10 s after everyone else."""
    queue.ensure_working()
    queue.disturbed()
    queue.faults.settle()
    outage = Outage(began=queue.mark())
    _before(queue, outage, duration_ms=2000, count=9)
    queue.faults.kill("worker", "api")
    with queue.faults.removed("rabbitmq", ready=queue.rabbitmq.ready):
        queue.faults.start("api", "worker")
        pause(LATE_S)  # the lateness is the fault itself
    outage.answered = queue.now()
    _after(queue, outage)
    return outage
