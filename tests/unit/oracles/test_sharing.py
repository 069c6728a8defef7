"""The sharing oracles on hand-written histories."""

from __future__ import annotations

from grader.model.history import Event, History
from grader.oracles import sharing
from tests.unit.oracles.test_delivery import delivered, published


def report(at: float, subject: str, worker: str) -> Event:
    event = published(at, subject, "results")
    event.data["fields"] = {"worker": worker}
    return event


def test_one_task_at_a_time_is_no_hoarding() -> None:
    """The next delivery follows the result of the one before."""
    first = (delivered(1, "a", "worker-1"), delivered(1, "b", "worker-2"))
    history = History((*first, report(2, "a", "w1"), delivered(2, "c", "worker-1")))
    assert sharing.hoarding(history, ["a", "b", "c"], "tasks", "results", most=1) is None


def test_two_unfinished_tasks_are_hoarding() -> None:
    """Prefetch is missing."""
    history = History((delivered(1, "a", "worker-1"), delivered(1, "b", "worker-1")))
    violation = sharing.hoarding(history, ["a", "b"], "tasks", "results", most=1)
    assert violation is not None
    assert violation.code == "prefetch-missing"
    assert violation.subjects == ("worker-1",)


def shared(*events: Event, tasks: int = 3, replicas: int = 3) -> str | None:
    subjects = [f"t{n}" for n in range(tasks)]
    violation = sharing.unshared(History(events), subjects, "results", replicas=replicas)
    return violation and violation.code


def test_each_task_by_one_of_three_passes() -> None:
    """The right answer."""
    events = [e for n in range(3) for e in (delivered(n, f"t{n}", f"worker-{n}"), report(n + 0.5, f"t{n}", f"w{n}"))]
    assert shared(*events) is None


def test_two_of_three_is_not_shared() -> None:
    """A replica that does nothing."""
    events = [
        e for n in range(3) for e in (delivered(n, f"t{n}", f"worker-{n % 2}"), report(n + 0.5, f"t{n}", f"w{n % 2}"))
    ]
    assert shared(*events) == "work-not-shared"


def test_everybody_does_everything_is_not_shared() -> None:
    """A queue for each worker: all get each task."""
    events = [
        e
        for n in range(3)
        for w in range(3)
        for e in (delivered(n, f"t{n}", f"worker-{w}"), report(n + 0.5, f"t{n}", f"w{w}"))
    ]
    assert shared(*events) == "work-not-shared"


def test_replicas_that_all_use_one_name_are_not_told_apart() -> None:
    """The name of the worker must be the replica's own."""
    events = [e for n in range(3) for e in (delivered(n, f"t{n}", f"worker-{n}"), report(n + 0.5, f"t{n}", "worker"))]
    assert shared(*events) == "work-not-shared"
