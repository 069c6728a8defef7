"""The gradebook as CSV: a row a student, import files as their importers read them, no cell that computes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from grader.exports import gradebook
from grader.model.classroom import Entry
from tests.unit.reports import class_builders as classes

if TYPE_CHECKING:
    from pathlib import Path

    from grader.model.classroom import Gradebook


def rows(book: Gradebook, path: Path, form: gradebook.Form, **more: str) -> list[dict[str, str]]:
    """Write a gradebook and read it as a spreadsheet would."""
    gradebook.write(book, path / "book.csv", form, **more)
    text = (path / "book.csv").read_text(encoding="utf-8-sig")
    table = list(csv.reader(io.StringIO(text)))
    assert {len(cells) for cells in table} == {len(table[0])}
    assert len(set(table[0])) == len(table[0])
    return [dict(zip(table[0], cells, strict=True)) for cells in table[1:]]


def test_plain_has_every_student_and_every_check(tmp_path: Path) -> None:
    """One row a student in the class's order; what was not graded is blank and not 0."""
    read = rows(classes.small(), tmp_path, "plain")
    assert [r["student"] for r in read] == ["ana-gómez", "bruno-díaz", "carla", "dario", "elena", "fabio", "gina"]
    assert [r["score"] for r in read] == ["100", "80", "85", "0", "", "", "85.5"]
    assert [r["status"] for r in read] == ["final", "final", "provisional", "rejected", "missing", "excused", "final"]
    assert [s.id for s in classes.ASSIGNMENT.checks] == list(read[0])[10:19]
    assert (read[1]["queue.durable"], read[1]["task.done"], read[3]["task.done"]) == ("0", "20", "")
    assert (read[1]["late"], read[0]["late"], read[1]["attempt"], read[4]["attempt"]) == ("yes", "no", "2", "")
    assert read[6]["comment"] == "shown in person (+5.5); good talk ⏎ in the lab"
    assert read[0]["report"] == "students/ana-gómez/report.html"
    assert read[0]["graded_at"] == "2026-11-24T08:00:00+00:00"


def test_moodle_finds_its_columns_in_both_languages(tmp_path: Path) -> None:
    """What the importer must find is there in English and in Spanish, with the same content."""
    read = rows(classes.small(), tmp_path, "moodle", lang="en")
    for english, spanish in (
        ("Grade", "Calificación"),
        ("Last modified (grade)", "Última modificación (calificación)"),
        ("Feedback comments", "Comentarios de retroalimentación"),
    ):
        assert [r[english] for r in read] == [r[spanish] for r in read]
    assert read[0]["Identifier"] == "Participant 1234567"
    assert read[0]["Identificador"] == "Participante 1234567"
    assert read[0]["Last modified (grade)"] == "2026-11-24T09:30:00+00:00"
    assert read[3]["Feedback comments"] == "shown in person (+5.5)<br>good talk<br>in the lab"


@pytest.mark.parametrize("form", ["moodle", "canvas"])
def test_platforms_keep_what_they_have_of_whom_we_have_no_grade(tmp_path: Path, form: gradebook.Form) -> None:
    """A blank would empty a cell there: missing and provisional students have no row, who is refused has 0."""
    read = rows(classes.small(), tmp_path, form)
    names = [r.get("Full name") or r.get("Student") for r in read]
    assert "Elena Ruiz" not in names
    assert "Carla" not in names
    assert "Dario" in names


