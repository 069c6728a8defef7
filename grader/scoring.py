"""From outcomes and rubric to a grade: pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model.grade import Grade, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.model.assignment import Assignment
    from grader.model.outcome import Outcome

EXIT_PASSED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_PROVISIONAL = 3
EXIT_REFUSED = 4


def grade(assignment: Assignment, outcomes: Sequence[Outcome], *, rejected: bool = False) -> Grade:
    """Return the grade: core and robust points make the score, bonus points stand apart.

    A check gives all of its points or none. The status is "rejected" when the submission was refused, "provisional"
    when an outcome is an error or a rubric row has no outcome (what was not judged has not failed), else "final".
    Raises ValueError on two outcomes for one check, or one for a check that the rubric does not have.
    """
    by_check = {o.check: o for o in outcomes}
    unknown = by_check.keys() - {spec.id for spec in assignment.checks}
    if unknown or len(by_check) != len(outcomes):
        msg = f"outcomes do not match the rubric: {sorted(unknown) or 'two for one check'}"
        raise ValueError(msg)
    passed = {spec.id: not rejected and _passed(by_check.get(spec.id)) for spec in assignment.checks}
    points = {spec.id: spec.points if passed[spec.id] else 0 for spec in assignment.checks}
    bonus = {spec.id for spec in assignment.checks if spec.level == "bonus"}
    return Grade(
        status=_status(assignment, by_check, rejected=rejected),
        score=sum(p for check, p in points.items() if check not in bonus),
        max_score=sum(s.points for s in assignment.checks if s.id not in bonus),
        bonus=sum(p for check, p in points.items() if check in bonus),
        max_bonus=sum(s.points for s in assignment.checks if s.id in bonus),
        points=points,
    )


def exit_code(grade: Grade, outcomes: Sequence[Outcome]) -> int:
    """Return 4 refused, 3 provisional, 1 something of core or robust did not pass, 0 otherwise, in this precedence.

    A failed bonus check leaves 0. Usage errors (2) never reach a grade. Every core and robust row is worth at least
    one point (the loader demands it), so a score below the maximum is a check that did not pass.
    """
    if grade.status == "rejected":
        return EXIT_REFUSED
    if grade.status == "provisional" or any(o.verdict == "error" for o in outcomes):
        return EXIT_PROVISIONAL
    return EXIT_FAILED if grade.score < grade.max_score else EXIT_PASSED


def _passed(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.verdict == "passed"


def _status(assignment: Assignment, by_check: dict[str, Outcome], *, rejected: bool) -> Status:
    if rejected:
        return "rejected"
    judged = all(spec.id in by_check and by_check[spec.id].verdict != "error" for spec in assignment.checks)
    return "final" if judged else "provisional"
