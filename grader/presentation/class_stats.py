"""What a class's grades say: how they spread, which checks part the class, why checks fail, what needs a look. Pure."""

from __future__ import annotations

import itertools
import statistics as arithmetic
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from grader import untrusted
from grader.model.classroom import State
from grader.presentation import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grader.model.assignment import Assignment
    from grader.model.classroom import Gradebook, Mark, Row

STATES: Final[tuple[State, ...]] = ("final", "provisional", "rejected", "missing", "excused")
BINS: Final = 10
MIN_TRIED: Final = 20  # fewer students say nothing of a check's power to tell them apart


class Who(msgspec.Struct, frozen=True):
    """A student by id (who may have no name), with the path of the report, relative to the output folder."""

    student: str
    name: str = ""
    report: str = ""

    @property
    def label(self) -> str:
        """The name, or the id where none is known."""
        return self.name or self.student


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How the scores spread, in percent of the assignment's points. deviation: of the population."""

    mean: float
    median: float
    lower_quartile: float
    upper_quartile: float
    lowest: float
    highest: float
    deviation: float


class Bin(msgspec.Struct, frozen=True):
    """How many scores lie from `low` percent up to `high`, which is excluded but for the last bin."""

    low: int
    high: int
    count: int


class CheckFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One check over the class: how many gradings ended how, and what that makes.

    pass_rate: share of all that were judged, blocked ones included. difficulty: share that passed of those that tried
    (passed or failed), the item difficulty p of test theory: 1 is easy. discrimination: see `discrimination`.
    All are shares from 0 to 1 (discrimination from -1), None when nobody is left to count.
    """

    check: str
    passed: int = 0
    failed: int = 0
    blocked: int = 0
    error: int = 0
    pass_rate: float | None = None
    difficulty: float | None = None
    discrimination: float | None = None


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A reason code, how many students it met, in which checks how often, and the first of the students."""

    code: str
    count: int
    checks: dict[str, int]
    students: tuple[Who, ...]


class Slow(msgspec.Struct, frozen=True):
    """A grading and its wall time in seconds."""

    who: Who
    seconds: float


class Pair(msgspec.Struct, frozen=True):
    """Two submissions that are nearly the same; share: of their contents, 0 to 1."""

    first: Who
    second: Who
    share: float


class Statistics(msgspec.Struct, frozen=True, kw_only=True, rename={"similar": "alike"}):
    """Everything that is counted over a class.

    states: students by state. settled: how many scores `spread` and `bins` are made from (see `settled`).
    checks: in the rubric's order. causes: of failed checks, most frequent first. failures: what kept all checks from
    running. changed: students whose score or row is not as it was graded, overridden: those that the instructor
    changed. median_seconds: of a grading. unsettled: whose grade is provisional.
    """

    students: int
    states: dict[State, int]
    settled: int
    late: int
    changed: int
    overridden: int
    spread: Spread | None
    bins: tuple[Bin, ...]
    checks: tuple[CheckFigures, ...]
    causes: tuple[Cause, ...]
    failures: tuple[Cause, ...]
    slowest: tuple[Slow, ...]
    median_seconds: float
    unsettled: tuple[Who, ...]
    missing: tuple[Who, ...]
    similar: tuple[Pair, ...]


def statistics(book: Gradebook) -> Statistics:
    """Return the figures of `book`; every name and code in them is cleaned and capped, none escaped."""
    percents = [percent(row, book.assignment) for row in book.rows if settled(row)]
    times = [row.summary.seconds for row in book.rows if row.summary]
    counts = Counter(row.state for row in book.rows)
    return Statistics(
        students=len(book.rows),
        states={state: counts[state] for state in STATES},
        settled=len(percents),
        late=sum(row.entry.late for row in book.rows),
        changed=sum(bool(row.adjustments or row.overridden) for row in book.rows),
        overridden=sum(row.overridden for row in book.rows),
        spread=_spread(percents),
        bins=_bins(percents),
        checks=_checks(book),
        causes=_causes(book.rows),
        failures=_failures(book.rows),
        slowest=_slowest(book.rows),
        median_seconds=arithmetic.median(times) if times else 0.0,
        unsettled=tuple(who(row) for row in book.rows if row.state == "provisional"),
        missing=tuple(who(row) for row in book.rows if row.state == "missing"),
        similar=_similar(book),
    )


def settled(row: Row) -> bool:
    """Return whether the score stands: a final or rejected submission, or a score that the instructor has set.

    A provisional grade lacks what we could not judge, so it counts in no mean and goes to no platform.
    """
    if row.state in {"final", "rejected"}:
        return True
    return row.state != "excused" and any(a.kind == "override" for a in row.adjustments)


def max_score(assignment: Assignment) -> int:
    """Return the points of all core and robust checks."""
    return sum(spec.points for spec in assignment.checks if spec.level != "bonus")


def row_max(row: Row, assignment: Assignment) -> int:
    """Return the points that a row's score is out of: what its grading tried, else the whole rubric."""
    return row.summary.max_score if row.summary and row.summary.max_score else max_score(assignment)


def percent(row: Row, assignment: Assignment) -> float:
    """Return a row's score in percent, never above 100."""
    return min(100.0, 100 * row.score / max(1, row_max(row, assignment)))


