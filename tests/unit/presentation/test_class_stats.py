"""The figures of a class: what is counted, what is left out, and that they are what the definitions say."""

from __future__ import annotations

import pytest

from grader.model.classroom import Mark
from grader.presentation import class_stats, limits
from tests.unit.reports import class_builders as classes


def test_a_small_class_is_counted_by_state() -> None:
    """Every student is in one state; late and changed rows stand apart."""
    figures = class_stats.statistics(classes.small())
    assert figures.students == 7
    assert figures.states == {"final": 3, "provisional": 1, "rejected": 1, "missing": 1, "excused": 1}
    assert (figures.late, figures.changed, figures.overridden) == (1, 2, 1)
    assert [w.student for w in figures.unsettled] == ["carla"]
    assert [w.label for w in figures.missing] == ["Elena Ruiz"]


def test_only_grades_that_stand_are_averaged() -> None:
    """100, 80 and 85.5 and the rejected 0; neither the provisional one, nor who is missing or excused."""
    figures = class_stats.statistics(classes.small())
    assert figures.spread is not None
    assert figures.settled == 4
    assert figures.spread.mean == pytest.approx((100 + 80 + 85.5 + 0) / 4)
    assert (figures.spread.lowest, figures.spread.median, figures.spread.highest) == (0, 82.75, 100)
    assert [(b.low, b.count) for b in figures.bins if b.count] == [(0, 1), (80, 2), (90, 1)]
    assert sum(b.count for b in figures.bins) == figures.settled


def test_a_missing_student_with_a_score_by_hand_counts() -> None:
    """What the instructor has set stands, whatever was handed in; who is excused has no score."""
    missing = classes.small().rows[4]
    by_hand = {"score": 60.0, "adjustments": (classes.OVERRIDE,), "overridden": True}
    assert not class_stats.settled(missing)
    assert class_stats.settled(classes.row("x", state="missing", summary=None, **by_hand))
    assert class_stats.settled(classes.row("x", state="provisional", **by_hand))
    assert not class_stats.settled(classes.row("x", state="excused", **by_hand))


def test_an_empty_class_and_a_class_of_one() -> None:
    """No figure needs more students than there are."""
    empty = class_stats.statistics(classes.book())
    assert empty.spread is None
    assert empty.checks[0].pass_rate is None
    one = class_stats.statistics(classes.book(classes.row("ana")))
    assert one.spread is not None
    assert (one.spread.lower_quartile, one.spread.median, one.spread.deviation) == (100, 100, 0)


def test_blocked_checks_are_not_passed_but_not_difficult() -> None:
    """The pass rate counts who was blocked, difficulty only who tried, neither counts what we could not judge."""
    rows = (
        classes.row("a"),
        classes.row("b", {"restart.tasks": "failed"}),
        classes.row("c", {"restart.tasks": "blocked"}),
        classes.row("d", {"restart.tasks": "blocked"}),
        classes.row("e", {"restart.tasks": "error"}, state="provisional"),
    )
    figures = {f.check: f for f in class_stats.statistics(classes.book(*rows)).checks}["restart.tasks"]
    assert (figures.passed, figures.failed, figures.blocked, figures.error) == (1, 1, 2, 1)
    assert figures.pass_rate == pytest.approx(1 / 4)
    assert figures.difficulty == pytest.approx(1 / 2)


def marks(*rows: tuple[bool, int]) -> list[dict[str, Mark]]:
    """Build the marks of students: whether they passed the check x, and the points of their other check."""
    return [
        {"x": Mark(verdict="passed" if ok else "failed", points=10 * ok), "y": Mark(verdict="passed", points=rest)}
        for ok, rest in rows
    ]


def test_discrimination_tells_a_check_for_strong_students_from_one_against_them() -> None:
    """+1 where exactly the strong pass, -1 where exactly the weak do; the check's own points do not count."""
    strong = [(True, 50)] * 10
    weak = [(False, 0)] * 10
    assert class_stats.discrimination("x", marks(*strong, *weak)) == 1
    assert class_stats.discrimination("x", marks(*[(True, 0)] * 10, *[(False, 50)] * 10)) == -1
    assert class_stats.discrimination("x", marks(*strong, *[(False, 50)] * 9, (False, 40))) == pytest.approx(0.229)


def test_discrimination_is_not_made_up() -> None:
    """There is none for few students, nor where all passed or all others' points are the same."""
    few = [(True, 50)] * 9 + [(False, 0)] * 10
    assert class_stats.discrimination("x", marks(*few)) is None
    assert class_stats.discrimination("x", marks(*[(True, n) for n in range(30)])) is None
    assert class_stats.discrimination("x", marks(*[(n % 2 == 0, 5) for n in range(30)])) is None


def test_a_cause_counts_students_and_says_where() -> None:
    """Two checks that fail for one reason are one student; a start-up failure is no cause of a check."""
    rows = (
        classes.row("a", {"task.done": "failed", "restart.tasks": "failed"}),
        classes.row("b", {"task.done": "failed", "queue.durable": "failed"}),
    )
    causes = class_stats.statistics(classes.book(*rows)).causes
    assert [(c.code, c.count, c.checks) for c in causes] == [
        ("a-code-without-words", 2, {"task.done": 2, "restart.tasks": 1}),
        ("queue-not-durable", 1, {"queue.durable": 1}),
    ]
    assert [w.student for w in causes[0].students] == ["a", "b"]
    failures = class_stats.statistics(classes.small()).failures
    assert [(c.code, c.count, c.checks) for c in failures] == [("submission-refused", 1, {})]


def test_lists_are_capped_and_their_counts_are_not() -> None:
    """Of a thousand students with one mistake some are named, and all counted."""
    rows = [classes.row(f"s{n}", {"task.done": "failed"}) for n in range(1000)]
    figures = class_stats.statistics(classes.book(*rows))
    assert figures.causes[0].count == 1000
    assert len(figures.causes[0].students) == limits.STUDENTS
    assert len(figures.slowest) == limits.SLOWEST


def test_scores_of_a_shorter_run_are_percents_of_it() -> None:
    """A class that was graded with some checks only is not at the bottom of the chart."""
    short = classes.summary({})
    row = classes.row("a", summary=classes.replaced(short, max_score=20, score=20), score=20.0)
    assert class_stats.percent(row, classes.ASSIGNMENT) == 100


def test_generated_classes_add_up() -> None:
    """In a class that looks real every number is found again in the others."""
    book = classes.generated(300)
    figures = class_stats.statistics(book)
    assert sum(figures.states.values()) == figures.students == 300
    graded = sum(1 for r in book.rows if r.summary and r.summary.checks)
    assert all(c.passed + c.failed + c.blocked + c.error == graded for c in figures.checks)
    assert all(c.discrimination is None or -1 <= c.discrimination <= 1 for c in figures.checks)
    assert [s.seconds for s in figures.slowest] == sorted((s.seconds for s in figures.slowest), reverse=True)
