"""A class's folder is made from its journal alone."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from grader.batch import output
from grader.batch.journal import FILE, Journal, Key
from grader.errors import UsageError
from tests.unit.batch.results import assignment, entry, result, summary

if TYPE_CHECKING:
    from pathlib import Path

STUDENTS = 300


@pytest.fixture
def out(tmp_path: Path) -> Path:
    with Journal(tmp_path / FILE) as journal:
        output.keep(journal, output.Kept(assignment=assignment()))
        journal.place([entry(f"s{n:03}") for n in range(STUDENTS)])
        for n in range(STUDENTS):
            journal.read(entry(f"s{n:03}"), f"c{n}")
            journal.write(Key(f"c{n}", "r", "g"), summary(n % 5), {"seed": n}, result(n % 5))
    return tmp_path


def test_everything_says_the_same(out: Path) -> None:
    """Page, gradebooks, data and audit, of one journal."""
    with output.opened(out) as journal:
        book = output.write(journal, out, output.kept_of(journal))
    scores = {row.entry.student: row.score for row in book.rows}
    assert scores == {f"s{n:03}": 25.0 * (n % 5) for n in range(STUDENTS)}
    document = json.loads((out / output.DATA).read_text("utf-8"))
    assert {s["student"]: s["score"] for s in document["students"]} == scores
    with (out / "gradebook.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["student"]: float(row["score"]) for row in csv.DictReader(file)} == scores
    audit = [json.loads(line) for line in (out / output.AUDIT).read_text("utf-8").splitlines()]
    assert [line["students"] for line in audit] == [[f"s{n:03}#1"] for n in range(STUDENTS)]
    page = (out / output.PAGE).read_text("utf-8")
    assert all(student in page for student in scores)


def test_an_override_is_applied_each_time_and_never_written(out: Path) -> None:
    """Taken away, the grade is as it was found."""
    (out / "overrides.yaml").write_text("s000: {points: 60}\n", "utf-8")
    with output.opened(out) as journal:
        assert output.write(journal, out, output.kept_of(journal)).rows[0].score == 60
        (out / "overrides.yaml").unlink()
        assert output.write(journal, out, output.kept_of(journal)).rows[0].score == 0


def test_the_pages_of_students_are_made_again(out: Path) -> None:
    """Without grading anything."""
    with output.opened(out) as journal:
        journal.place([entry("s007")])
        assert output.write_students(journal, out, output.kept_of(journal)) == 1
    names = {p.name for p in (out / "students" / "s007").iterdir()}
    assert names == {"report.html", "feedback.html", "result.json"}


def test_a_folder_without_a_journal_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    """It is not the output of a class."""
    with pytest.raises(UsageError):
        output.opened(tmp_path)
    assert list(tmp_path.iterdir()) == []
