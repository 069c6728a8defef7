"""What a class's folder holds beside the journal, made from it as often as wanted without grading anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from grader import atomic
from grader.batch import gradebook, overrides
from grader.batch.gradebook import Rules
from grader.batch.journal import FILE, Journal
from grader.batch.run import write_reports
from grader.batch.writing import writing
from grader.errors import UsageError
from grader.exports import class_json, result_json
from grader.exports import gradebook as csv
from grader.model.assignment import Assignment
from grader.model.text import msg
from grader.reports import class_page

if TYPE_CHECKING:
    from pathlib import Path

    from grader.model.classroom import Gradebook

FILES: dict[csv.Dialect, str] = {
    "plain": "gradebook.csv",
    "moodle": "gradebook-moodle.csv",
    "canvas": "gradebook-canvas.csv",
}
PAGE, DATA, AUDIT = "index.html", "class.json", "audit.jsonl"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal remembers so that the same reports can be made again."""

    assignment: Assignment
    rules: Rules = Rules()
    lang: str = "es"


def keep(journal: Journal, kept: Kept) -> None:
    """Remember how this class is reported."""
    journal.remember(kept=kept)


def kept_of(journal: Journal) -> Kept:
    """Return what was remembered. Raises UsageError for a journal in which nothing was graded yet."""
    found: Kept | None = journal.setting("kept", Kept)
    if found is None:
        raise UsageError(msg("Nothing was graded in this folder yet."))
    return found


def opened(out: Path) -> Journal:
    """Open the journal of a folder that `grader batch` has written. Raises UsageError if there is none."""
    if not (out / FILE).is_file():
        raise UsageError(msg("%(folder)s holds no journal; it is the --out of grader batch.", folder=str(out)))
    return Journal(out / FILE)


def book(journal: Journal, out: Path, kept: Kept) -> Gradebook:
    """Return the gradebook with the instructor's overrides."""
    students = {a.entry.student for a in journal.attempts()}
    said = overrides.read(out / overrides.FILE, students)
    return gradebook.make(journal, kept.assignment, kept.rules, said)


def write(journal: Journal, out: Path, kept: Kept) -> Gradebook:
    """Write the class page, the gradebooks, the data and the audit; each file whole or not at all."""
    made = book(journal, out, kept)
    with writing(out):
        class_page.write(made, out / PAGE, lang=kept.lang)
        for form, name in FILES.items():
            csv.write(made, out / name, form, lang=kept.lang)
        class_json.write(made, out / DATA, lang=kept.lang)
        atomic.write(out / AUDIT, _audit(journal))
    return made


def export(journal: Journal, out: Path, form: csv.Dialect | Literal["json"], to: Path | None) -> Path:
    """Write one gradebook ("plain", "moodle", "canvas", "json") to a file and return where it lies."""
    made = book(journal, out, kept_of(journal))
    if form == "json":
        file = to or out / DATA
        class_json.write(made, file)
    else:
        file = to or out / FILES[form]
        csv.write(made, file, form)
    return file


def write_students(journal: Journal, out: Path, kept: Kept) -> int:
    """Write the pages of every student anew from the journal; return how many."""
    count = 0
    for attempt in journal.attempts():
        result = journal.result(attempt.content) if attempt.content else None
        if result:
            write_reports(
                msgspec.structs.replace(result, assignment=_here(result.assignment, kept)),
                attempt.entry,
                out,
                lang=kept.lang,
            )
            count += 1
    return count


def _here(then: Assignment, kept: Kept) -> Assignment:
    """Return the assignment as it was when it was graded, at the place where it lies now."""
    return msgspec.structs.replace(then, directory=kept.assignment.directory)


def _audit(journal: Journal) -> bytes:
    """Return one line of JSON a result, with the students that it belongs to."""
    students: dict[str, list[str]] = {}
    for attempt in journal.attempts():
        students.setdefault(attempt.content, []).append(f"{attempt.entry.student}#{attempt.entry.attempt}")
    lines = (
        result_json.encode({"students": students.get(content, []), "content": content, **audit})
        for content, audit in journal.audits()
    )
    return b"".join(line + b"\n" for line in lines)
