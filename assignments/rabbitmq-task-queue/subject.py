"""A task queue as its checks see it: the verbs of the contract, and what is waited for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from grader import (
    CheckFailure,
    Condition,
    Contract,
    Deadline,
    DeadlineError,
    HTTPSubject,
    QueueMissingError,
    QueueSubject,
    arrived,
    contract,
    eventually,
    holds,
    sharing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from grader import Environment, Held


class Terms(Contract, frozen=True):
    """What the handout fixes; times are seconds."""

    tasks: str
    results: str
    dead: str
    most_deliveries: int
    dead_within_s: float
    recovery_s: float
    stop_within_s: float


TERMS = contract(Terms)
TASKS, RESULTS, DEAD = TERMS.tasks, TERMS.results, TERMS.dead
REPLICAS = 3
REPORT_S = 30.0
BATCH_S = 5.0
BEHIND_POISON_S = 30.0
SLACK_S = 15.0  # what a loaded machine may add to a bound of the contract


def reported(*ids: str) -> Condition:
    """Each of the tasks is reported."""
    return arrived(RESULTS, *ids)


def buried(*subjects: str) -> Condition:
    """Each of the messages lies in the queue of the dead."""
    return arrived(DEAD, *subjects)


class TaskQueue(QueueSubject, HTTPSubject):
    """The submission as a task queue: submit, send, hold, look who works."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment, (RESULTS, DEAD))
        self.able = self.replicas("worker", REPLICAS)  # how many workers can be expected to work
        self._met = False

    # -- sending

    def bodies(self, word: str, count: int = 1, ms: int = 100, **more: Any) -> list[dict[str, Any]]:
        """Make tasks."""
        return [{"id": i, "duration_ms": ms, **more} for i in self.ids.several(word, count)]

    def send(self, word: str, count: int = 1, ms: int = 100, **more: Any) -> tuple[str, ...]:
        """Publish new tasks straight to the queue; return their ids."""
        return self.rabbitmq.publish(TASKS, *self.bodies(word, count, ms, **more))

    def submit(self, *bodies: dict[str, Any]) -> list[str]:
        """Send tasks through the API, which must accept each; return their ids."""
        for body in bodies:
            answer = self.http("api").post("/tasks", body, subject=body["id"])
            if not answer.accepted:
                self.once("accept", self.failure("task-not-accepted", answer=answer.summary()))
        return [body["id"] for body in bodies]

    def accepted(self, *bodies: dict[str, Any], within: float = 10.0) -> list[str]:
        """Send tasks through the API where it does its part; return the ids of those that it accepted."""
        with contextlib.suppress(CheckFailure):
            api = self.http("api")
            return [b["id"] for b in bodies if api.post("/tasks", b, within=within, subject=b["id"]).accepted]
        return []

    # -- who has a task

    def held_back(self) -> AbstractContextManager[Held]:
        """Keep what arrives in the queue from the workers while the block runs."""
        return self.held(TASKS, refused="share.replicas")

    def worker_with(self, task: str) -> str:
        """Wait until a worker has got a task; return the worker."""
        return self.holder(TASKS, task, within=REPORT_S, otherwise="task-not-done/not-taken")

    def waiting(self) -> set[str]:
        """Stop the workers and return the subjects that wait in the queue then; the next check resets."""
        return self.left_in(TASKS, "worker")

    def workers(self, within: float) -> set[str]:
        """Send short tasks until each able worker has reported one; return the names that did by the deadline."""
        deadline, since = Deadline(within), self.now()
        names: set[str] = set()
        sent: list[str] = []
        there = holds(lambda: self.declared(TASKS) or self.environment.gone_for_good("api", "worker"))
        while len(names) < self.able and not deadline.passed() and not self.environment.gone_for_good("worker"):
            try:
                sent += self.send("ready", 2 * REPLICAS)
            except QueueMissingError:
                if self.wait(there, deadline.left(), every=0.2) or not self.declared(TASKS):
                    break
                continue
            self.wait(reported(*sent), min(BATCH_S, deadline.left()), since=since)
            names = set(sharing.workers_of(self.history(since), sent, RESULTS).values())
        return names

    def judge_bad(self, bodies: Iterable[bytes], good: Iterable[str], since: float, *, done: str) -> None:
        """Judge messages that must be put aside, and the good tasks behind them; done: the reason of a reported one."""
        self.judge_put_aside(
            bodies, good, since, results=RESULTS, dead=DEAD, most_deliveries=TERMS.most_deliveries,
            within=TERMS.dead_within_s + SLACK_S, behind=BEHIND_POISON_S, done=done,
        )  # fmt: skip

    # -- state between checks

    def prove(self) -> None:
        """Fail unless all able workers work.

        That some of them never do is for `share.replicas` to say, and does not keep the others from being judged. That
        nobody works fails one check, and the others wait for that one.
        """
        names = self.workers(self.patience(TERMS.recovery_s)) if self.able else set()
        if not self._met:
            self.able, self._met = len(names), True
        if names and len(names) >= self.able:
            return
        if not names and not self.declared(TASKS) and not self.environment.gone_for_good("api", "worker"):
            self.once("workers", QueueMissingError(TASKS))
        self.once(
            "workers", self.failure("task-not-done/nobody", wanted=self.able or REPLICAS, n=len(names), ids=names)
        )

    def clean(self) -> None:
        """Restart workers and API with an empty queue."""
        if self.rabbitmq.ready():
            with self.faults.all_killed("worker", "api"):
                self.rabbitmq.purge(TASKS)
                self.firehose.renew()
            # An API that does not come back is for those checks to say that need one.
            with contextlib.suppress(DeadlineError, CheckFailure):
                eventually(self.http("api").healthy, within=TERMS.recovery_s, every=0.2, what="api")


@pytest.fixture(scope="session")
def queue(environment: Environment) -> TaskQueue:
    """The task queue, observed, in whatever state it is."""
    return TaskQueue(environment)


@pytest.fixture
def tasks(queue: TaskQueue) -> TaskQueue:
    """The task queue with all its workers at work and nothing left over."""
    queue.working()
    return queue
