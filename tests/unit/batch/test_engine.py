"""What counts as a try, and what a class does with gradings that nobody could end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.batch import engine, worker
from grader.batch.cluster import Cluster
from grader.batch.engine import Ended, Engine, Retries
from grader.batch.events import BatchEvent, TriedAgain
from grader.batch.job import Done, Job, Terms
from grader.batch.place import Place
from grader.model.assignment import Weight
from tests.unit.batch.results import result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TERMS = Terms(batch="b", assignment="a", grader="g", rubric="r", weight=Weight())
JOB = Job(terms=TERMS, content="c", name="n", data=b"")
STOOD = Done(result=None, host="h", seconds=1.0, stood_s=350.0)
RIGHT = Done(result=result(4), host="h", seconds=1.0)
WRONG = Done(result=None, host="h", seconds=1.0, output="it broke")


@pytest.fixture
def graded(
    socket_enabled: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[list[Ended], list[TriedAgain]]]:
    """Run one job whose gradings end so, one after the other, and return its end and what was tried again."""

    def run(*ends: Done) -> tuple[list[Ended], list[TriedAgain]]:
        left: Iterator[Done] = iter(ends)
        heard: list[BatchEvent] = []
        fit = worker.Fitness(host="h", memory_mib=100_000, cpus=64)
        monkeypatch.setattr(worker, "fitness", lambda _terms: fit)
        monkeypatch.setattr(worker, "run", lambda _job, _tell: next(left))
        with Cluster(Place(), TERMS, heard.append) as cluster:
            ended = list(Engine(cluster, heard.append, Retries((0.0, 0.0))).run([JOB]))
        assert next(left, None) is None
        return ended, [event for event in heard if isinstance(event, TriedAgain)]

    return run


def test_a_grading_that_was_slept_through_is_no_try(graded) -> None:
    """Only errors of ours use tries up."""
    (ended,), again = graded(WRONG, STOOD, STOOD, WRONG, STOOD, RIGHT)
    assert (ended.tries, ended.aside) == (3, None)
    assert ended.done.result == RIGHT.result
    assert [event.stood_s for event in again] == [0, 350, 350, 0, 350]


def test_errors_of_ours_are_tried_again_twice(graded) -> None:
    """Then the last one is reported."""
    (ended,), again = graded(WRONG, WRONG, WRONG)
    assert (ended.tries, ended.done.output, len(again)) == (3, "it broke", 2)


def test_a_machine_that_never_stays_awake_ends_all_the_same(graded) -> None:
    """The submission is set aside with the reason."""
    (ended,), _ = graded(*[STOOD] * (engine._INTERRUPTIONS + 3))
    assert ended.done.result is None
    assert ended.tries == 3
    assert ended.aside is not None
    assert "stood still" in ended.aside.msgid
