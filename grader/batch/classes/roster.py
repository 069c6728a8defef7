"""A roster: a CSV file that names the students of a class, and where each one's submission is."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from grader.batch.classes import columns
from grader.batch.classes.identifiers import Identifiers, full, slug
from grader.batch.classes.table import records, wrong
from grader.errors import UsageError
from grader.intake import is_address, names
from grader.model.classroom import Entry
from grader.model.text import msg
from grader.untrusted import one_line

if TYPE_CHECKING:
    from pathlib import Path

_ATTEMPTS = 1000
_PARTICIPANT = re.compile(r"particip\w*?\s*(\d+)", re.IGNORECASE)  # in Moodle's grading worksheet, in any language
_POINTS = re.compile(r"\s*(points possible|puntos posibles)", re.IGNORECASE)
_TEST = frozenset({"student, test", "test student"})
_YES = frozenset({"yes", "y", "true", "1", "x", "si", "sí", "s", "verdadero", "late", "tarde"})
_NO = frozenset({"", "no", "n", "false", "0", "falso"})


class RosterRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a roster, its values checked. line: where it begins, from 1. source: absolute path, address or "".

    login: another name that the platform knows the student by. repository: in which several work where they are a
    group. nobody: the platform's own test student.
    """

    line: int
    student: str
    name: str = ""
    email: str = ""
    source: str = ""
    attempt: int = 1
    submitted_at: str = ""
    late: bool = False
    github: str = ""
    moodle: str = ""
    canvas: str = ""
    login: str = ""
    repository: str = ""
    nobody: bool = False


def read(path: Path, *, alone: bool = False) -> list[RosterRow]:
    """Return the rows of a roster, in its order; raises UsageError with the line that is wrong, and what it wants.

    alone: it is the class itself, and does not lie beside one.
    """
    lines = records(path)
    at, header = next(lines, (1, []))
    if columns.repeated(header):
        wrong(
            path,
            at,
            msg("%(file)s, line %(line)d: the column %(name)s is there twice.", name=columns.repeated(header)),
        )
    if alone and columns.of_classroom_grades(header):
        wrong(
            path,
            at,
            msg(
                "%(file)s is GitHub Classroom's grade export, which holds no submissions: clone them (gh classroom "
                "clone student-repos), name their folder as the class, and this file by --roster.",
            ),
        )
    places = columns.placed(header)
    if not places.keys() & {"student", "canvas", "last"}:
        wrong(
            path,
            at,
            msg(
                "%(file)s, line %(line)d: no column is called `student`. Expected is a line of headings, for example: "
                "%(example)s",
                example="student,name,email,source",
            ),
        )
    rows: list[RosterRow] = []
    seen: dict[tuple[str, int], int] = {}
    for line, cells in lines:
        if len(cells) > len(header):
            wrong(
                path,
                line,
                msg(
                    "%(file)s, line %(line)d: %(count)d cells, but %(limit)d headings. Put a cell that holds the "
                    "separator in double quotes.",
                    count=len(cells),
                    limit=len(header),
                ),
            )
        row = _row(path, line, {m: cells[p].strip() if p < len(cells) else "" for m, p in places.items()})
        if row is None:
            continue
        first = seen.setdefault((names.key((row.student,)), row.attempt), line)
        if first != line:
            raise UsageError(
                msg(
                    "%(file)s, lines %(first)d and %(line)d: attempt %(attempt)d of %(student)s is there twice. Number "
                    "the attempts in a column `attempt`, or remove one of the lines.",
                    file=names.shown(path.name), first=first, line=line, attempt=row.attempt, student=row.student,
                )
            )  # fmt: skip
        rows.append(row)
    return rows


def entries(rows: list[RosterRow], path: Path) -> list[Entry]:
    """Return the class that a roster is, students in its order and each one's attempts from the first."""
    rows = [row for row in rows if not row.nobody]
    if not rows:
        wrong(path, 2, msg("%(file)s, line %(line)d: no student follows the line of headings."))
    identifiers = Identifiers()
    students: dict[str, list[RosterRow]] = {}
    for row in rows:
        students.setdefault(names.key((row.student,)), []).append(row)
    found = []
    for attempts in students.values():
        student = identifiers.give(attempts[0].student)
        found += [entry(row, student) for row in sorted(attempts, key=lambda r: r.attempt)]
    return found


def entry(row: RosterRow, student: str) -> Entry:
    """Return what a row says as an entry of a class."""
    name = row.name or ("" if row.student == student else row.student)
    return Entry(
        student=student, name=name, email=row.email, source=row.source, attempt=row.attempt,
        submitted_at=row.submitted_at, late=row.late, ids=ids(row),
    )  # fmt: skip


