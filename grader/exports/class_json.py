"""`class.json`: a class's grades and their statistics for programs; every field is described in docs/formats.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from grader import atomic, untrusted
from grader.exports.result_json import encode
from grader.model.assignment import Level, Visibility
from grader.model.classroom import State
from grader.model.outcome import Verdict
from grader.presentation import limits
from grader.presentation.class_stats import Statistics, row_max, statistics
from grader.presentation.words import number

if TYPE_CHECKING:
    from grader.model.classroom import Gradebook, Mark, Row, Summary

SCHEMA: Final = "grader/class/v1"


class RubricEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One rubric row."""

    id: str
    title: str
    max_points: int
    level: Level
    visibility: Visibility


class MarkEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one check of one student."""

    outcome: Verdict
    reason: str
    points: int
    seconds: float


class AdjustmentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the score that no check made."""

    kind: Literal["late", "override"]
    points: float
    why: str


class StudentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One student with the attempt that counts; what only a grading tells is empty, zero or null without one."""

    student: str
    name: str
    email: str
    ids: dict[str, str]
    state: State
    score: float
    max_score: int
    bonus: int
    attempt: int
    attempts: int
    submitted_at: str
    late: bool
    checks: dict[str, MarkEntry]
    failure: str
    adjustments: tuple[AdjustmentEntry, ...]
    comment: str
    overridden: bool
    report: str
    graded_at: str
    seconds: float
    errors: int
    tries: int
    host: str
    seed: int | None


class ClassDocument(msgspec.Struct, frozen=True, kw_only=True, rename={"schema_": "schema"}):
    """The whole document."""

    schema_: Literal["grader/class/v1"]
    lang: Literal["es", "en"]
    assignment: str
    assignment_version: str
    title: str
    made_at: str
    rubric: tuple[RubricEntry, ...]
    students: tuple[StudentEntry, ...]
    statistics: Statistics
    notices: tuple[str, ...]


def document(book: Gradebook, *, lang: str = "es") -> dict[str, Any]:
    """Return the document as plain data; its texts are in `lang`."""
    built: dict[str, Any] = msgspec.json.decode(encode(_document(book, lang)))
    return built


def write(book: Gradebook, path: Path, *, lang: str = "es") -> None:
    """Write the document to `path` in one step. Raises OSError."""
    atomic.write(path, msgspec.json.format(encode(_document(book, lang)), indent=1) + b"\n")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document, made from its types."""
    schema = msgspec.json.schema(ClassDocument)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


def _document(book: Gradebook, lang: str) -> ClassDocument:
    assignment = book.assignment
    extra = Path(assignment.directory) if assignment.directory else None
    return ClassDocument(
        schema_=SCHEMA,
        lang="en" if lang == "en" else "es",
        assignment=assignment.id,
        assignment_version=assignment.version,
        title=assignment.title.in_language(lang),
        made_at=untrusted.one_line(book.made_at, limit=limits.MOMENT),
        rubric=tuple(
            RubricEntry(
                id=spec.id,
                title=spec.title.in_language(lang),
                max_points=spec.points,
                level=spec.level,
                visibility=spec.visibility,
            )
            for spec in assignment.checks
        ),
        students=tuple(_student(row, book, lang, extra) for row in book.rows),
        statistics=statistics(book),
        notices=tuple(untrusted.rendered(n, lang, extra) for n in book.notices[: limits.JSON_NOTICES]),
    )


def _student(row: Row, book: Gradebook, lang: str, extra: Path | None) -> StudentEntry:
    entry, summary = row.entry, row.summary
    return StudentEntry(
        student=untrusted.one_line(entry.student, limit=limits.ID),
        name=untrusted.one_line(entry.name, limit=limits.NAME),
        email=untrusted.one_line(entry.email, limit=limits.NAME),
        ids={
            untrusted.one_line(k, limit=limits.MOMENT): untrusted.one_line(v, limit=limits.ID)
            for k, v in entry.ids.items()
        },
        state=row.state,
        score=number(row.score),
        max_score=row_max(row, book.assignment),
        bonus=summary.bonus if summary else 0,
        attempt=entry.attempt,
        attempts=row.attempts,
        submitted_at=untrusted.one_line(entry.submitted_at, limit=limits.MOMENT),
        late=entry.late,
        checks=_marks(summary),
        failure=untrusted.one_line(summary.failure, limit=limits.CODE) if summary else "",
        adjustments=tuple(
            AdjustmentEntry(kind=a.kind, points=number(a.points), why=untrusted.rendered(a.why, lang, extra))
            for a in row.adjustments
        ),
        comment=untrusted.clean(row.comment),
        overridden=row.overridden,
        report=untrusted.one_line(row.report, limit=limits.PATH),
        graded_at=untrusted.one_line(summary.started_at, limit=limits.MOMENT) if summary else "",
        seconds=round(summary.seconds, 3) if summary else 0.0,
        errors=summary.errors if summary else 0,
        tries=summary.tries if summary else 0,
        host=untrusted.one_line(summary.host, limit=limits.ID) if summary else "",
        seed=summary.seed if summary else None,
    )


def _marks(summary: Summary | None) -> dict[str, MarkEntry]:
    if summary is None:
        return {}
    return {untrusted.one_line(check, limit=limits.ID): _mark(mark) for check, mark in summary.checks.items()}


def _mark(mark: Mark) -> MarkEntry:
    return MarkEntry(
        outcome=mark.verdict,
        reason=untrusted.one_line(mark.reason, limit=limits.CODE),
        points=mark.points,
        seconds=round(mark.seconds, 3),
    )
