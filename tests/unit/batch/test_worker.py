"""One grading in a process of its own: whatever happens to that, the worker says what it was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from grader.batch import worker
from grader.batch.job import Job, Terms
from grader.model.assignment import Weight
from tests.unit.batch import trivial

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradings are trivial, and take some seconds."""
    for name, value in trivial.environment(tmp_path / "site").items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)


def job(deadline_s: float) -> Job:
    terms = Terms(batch="b", assignment="greeting", grader="g", rubric="r", weight=Weight(), deadline_s=deadline_s)
    return Job(terms=terms, content="c", name="n", data=b"")


def test_a_grading_comes_back_with_its_result(tmp_path: Path) -> None:
    """Its events are told meanwhile, and nothing is left on disk."""
    told: list[bytes] = []
    done = worker.run(job(120), told.append)
    assert done.result is not None
    assert (done.lost, done.stood_s, done.result.grade.score) == (False, 0, 100)
    assert b"stage-began" in told[0]
    assert list((tmp_path / "site" / "cache").glob("*job*")) == []


def test_a_grading_over_its_deadline_is_ended(tmp_path: Path) -> None:
    """It is lost, and nobody's result."""
    done = worker.run(job(0.2), lambda _line: None)
    assert (done.result, done.lost, done.stood_s) == (None, True, 0)
