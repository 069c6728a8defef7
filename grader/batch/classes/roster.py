"""A roster: a CSV file that names the students of a class, and where each one's submission is."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

import msgspec

from grader.batch.classes import columns
from grader.batch.classes.identifiers import Identifiers
from grader.errors import UsageError
from grader.intake import is_address, names
from grader.model.classroom import Entry
from grader.model.text import Text, msg
from grader.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BYTES = 16 * 1024 * 1024
_ATTEMPTS = 1000
_YES = frozenset({"yes", "y", "true", "1", "x", "si", "sí", "s", "verdadero", "late", "tarde"})
_NO = frozenset({"", "no", "n", "false", "0", "falso"})


class RosterRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a roster, its values checked. line: where it begins, from 1. source: absolute path, address or ""."""

    line: int
    student: str
    name: str = ""
    email: str = ""
    source: str = ""
    attempt: int = 1
    submitted_at: str = ""
    late: bool = False
    github: str = ""


def read(path: Path) -> list[RosterRow]:
    """Return the rows of a roster, in its order; raises UsageError with the line that is wrong, and what it wants."""
    lines = _records(path)
    at, header = next(lines, (1, []))
    if columns.repeated(header):
        _wrong(
            path,
            at,
            msg("%(file)s, line %(line)d: the column %(name)s is there twice.", name=columns.repeated(header)),
        )
    places = columns.placed(header)
    if "student" not in places:
        _wrong(
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
            _wrong(
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
    if not rows:
        _wrong(path, 2, msg("%(file)s, line %(line)d: no student follows the line of headings."))
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
    name = row.name or ("" if row.student == student else one_line(row.student, limit=200))
    return Entry(
        student=student, name=name, email=row.email, source=row.source, attempt=row.attempt,
        submitted_at=row.submitted_at, late=row.late, ids={"github": row.github} if row.github else {},
    )  # fmt: skip


def _row(path: Path, line: int, cells: dict[str, str]) -> RosterRow:
    if not cells["student"]:
        _wrong(path, line, msg("%(file)s, line %(line)d: the student is missing. Fill the cell, or remove the line."))
    return RosterRow(
        line=line, student=one_line(cells["student"], limit=200),
        name=one_line(cells.get("name", ""), limit=200), email=one_line(cells.get("email", ""), limit=200),
        source=_source(path, line, cells.get("source", "")), attempt=_attempt(path, line, cells.get("attempt", "")),
        submitted_at=_time(path, line, cells.get("submitted_at", "")), late=_late(path, line, cells.get("late", "")),
        github=one_line(cells.get("github", ""), limit=200),
    )  # fmt: skip


def _source(path: Path, line: int, cell: str) -> str:
    if not cell:
        return ""
    if is_address(cell):
        if not cell.lower().startswith("https://"):
            _wrong(
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
        _wrong(
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
        _wrong(
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
        _wrong(
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
        _wrong(
            path,
            line,
            msg("%(file)s, line %(line)d: %(cell)s says neither yes nor no.", cell=one_line(cell)),
        )
    return cell.casefold() in _YES


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of the file that are not blank, each with the line on which it begins."""
    text = _text(path)
    skipped = 0
    if text[:4].lower() == "sep=":  # what spreadsheets write before the header
        text = text.partition("\n")[2]
        skipped = 1
    mark = columns.delimiter(text.lstrip("\r\n").partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins + skipped, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        _wrong(
            path,
            begins + skipped,
            msg("%(file)s, line %(line)d: a cell's quotes are not closed, or it is no text (%(why)s).", why=str(error)),
            error,
        )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise UsageError(
            msg("%(path)s cannot be read: %(why)s.", path=one_line(str(path)), why=why or str(error))
        ) from error
    if len(data) > _BYTES:
        raise UsageError(
            msg("%(file)s is larger than %(limit)d MiB: no roster.", file=names.shown(path.name), limit=_BYTES >> 20)
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        _wrong(path, line, msg("%(file)s, line %(line)d: this is no UTF-8. Save the file as “CSV UTF-8”."), error)


def _wrong(path: Path, line: int, what: Text, cause: Exception | None = None) -> NoReturn:
    """Raise the error for a line; `what` leaves file and line open."""
    raise UsageError(Text(what.msgid, {"file": names.shown(path.name), "line": line, **what.params})) from cause