def who(row: Row) -> Who:
    """Return a row's student, cleaned."""
    return Who(
        student=untrusted.one_line(row.entry.student, limit=limits.LABEL),
        name=untrusted.one_line(row.entry.name, limit=limits.LABEL),
        report=untrusted.one_line(row.report, limit=limits.PATH),
    )


def discrimination(check: str, marks: Sequence[dict[str, Mark]]) -> float | None:
    """Return how well `check` tells strong from weak students: -1 to 1, above 0.3 is good, below 0.1 says little.

    The corrected item-total correlation: Pearson's r between having passed this check and the points of all others
    (Henrysson, "Correction of item-total correlations in item analysis", Psychometrika 28, 1963), over those that tried
    it. The check's own points are left out, since with a dozen checks they would raise r by themselves; and r uses the
    whole class, which the upper and lower 27 % do not: that matters in a class of thirty.
    None for fewer than MIN_TRIED students, and where all passed, all failed, or all others' points are the same.
    """
    tried = [m for m in marks if check in m and m[check].verdict in {"passed", "failed"}]
    if len(tried) < MIN_TRIED:
        return None
    passed = [float(m[check].verdict == "passed") for m in tried]
    rest = [float(sum(mark.points for name, mark in m.items() if name != check)) for m in tried]
    if len(set(passed)) < 2 or len(set(rest)) < 2:
        return None
    return round(arithmetic.correlation(passed, rest), 3)


def _spread(percents: Sequence[float]) -> Spread | None:
    if not percents:
        return None
    lower, middle, upper = (
        arithmetic.quantiles(percents, n=4, method="inclusive") if len(percents) > 1 else [percents[0]] * 3
    )
    return Spread(
        mean=arithmetic.fmean(percents),
        median=middle,
        lower_quartile=lower,
        upper_quartile=upper,
        lowest=min(percents),
        highest=max(percents),
        deviation=arithmetic.pstdev(percents),
    )


def _bins(percents: Iterable[float]) -> tuple[Bin, ...]:
    width = 100 // BINS
    counts = Counter(min(BINS - 1, max(0, int(p // width))) for p in percents)
    return tuple(Bin(n * width, (n + 1) * width, counts[n]) for n in range(BINS))


def _checks(book: Gradebook) -> tuple[CheckFigures, ...]:
    marks = [row.summary.checks for row in book.rows if row.summary and row.summary.checks]
    return tuple(_figures(spec.id, marks) for spec in book.assignment.checks)


def _figures(check: str, marks: Sequence[dict[str, Mark]]) -> CheckFigures:
    counts = Counter(m[check].verdict for m in marks if check in m)
    tried = counts["passed"] + counts["failed"]
    judged = tried + counts["blocked"]
    return CheckFigures(
        check=check,
        passed=counts["passed"],
        failed=counts["failed"],
        blocked=counts["blocked"],
        error=counts["error"],
        pass_rate=counts["passed"] / judged if judged else None,
        difficulty=counts["passed"] / tried if tried else None,
        discrimination=discrimination(check, marks),
    )


def _causes(rows: Iterable[Row]) -> tuple[Cause, ...]:
    return _most_frequent(
        (row, mark.reason, check)
        for row in rows
        if row.summary
        for check, mark in row.summary.checks.items()
        if mark.verdict == "failed" and mark.reason
    )


def _failures(rows: Iterable[Row]) -> tuple[Cause, ...]:
    return _most_frequent((row, row.summary.failure, "") for row in rows if row.summary and row.summary.failure)


def _most_frequent(met: Iterable[tuple[Row, str, str]]) -> tuple[Cause, ...]:
    """Count students by reason; `met` gives (row, code, check or "") row by row."""
    students: dict[str, int] = Counter()
    named: dict[str, list[Who]] = {}
    checks: dict[str, Counter[str]] = {}
    for _, of_row in itertools.groupby(met, key=lambda m: id(m[0])):
        seen = list(of_row)
        for row, code in {m[1]: m[:2] for m in seen}.values():
            students[code] += 1
            if len(some := named.setdefault(code, [])) < limits.STUDENTS:
                some.append(who(row))
        for _, code, check in seen:
            checks.setdefault(code, Counter()).update([check] if check else [])
    ranked = sorted(students, key=lambda code: (-students[code], code))[: limits.CAUSES]
    return tuple(
        Cause(
            code=untrusted.one_line(code, limit=limits.CODE),
            count=students[code],
            checks={untrusted.one_line(c, limit=limits.ID): n for c, n in checks[code].most_common()},
            students=tuple(named[code]),
        )
        for code in ranked
    )


def _slowest(rows: Iterable[Row]) -> tuple[Slow, ...]:
    timed = [(row.summary.seconds, row) for row in rows if row.summary and row.summary.seconds > 0]
    timed.sort(key=lambda pair: -pair[0])
    return tuple(Slow(who(row), round(seconds, 1)) for seconds, row in timed[: limits.SLOWEST])


def _similar(book: Gradebook) -> tuple[Pair, ...]:
    by_student = {row.entry.student: row for row in book.rows}

    def one(student: str) -> Who:
        row = by_student.get(student)
        return who(row) if row else Who(untrusted.one_line(student, limit=limits.LABEL))

    pairs = sorted(book.similar, key=lambda a: (-a.share, a.students))[: limits.SIMILAR]
    return tuple(Pair(one(a.students[0]), one(a.students[1]), a.share) for a in pairs)