def ids(row: RosterRow) -> dict[str, str]:
    """Return the platforms' ids that a row knows."""
    found = (("github", row.github), ("moodle", row.moodle), ("canvas", row.canvas))
    return {platform: own for platform, own in found if own}


def _row(path: Path, line: int, cells: dict[str, str]) -> RosterRow | None:
    """Return what a row says; None for one that is no student's, as Canvas's points of the assignments."""
    name, email = _name(cells), full(cells.get("email", ""))
    canvas, login = (full(cells.get(column, "")) for column in ("canvas", "login"))
    if "canvas" in cells and not canvas and (not name or _POINTS.match(name)):
        return None
    student = full(cells.get("student", ""))
    if not student and {"canvas", "last"} & cells.keys():  # platforms leave the number of many empty
        student = f"{slug(name)[:60]}-{canvas}" if canvas else email or name
    if not student:
        wrong(path, line, msg("%(file)s, line %(line)d: the student is missing. Fill the cell, or remove the line."))
    worksheet = _PARTICIPANT.fullmatch(student)
    if worksheet and name:  # as in the names of the download
        student = f"{slug(name)[:60]}-{worksheet[1]}"
    return RosterRow(
        line=line, student=student,
        name=name, email=email or (login if "@" in login else ""), canvas=canvas, login=login,
        nobody="canvas" in cells and _is_test(name, login), repository=full(cells.get("repository", "")),
        source=_source(path, line, cells.get("source", "")), attempt=_attempt(path, line, cells.get("attempt", "")),
        submitted_at=_time(path, line, cells.get("submitted_at", "")), late=_late(path, line, cells.get("late", "")),
        github=full(cells.get("github", "")), moodle=worksheet[1] if worksheet else "",
    )  # fmt: skip


def _name(cells: dict[str, str]) -> str:
    """Return a student's full name, which platforms also give in two columns."""
    name, first, last = (full(cells.get(column, "")) for column in ("name", "first", "last"))
    first = first or name
    whole = not last or last.casefold() in first.casefold()
    return (name or first) if whole else full(f"{first} {last}")


def _is_test(name: str, login: str) -> bool:
    """Say whether this is the student that Canvas makes for a teacher to try things with; its login is a hash."""
    return name.casefold() in _TEST or re.fullmatch(r"[0-9a-f]{40}", login) is not None


def _source(path: Path, line: int, cell: str) -> str:
    if not cell:
        return ""
    if is_address(cell):
        if not cell.lower().startswith("https://"):
            wrong(
                path,
                line,
                msg(
                    "%(file)s, line %(line)d: %(cell)s is no https address. Expected, for example: %(example)s",
                    cell=one_line(cell),
                    example="https://github.com/ana/lab",
                ),
            )
        return cell
    found = path.resolve().parent / cell
    try:
        there = found.exists()
    except (OSError, ValueError):
        there = False
    if not there:
        wrong(
            path,
            line,
            msg(
                "%(file)s, line %(line)d: there is nothing at %(cell)s. Expected is a path from the folder of this "
                "file, an https address, or an empty cell for a student who handed nothing in.",
                cell=one_line(cell),
            ),
        )
    return str(found.resolve())


def _attempt(path: Path, line: int, cell: str) -> int:
    if not cell:
        return 1
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 4 and 1 <= int(cell) <= _ATTEMPTS):
        wrong(
            path,
            line,
            msg(
                "%(file)s, line %(line)d: %(cell)s is no attempt. Expected is a number from 1 to %(limit)d.",
                cell=one_line(cell),
                limit=_ATTEMPTS,
            ),
        )
    return int(cell)


def _time(path: Path, line: int, cell: str) -> str:
    """Return a time with its offset: without one nobody could tell whether it was too late."""
    if not cell:
        return ""
    try:
        found = datetime.fromisoformat(cell)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        wrong(
            path,
            line,
            msg(
                "%(file)s, line %(line)d: %(cell)s is no time with its offset. Expected, for example: %(example)s",
                cell=one_line(cell),
                example="2026-03-31T23:59:00-03:00",
            ),
        )
    return found.isoformat()


def _late(path: Path, line: int, cell: str) -> bool:
    if cell.casefold() not in _YES | _NO:
        wrong(
            path,
            line,
            msg(
                "%(file)s, line %(line)d: %(cell)s says neither yes nor no. Write one of them, or leave the cell "
                "empty.",
                cell=one_line(cell),
            ),
        )
    return cell.casefold() in _YES
