"""From the journal to the gradebook: which attempt counts, what late costs, what the instructor says."""

from __future__ import annotations

import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Literal

import msgspec

from grader.batch import late
from grader.batch.late import LatePolicy
from grader.batch.overrides import Override
from grader.batch.similarity import pairs
from grader.model.classroom import Adjustment, Gradebook, Row
from grader.model.text import literal, msg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grader.batch.journal import Attempt, Journal
    from grader.model.assignment import Assignment
    from grader.model.classroom import Entry, Summary
    from grader.model.text import Text

Which = Literal["last", "best"]
NOTHING = Override()


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How attempts become a grade."""

    which: Which = "last"
    late: LatePolicy = LatePolicy()


def make(
    journal: Journal,
    assignment: Assignment,
    rules: Rules,
    overrides: Mapping[str, Override],
    notices: tuple[Text, ...] = (),
) -> Gradebook:
    """Return the gradebook as it stands."""
    summaries = journal.summaries()
    rows: list[Row] = []
    contents: dict[str, list[str]] = {}
    for student, attempts in groupby(journal.attempts(), key=lambda a: a.entry.student):
        row, content = _row(list(attempts), summaries, rules, overrides.get(student, NOTHING))
        rows.append(row)
        if content:
            contents.setdefault(content, []).append(student)
    return Gradebook(
        assignment=assignment,
        rows=tuple(rows),
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        notices=notices,
        similar=pairs(contents, journal.sketches()),
    )


def counting(attempts: Iterable[Attempt], which: Which) -> list[Attempt]:
    """Return the attempts that are to be graded, of one student's: the last, or all when the best counts."""
    handed_in = sorted((a for a in attempts if a.entry.source), key=lambda a: a.entry.attempt)
    return handed_in if which == "best" else handed_in[-1:]


def report_of(entry: Entry) -> str:
    """Return where an attempt's report lies, relative to the output folder."""
    return f"students/{entry.student}/{'' if entry.attempt == 1 else f'attempt-{entry.attempt}/'}report.html"


def _row(
    attempts: list[Attempt], summaries: Mapping[str, Summary], rules: Rules, override: Override
) -> tuple[Row, str]:
    """Return a student's row and the content that counts."""
    handed_in = sum(bool(a.entry.source) for a in attempts)
    found = [_judged(a, summaries, rules) for a in counting(attempts, rules.which)]
    best = max(found, key=lambda row: (row[0].score, row[0].entry.attempt), default=None)
    if best is None:
        row, content = Row(entry=attempts[-1].entry, state="missing"), ""
    else:
        row, content = best
    row = msgspec.structs.replace(row, attempts=handed_in, comment=override.comment)
    return _overridden(row, override), content


def _judged(attempt: Attempt, summaries: Mapping[str, Summary], rules: Rules) -> tuple[Row, str]:
    summary = summaries.get(attempt.content)
    if summary is None:
        return Row(entry=attempt.entry, state="provisional"), attempt.content
    cost = late.adjustment(attempt.entry, summary.score, rules.late)
    row = Row(
        entry=attempt.entry,
        state=summary.status,
        summary=summary,
        score=round(summary.score + (cost.points if cost else 0.0), 2),
        adjustments=(cost,) if cost else (),
        report=report_of(attempt.entry),
    )
    return row, attempt.content


def _overridden(row: Row, override: Override) -> Row:
    if override == NOTHING:
        return row
    if override.excuse:
        return msgspec.structs.replace(row, state="excused", overridden=True)
    if override.points is None:
        return msgspec.structs.replace(row, overridden=True)
    change = Adjustment(
        kind="override",
        points=round(override.points - row.score, 2),
        why=literal(override.comment) if override.comment else msg("set by the teacher"),
    )
    return msgspec.structs.replace(
        row,
        state="final",  # a grade that a person gave is not provisional
        score=override.points,
        adjustments=(*row.adjustments, change),
        overridden=True,
    )
