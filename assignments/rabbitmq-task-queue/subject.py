"""A task queue as its checks see it: the verbs of the contract, and what is waited for."""

from __future__ import annotations

from typing import Any

import pytest

from grader import Condition, Contract, Environment, HTTPSubject, QueueSubject, arrived, contract, either, sharing


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
DECLARERS = ("api", "worker")
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
    """The submission as a task queue: submit, send, look who works, judge what is put aside."""

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
        return self.must_accept("api", "/tasks", *bodies, otherwise="task-not-accepted")

    def accepted(self, *bodies: dict[str, Any], within: float = 10.0) -> list[str]:
        """Send tasks through the API where it does its part; return the ids of those that it accepted."""
        return self.accepted_by("api", "/tasks", *bodies, within=within)

    # -- who has a task

    def worker_with(self, task: str) -> str:
        """Wait until a worker has got a task; return the worker."""
        return self.holder(TASKS, task, within=REPORT_S, otherwise="task-not-done/not-taken")

    def workers(self, within: float) -> set[str]:
        """Send short tasks until each able worker has reported one; return the names that did by the deadline."""
        since = self.now()
        names: set[str] = set()
        sent: list[str] = []
        for deadline in self.rounds(within, "worker"):
            ready = self.publish_within(deadline.left(), TASKS, *self.bodies("ready", 2 * REPLICAS), by=DECLARERS)
            if not ready:
                break
            sent += ready
            self.wait(reported(*sent), min(BATCH_S, deadline.left()), since=since)
            names = set(sharing.workers_of(self.history(since), sent, RESULTS).values())
            if len(names) >= self.able:
                break
        return names

    # -- judging

    def judge_bad(self, bodies: list[bytes], good: tuple[str, ...], since: float, *, done: str) -> None:
        """Judge messages that must be put aside, and the good tasks behind them; done: the reason of a reported one."""
        self.disturbed()
        blocked = self.wait(either(reported(*good), buried(*good)), BEHIND_POISON_S, since=since)
        within = TERMS.dead_within_s + SLACK_S
        aside = self.put_aside(bodies, since, DEAD, most_deliveries=TERMS.most_deliveries, within=within)
        self.forbid(aside.among(self.came_to(RESULTS, since)), otherwise=done)
        self.forbid(sorted(blocked), otherwise="poison-blocks", within=int(BEHIND_POISON_S))
        self.fail_on(aside.verdict)
        self.forbid(sorted(self.came_to(DEAD, since).intersection(good)), otherwise="good-task-refused")

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
        if not names:
            self.demand_declared(TASKS, by=DECLARERS, once="workers")
        wanted = self.able or REPLICAS
        self.once("workers", self.failure("task-not-done/nobody", wanted=wanted, n=len(names), ids=names))

    def clean(self) -> None:
        """Restart workers and API with an empty queue; that the API does not come back is for its own checks to say."""
        if self.emptied(TASKS, "worker", "api"):
            self.wait_healthy("api", TERMS.recovery_s)


@pytest.fixture(scope="session")
def queue(environment: Environment) -> TaskQueue:
    """The task queue, observed, in whatever state it is."""
    return TaskQueue(environment)


@pytest.fixture
def tasks(queue: TaskQueue) -> TaskQueue:
    """The task queue with all its workers at work and nothing left over."""
    queue.working()
    return queue