def test_canvas_has_the_header_that_its_importer_wants(tmp_path: Path) -> None:
    """Five columns of the student, one of the assignment; the points possible; EX for who is excused."""
    read = rows(classes.small(), tmp_path, "canvas", column="Tarea 3 (4711)")
    assert list(read[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Tarea 3 (4711)"]
    assert "Points Possible" in read[0]["Student"]
    assert [r["Tarea 3 (4711)"] for r in read] == ["100", "100", "80", "0", "EX", "85.5"]
    assert [r["ID"] for r in read] == ["", "4711", "", "4711", "99", "4711"]
    assert read[1]["SIS Login ID"] == "ana-gómez@example.edu"


def test_the_assignments_title_names_its_column(tmp_path: Path) -> None:
    """Without a name of the column it is the title in the language asked for."""
    read = rows(classes.small(), tmp_path, "canvas", lang="en")
    assert list(read[0])[-1] == "RabbitMQ: tasks that survive their workers"


@pytest.mark.parametrize("form", gradebook.DIALECTS)
def test_a_byte_order_mark_where_it_helps(tmp_path: Path, form: gradebook.Form) -> None:
    """Excel needs one and Moodle drops it; before the quoted cell of Canvas it would break the file."""
    gradebook.write(classes.small(), tmp_path / "x.csv", form)
    assert (tmp_path / "x.csv").read_bytes().startswith(b"\xef\xbb\xbf") == (form != "canvas")
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]


@pytest.mark.parametrize("form", gradebook.DIALECTS)
@pytest.mark.parametrize(
    "attack", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", '";=1', "a\r\n=1"]
)
def test_no_cell_computes(tmp_path: Path, form: gradebook.Form, attack: str) -> None:
    """Whatever a student is called or an instructor writes, a spreadsheet shows it."""
    entry = Entry(
        student=attack,
        name=attack,
        email=attack,
        source="/x",
        ids={"moodle": attack, "canvas": attack, "folder": attack},
    )
    book = classes.book(classes.row("x", entry=entry, comment=attack, report=attack))
    for row in rows(book, tmp_path, form):
        for cell in row.values():
            assert cell[:1] not in {*"=+@\t\r\n", "\uff1d"}
            assert cell[:1] != "-"
            assert "\n" not in cell


def test_an_id_that_is_no_number_names_nobody(tmp_path: Path) -> None:
    """A platform's id comes from a file name; Moodle would read another student's number out of a strange one."""
    entry = Entry(student="x", source="/x", ids={"moodle": "12a", "canvas": "../1"})
    book = classes.book(classes.row("x", entry=entry))
    assert rows(book, tmp_path, "moodle")[0]["Identifier"] == ""
    assert rows(book, tmp_path, "canvas")[1]["ID"] == ""


def test_feedback_is_text_and_no_html(tmp_path: Path) -> None:
    """Moodle shows feedback as HTML."""
    book = classes.book(classes.row("x", comment="<b>1 < 2 & 3</b>"))
    assert rows(book, tmp_path, "moodle")[0]["Feedback comments"] == "&lt;b&gt;1 &lt; 2 &amp; 3&lt;/b&gt;"


@pytest.mark.parametrize(("value", "written"), [(90.0, "90"), (85.5, "85.5"), (33.333333, "33.33"), (0.1 + 0.2, "0.3")])
def test_points_have_a_decimal_point(tmp_path: Path, value: float, written: str) -> None:
    """At most two decimals, and none if there are none."""
    assert rows(classes.book(classes.row("x", score=value)), tmp_path, "plain")[0]["score"] == written


def test_large_classes_are_whole(tmp_path: Path) -> None:
    """Five thousand students are five thousand rows."""
    assert len(rows(classes.generated(5000), tmp_path, "plain")) == 5000


@pytest.mark.parametrize(
    ("entry", "username", "login"),
    [
        (
            Entry(student="ana-gomez", name="Ana Gómez", source="/x", ids={"folder": "Ana Gómez"}),
            "Ana Gómez",
            "Ana Gómez",
        ),
        (Entry(student="20231234", source="/x", ids={"folder": "20231234"}), "20231234", "20231234"),
        (Entry(student="ana", name="Ana", email="a@x.edu", source="/x", ids={"folder": "ana"}), "ana", "a@x.edu"),
        (Entry(student="ana-77", name="Ana", source="/x", ids={"moodle": "77"}), "", ""),
        (Entry(student="ana", source="/x", ids={"github": "ana"}), "", ""),  # a name of another place
    ],
)
def test_who_has_only_a_folder_is_known_by_its_name(tmp_path: Path, entry: Entry, username: str, login: str) -> None:
    """A number to upload a worksheet with it cannot be: it is what the importers of whole gradebooks can be told."""
    book = classes.book(classes.row("x", entry=entry))
    (moodle,) = rows(book, tmp_path, "moodle")
    assert moodle["Username"] == username
    _, canvas = rows(book, tmp_path, "canvas")
    assert canvas["SIS Login ID"] == login
    assert canvas["Student"] == (entry.name or entry.student)
    assert gradebook.by_folder(book) == (username != "" and not entry.email)
