"""Assignments and results to try a class with; no Docker behind them, and nothing that judges."""

from __future__ import annotations

from grader import scoring
from grader.batch.run import summary_of
from grader.model.assignment import Assignment, CheckSpec
from grader.model.classroom import Entry, Summary
from grader.model.grade import Result
from grader.model.outcome import Outcome
from grader.model.text import Bilingual

TEXT = Bilingual(es="Título", en="Title")


def assignment(checks: int = 4) -> Assignment:
    """An assignment whose checks share 100 points."""
    specs = tuple(
        CheckSpec(id=f"c{i}", title=TEXT, requirement=TEXT, points=100 // checks, level="core", visibility="public")
        for i in range(checks)
    )
    return Assignment(id="tarea", title=TEXT, services=(), checks=specs)


def result(passed: int, *, of: Assignment | None = None, verdict: str = "failed", reason: str = "no-answer") -> Result:
    """A result whose first checks passed and whose others ended with `verdict`."""
    of = of or assignment()
    outcomes = tuple(
        Outcome(check=s.id, verdict="passed") if i < passed else Outcome(check=s.id, verdict=verdict, reason=reason)  # type: ignore[arg-type]
        for i, s in enumerate(of.checks)
    )
    return Result(
        assignment=of,
        submission="s",
        grade=scoring.grade(of, outcomes, rejected=reason == "submission-refused"),
        outcomes=outcomes,
        findings=(),
        stages={"checks": 1.0},
        images=(),
        versions={"grader": "0"},
        seed=1,
        started_at="2026-11-24T10:00:00+00:00",
    )


def summary(passed: int, **changes: str) -> Summary:
    """The summary of such a result."""
    return summary_of(result(passed, **changes), seconds=2.0, host="h", tries=1)  # type: ignore[arg-type]


def entry(student: str, attempt: int = 1, **more: object) -> Entry:
    """An entry that was handed in."""
    return Entry(student=student, attempt=attempt, **{"source": f"/class/{student}", **more})  # type: ignore[arg-type]
