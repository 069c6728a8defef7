"""Points, status and exit code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.model.assignment import Assignment, CheckSpec
from grader.model.outcome import Outcome, Verdict
from grader.model.text import Bilingual
from grader.scoring import exit_code, grade

WORDS = Bilingual("", "")
ROWS = (("a", 60, "core"), ("b", 40, "robust"), ("c", 10, "bonus"))
ASSIGNMENT = Assignment(
    id="x",
    title=WORDS,
    services=(),
    checks=tuple(
        CheckSpec(id=i, title=WORDS, requirement=WORDS, points=p, level=level, visibility="public")  # type: ignore[arg-type]
        for i, p, level in ROWS
    ),
)


def outcomes(*verdicts: Verdict) -> list[Outcome]:
    """Give the checks these verdicts in rubric order."""
    return [Outcome(check=row[0], verdict=v) for row, v in zip(ROWS, verdicts, strict=False)]


@pytest.mark.parametrize(
    ("verdicts", "score", "bonus", "status", "code"),
    [
        (("passed", "passed", "passed"), 100, 10, "final", 0),
        (("passed", "passed", "failed"), 100, 0, "final", 0),
        (("passed", "passed", "blocked"), 100, 0, "final", 0),
        (("failed", "passed", "passed"), 40, 10, "final", 1),
        (("passed", "blocked", "passed"), 60, 10, "final", 1),
        (("passed", "error", "passed"), 60, 10, "provisional", 3),
        (("failed", "error", "failed"), 0, 0, "provisional", 3),
        (("passed", "passed", "error"), 100, 0, "provisional", 3),
        (("passed", "passed"), 100, 0, "provisional", 3),
    ],
)
def test_grade(verdicts: tuple[Verdict, ...], score: int, bonus: int, status: str, code: int) -> None:
    """Core and robust make the score; an error of ours outweighs a failure; a bonus never costs."""
    given_outcomes = outcomes(*verdicts)
    result = grade(ASSIGNMENT, given_outcomes)
    assert (score, 100, bonus, 10, status) == (
        result.score,
        result.max_score,
        result.bonus,
        result.max_bonus,
        result.status,
    )
    assert code == exit_code(result, given_outcomes)


def test_refused_submission_has_no_points_and_code_4() -> None:
    """Rejected comes before provisional and failed."""
    refused = outcomes("passed", "error", "failed")
    result = grade(ASSIGNMENT, refused, rejected=True)
    assert (result.status, result.score, set(result.points.values())) == ("rejected", 0, {0})
    assert exit_code(result, refused) == 4


@pytest.mark.parametrize("checks", [("a", "a"), ("a", "unknown")])
def test_outcomes_must_match_the_rubric(checks: tuple[str, str]) -> None:
    """Two outcomes for one check, or one for no check, are a mistake of ours."""
    with pytest.raises(ValueError, match="rubric"):
        grade(ASSIGNMENT, [Outcome(check=c, verdict="passed") for c in checks])


@given(st.tuples(*[st.sampled_from(["passed", "failed", "blocked", "error"])] * 3))
def test_points_add_up(verdicts: tuple[Verdict, ...]) -> None:
    """Score and bonus are the points of the rows; only passed rows have any."""
    result = grade(ASSIGNMENT, outcomes(*verdicts))
    assert sum(result.points.values()) == result.score + result.bonus
    assert {c for c, p in result.points.items() if p} == {
        r[0] for r, v in zip(ROWS, verdicts, strict=True) if v == "passed"
    }
