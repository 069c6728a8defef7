"""The gradebook as CSV: for people and spreadsheets, and as the import files of Moodle and Canvas.

`plain` has a row for every student; what was not graded is blank.

`moodle` is read by two importers. The assignment's "Upload grading worksheet" finds its columns by their names in the
language of whoever uploads ("Identifier", "Grade" and "Last modified (grade)" must be there, "Feedback comments" may),
so each stands here in English and in Spanish; it ignores columns that it does not know. "Participant 123" names a
student: the number is in the names of downloaded submissions. A grade that was changed in Moodle after the time in
"Last modified (grade)" is kept, so that column holds the gradebook's own time. The gradebook's "Import: CSV file" asks
which column means what; there "Email address" names the student, or "Username": the name of a plain folder, which has
no number of Moodle's, and is a user name or an ID number as the column is mapped. Feedback is HTML for Moodle, so it
is escaped.

`canvas` is read by the gradebook's "Import". It wants the columns Student, ID, SIS User ID, SIS Login ID and Section in
this order, then one column an assignment, whose name is its title or "Title (id)" with the number in its address. The
row "Points Possible" sets the points of the assignment. A student is found by ID (which downloaded submissions have in
their names), else by SIS Login ID (here the e-mail address, else what a plain folder is called), else by name (that of
the folder too, where nothing else is known). "EX" excuses.

Both importers take a blank for an order to empty what is there, so whoever has no settled grade (missing, provisional)
has no row in their files and keeps in Moodle or Canvas what stands there; nor has one who is excused in Moodle, which
knows no such mark.

Numbers have a decimal point. Files are UTF-8; `plain` and `moodle` begin with a byte order mark, without which Excel
garbles accents, and which Moodle drops. Canvas would stumble over one before a quoted cell.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from grader import atomic, untrusted
from grader.presentation import limits
from grader.presentation.class_stats import max_score, row_max, settled
from grader.presentation.words import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grader.model.classroom import Gradebook, Row

Dialect = Literal["plain", "moodle", "canvas"]
Cell = str | int | float
DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)

PLAIN: Final = (
    *("student", "name", "email", "attempt", "submitted_at", "late", "score", "max_score", "bonus", "status"),
    *("comment", "graded_at", "report"),
)
_CHECKS_AFTER: Final = PLAIN.index("status") + 1
MOODLE: Final = (
    *("Identifier", "Identificador", "Full name", "Email address", "Username", "Status"),
    *("Grade", "Calificación", "Maximum Grade", "Last modified (grade)", "Última modificación (calificación)"),
    *("Feedback comments", "Comentarios de retroalimentación"),
)
CANVAS: Final = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
BOM: Final = b"\xef\xbb\xbf"  # without it Excel garbles accents
_NUMBER: Final = re.compile(r"(?:Participante? ?)?(\d{1,18})", re.ASCII)


def write(book: Gradebook, path: Path, dialect: Dialect, *, lang: str = "es", column: str = "") -> None:
    """Write `book` to `path` in one step. Raises OSError.

    lang: of comments and of the assignment's title. column: the name of the assignment's column for Canvas, best with
    its number ("Tarea 3 (4711)"); its title in `lang` if not given.
    """
    rows = {"plain": _plain, "moodle": _moodle, "canvas": _canvas}[dialect]
    name = column or book.assignment.title.in_language(lang)
    text = "".join(untrusted.csv_line(cells) for cells in rows(book, lang, name))
    atomic.write(path, (b"" if dialect == "canvas" else BOM) + text.encode("utf-8", "replace"))


def plain_header(checks: Sequence[str]) -> list[str]:
    """Return the columns of the plain form with those of the checks where they belong."""
    return [*PLAIN[:_CHECKS_AFTER], *checks, *PLAIN[_CHECKS_AFTER:]]


def remarks(row: Row, lang: str, extra: Path | None = None) -> tuple[str, ...]:
    """Return what a row's reader should know: why the score was changed and by how much, and the comment."""
    changes = [f"{untrusted.rendered(a.why, lang, extra)[: limits.WHY]} ({_signed(a.points)})" for a in row.adjustments]
    return (*changes, *([row.comment.strip()] if row.comment.strip() else []))


def _plain(book: Gradebook, lang: str, _name: str) -> Iterator[list[Cell]]:
    checks = [spec.id for spec in book.assignment.checks]
    yield [*plain_header(checks)]
    for row in book.rows:
        entry, summary = row.entry, row.summary
        graded = settled(row) or row.state == "provisional"
        marks = summary.checks if summary else {}
        yield [
            entry.student,
            entry.name,
            entry.email,
            entry.attempt if entry.source else "",
            entry.submitted_at,
            "yes" if entry.late else "no",
            number(row.score) if graded else "",
            row_max(row, book.assignment),
            summary.bonus if summary else "",
            row.state,
            *(marks[check].points if check in marks else "" for check in checks),
            "; ".join(remarks(row, lang, _extra(book))),
            summary.started_at if summary else "",
            row.report,
        ]


def _moodle(book: Gradebook, lang: str, _name: str) -> Iterator[list[Cell]]:
    yield list(MOODLE)
    for row in book.rows:
        if not settled(row):
            continue
        participant = _id(row, "moodle")
        grade = number(row.score)
        feedback = html.escape("\n".join(remarks(row, lang, _extra(book))), quote=False).replace("\n", "<br>")
        yield [
            # Moodle cuts off as many letters as its word for participant has, in some languages with the space
            f"Participant {participant}" if participant else "",
            f"Participante {participant}" if participant else "",
            row.entry.name,
            row.entry.email,
            row.entry.ids.get("folder", ""),
            row.state,
            grade,
            grade,
            row_max(row, book.assignment),
            book.made_at,
            book.made_at,
            feedback,
            feedback,
        ]


def _canvas(book: Gradebook, _lang: str, name: str) -> Iterator[list[Cell]]:
    maximum = max((row_max(row, book.assignment) for row in book.rows), default=max_score(book.assignment))
    yield [*CANVAS, untrusted.one_line(name, limit=limits.NAME)]
    yield ["    Points Possible", "", "", "", "", maximum]
    for row in book.rows:
        excused = row.state == "excused"
        if not excused and not settled(row):
            continue
        entry = row.entry
        yield [
            entry.name or entry.student,
            _id(row, "canvas"),
            "",
            entry.email or entry.ids.get("folder", ""),
            "",
            "EX" if excused else number(row.score),
        ]


def by_folder(book: Gradebook) -> bool:
    """Say whether somebody is known to Moodle's and Canvas's importers by the name of a folder alone."""
    return any("folder" in r.entry.ids and not r.entry.email and not _id(r, "moodle") for r in book.rows)


def _id(row: Row, platform: str) -> str:
    """Return the platform's number of a student, "" when it is none: a file name is all that says so."""
    match = _NUMBER.fullmatch(row.entry.ids.get(platform, "").strip())
    return match.group(1) if match else ""


def _extra(book: Gradebook) -> Path | None:
    return Path(book.assignment.directory) if book.assignment.directory else None


def _signed(points: float) -> str:
    return f"{number(points):+}"
