"""Each form of a class, from the bytes that a platform gives to the gradebooks; results are recorded ones."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from grader import i18n
from grader.batch import output
from grader.batch.journal import FILE, Journal, Key
from grader.errors import SubmissionRefusedError, UsageError
from grader.inspection import verdict
from grader.receiving import receive
from tests.unit.batch.classes.conftest import PACKED
from tests.unit.batch.results import assignment, result, summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.classroom import ClassList

    Reading = Callable[..., ClassList]
    Writing = Callable[..., Path]

PROGRAM = b"services: {app: {image: 'node:20-alpine'}}\n"
METADATA = """\
---
submission_101:
  :submitters:
  - :name: "Ana L\\xF3pez"
    :sid: '3031'
    :email: ana@b.c
  :created_at: 2026-03-31 23:59:00.000000000 Z
  :score: 10.0
  :results:
    :output: |
      submission_999:
        :submitters:
        - :name: Nobody
submission_102:
  :submitters:
  - :name: Eva Gil
    :sid: '3032'
    :email: eva@b.c
  - :name: Luis Paz
    :sid: '3033'
    :email: luis@b.c
  :score:
"""


class Line(NamedTuple):
    """A student in the plain gradebook. score: 75 for whoever handed in a program, 0 for what is refused."""

    student: str
    name: str
    attempt: str
    status: str
    score: str


@pytest.fixture
def write(tmp_path: Path) -> Writing:
    """Write files below a folder: archives are packed programs, compose files programs, all else one line."""

    def of(*names: str, under: str = "class", **contents: str) -> Path:
        root = tmp_path / under
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            packed = name.endswith(".zip")
            path.write_bytes(PACKED if packed else PROGRAM if name.endswith("compose.yaml") else b"x\n")
        for name, text in contents.items():
            (root / name.replace("__", ".")).write_text(text, "utf-8")
        return root

    return of


def as_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return folder.with_suffix(".zip")


def roster(folder: Path, text: str) -> Path:
    path = folder / "roster.csv"
    path.write_text(text, "utf-8")
    return path


def gradebook(found: ClassList, out: Path) -> list[Line]:
    """Return the plain gradebook of a class: all is taken in, and what is accepted has a recorded result."""
    refused = {"verdict": "blocked", "reason": "submission-refused"}
    out.mkdir(exist_ok=True)
    with Journal(out / FILE) as journal:
        output.keep(journal, output.Kept(assignment=assignment()))
        journal.place(list(found.entries))
        for number, entry in enumerate(e for e in found.entries if e.source):
            taken = out / "taken" / str(number)
            try:
                good = (Path(receive(Path(entry.source), taken).root) / "compose.yaml").is_file()
            except SubmissionRefusedError:
                good = False
            summed, whole = (summary(3), result(3)) if good else (summary(0, **refused), result(0, **refused))
            journal.read(entry, f"c{number}")
            journal.write(Key(f"c{number}", "r", "g"), summed, {}, whole)
        output.write(journal, out, output.kept_of(journal))
    return [Line(r["student"], r["name"], r["attempt"], r["status"], r["score"]) for r in cells(out, "gradebook.csv")]


def cells(out: Path, name: str) -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


MIXED = (
    "Ruiz Ana.zip", "Ruiz Ana (1).zip", "Ruiz Ana - copia.zip", "Gil Marta.rar", "Vega Iván/compose.yaml",
    "Lara Sol/entrega.zip", "Lara Sol/memoria.pdf", "Lara Sol/__MACOSX/._entrega.zip",
    "Paz Leo/memoria.pdf", "Paz Leo/Practica/entrega.zip", "Mora Eva/entrega.zip", "Mora Eva/entrega_v2.zip",
    "Núñez Beatriz/memoria.pdf", "notas.xlsx",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_mixed_class_of_folders_and_archives(write: Writing, reading: Reading, tmp_path: Path, kind: str) -> None:
    """Copies are attempts, archives beside reports are graded, what cannot be read is its student's own."""
    source = write(*MIXED)
    found = reading(as_zip(source) if kind == "zip" else source)
    assert sorted(gradebook(found, tmp_path / "book")) == [
        Line("Gil-Marta", "Gil Marta", "1", "rejected", "0"),
        Line("Lara-Sol", "Lara Sol", "1", "final", "75"),
        Line("Mora-Eva", "Mora Eva", "1", "rejected", "0"),
        Line("Núñez-Beatriz", "Núñez Beatriz", "1", "rejected", "0"),
        Line("Paz-Leo", "Paz Leo", "1", "final", "75"),
        Line("Ruiz-Ana", "Ruiz Ana", "3", "final", "75"),
        Line("Vega-Iván", "Vega Iván", "1", "final", "75"),
    ]
    said = [i18n.render(notice, "en") for notice in found.notices]
    assert any("Ruiz Ana.zip, Ruiz Ana - copia.zip, Ruiz Ana (1).zip" in notice for notice in said)
    assert any("notas.xlsx" in notice for notice in said)


@pytest.mark.parametrize("student", ["Lara Sol", "Paz Leo", "Mora Eva", "Gil Marta.rar", "Ruiz Ana.zip"])
def test_one_of_a_class_is_judged_alone_as_in_the_class(
    write: Writing, reading: Reading, tmp_path: Path, student: str
) -> None:
    """`inspect`, `check` and `grade` of the folder open what `batch` opens, and say the same."""
    from grader import catalogue  # noqa: PLC0415 - slow to read, and only here

    source = write(*MIXED)
    entry = next(e for e in reading(source).entries if e.source.startswith(str(source / student)))
    alone = verdict(source / student, None, catalogue.load(), lang="en")
    in_class = verdict(Path(entry.source), None, catalogue.load(), lang="en")
    codes = [{f["code"] for f in one["findings"]} for one in (alone, in_class)]
    assert codes[0] == codes[1]
    assert alone["accepted"] == in_class["accepted"]


@pytest.mark.parametrize("names", [("entrega.zip", "entrega (1).zip", "entrega (2).zip"), ("g (1).zip", "g (2).zip")])
def test_files_that_all_students_call_alike_stay_as_many_students(
    write: Writing, reading: Reading, names: tuple[str, ...]
) -> None:
    """Attachments that were saved out of messages are numbered as well: nobody of them may vanish."""
    assert len({e.student for e in reading(write(*names)).entries}) == len(names)


CLASSROOM = """\
"identifier","github_username","github_id","name"
"Gil, Marta","mgil","101",""
"Pérez, Luis","lperez","102",""
"Núñez, Beatriz","bea-nunez","103",""
"Sanz, Óscar","","",""
"""
GRADES = """\
"assignment_name","assignment_url","starter_code_url","github_username","roster_identifier","student_repository_name",\
"student_repository_url","submission_timestamp","points_awarded","points_available"
"Lab","u","s","mgil","Gil, Marta","lab-mgil","https://github.com/c/lab-mgil","","0","100"
"Lab","u","s","lperez","Pérez, Luis","lab-lperez","https://github.com/c/lab-lperez","","0","100"
"Lab","u","s","bea-nunez","Núñez, Beatriz","lab-bea-nunez","https://github.com/c/lab-bea-nunez","","0","100"
"Lab","u","s","","Sanz, Óscar","","","","0","100"
"""


@pytest.mark.parametrize("text", [CLASSROOM, GRADES], ids=["roster", "grades"])
def test_classrooms_clones_with_its_own_exports(write: Writing, reading: Reading, tmp_path: Path, text: str) -> None:
    """Its identifiers are shown; a second repository of a student is another attempt, and who has none is missing."""
    source = write(*(f"lab-{user}/compose.yaml" for user in ("mgil", "lperez", "lperez-1", "bea-nunez")))
    found = reading(source, roster=roster(tmp_path, text))
    assert sorted(gradebook(found, tmp_path / "book")) == [
        Line("Sanz-Óscar", "Sanz, Óscar", "", "missing", ""),
        Line("bea-nunez", "Núñez, Beatriz", "1", "final", "75"),
        Line("lperez", "Pérez, Luis", "2", "final", "75"),
        Line("mgil", "Gil, Marta", "1", "final", "75"),
    ]
    assert {r["Full name"] for r in cells(tmp_path / "book", "gradebook-moodle.csv")} == {
        "Núñez, Beatriz", "Pérez, Luis", "Gil, Marta",
    }  # fmt: skip
    assert found.notices == ()


def test_without_a_roster_a_second_repository_is_a_hint(write: Writing, reading: Reading) -> None:
    """A user may really be called so, so nobody is merged."""
    found = reading(write("lab-lperez/compose.yaml", "lab-lperez-1/compose.yaml"))
    assert {e.student for e in found.entries} == {"lperez", "lperez-1"}
    assert [n.params.get("students") for n in found.notices] == ["lperez-1"]


def test_a_group_of_classroom_is_each_of_its_members(write: Writing, reading: Reading, tmp_path: Path) -> None:
    """The grade export names a line for each member with the repository of the team."""
    head = GRADES.splitlines()[0]
    line = '"Lab","u","s","{0}","{1}","lab-los-tres","https://github.com/c/lab-los-tres","","0","100"\n'
    text = head + "\n" + line.format("mgil", "Gil, Marta") + line.format("lperez", "Pérez, Luis")
    found = reading(write("lab-los-tres/compose.yaml", "lab-sola/compose.yaml"), roster=roster(tmp_path, text))
    assert {(e.name, Path(e.source).name) for e in found.entries} == {
        ("Gil, Marta", "lab-los-tres"), ("Pérez, Luis", "lab-los-tres"), ("", "lab-sola"),
    }  # fmt: skip
    assert len({e.student for e in found.entries}) == 3


def test_classrooms_grade_export_alone_is_refused_with_what_to_use(reading: Reading, tmp_path: Path) -> None:
    """It holds no submissions, and its repositories are private."""
    with pytest.raises(UsageError) as error:
        reading(roster(tmp_path, GRADES))
    shown = i18n.render(error.value.message, "en")
    assert "\n" not in shown
    assert "--roster" in shown


CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Lab (4711)
    Points Possible,,,,,100
"López, Ana",1234,U1,alopez@uni.edu,Grupo 1,
"Gil, Eva",77,U2,egil,Grupo 1,
"Sanz, Óscar",99,U3,osanz,Grupo 1,
"Student, Test",55,,0123456789abcdef0123456789abcdef01234567,Grupo 1,
"""


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_canvas_download_with_its_gradebook(write: Writing, reading: Reading, tmp_path: Path, kind: str) -> None:
    """Points Possible and the test student are nobody; students are called as in Canvas, also in what it imports."""
    source = write(
        "lópezana_1234_10_lab.zip", "lópezana_1234_11_lab-1.zip", "gileva_LATE_77_12_compose.yaml",
        "studenttest_55_13_lab.zip",
    )  # fmt: skip
    found = reading(as_zip(source) if kind == "zip" else source, roster=roster(tmp_path, CANVAS))
    assert sorted(gradebook(found, tmp_path / "book")) == [
        Line("Sanz-Óscar-99", "Sanz, Óscar", "", "missing", ""),
        Line("gileva-77", "Gil, Eva", "1", "final", "75"),
        Line("lópezana-1234", "López, Ana", "2", "final", "75"),
    ]
    rows = cells(tmp_path / "book", "gradebook-canvas.csv")
    assert {(r["Student"], r["ID"]) for r in rows[1:]} == {("Gil, Eva", "77"), ("López, Ana", "1234")}
    assert [n.params.get("students") for n in found.notices] == ["studenttest-55"]


def test_canvas_gradebook_names_the_students_of_plain_folders(write: Writing, reading: Reading, tmp_path: Path) -> None:
    """By the login that the folder is called, or by the name in another order."""
    found = reading(write("egil/compose.yaml", "Ana López/compose.yaml"), roster=roster(tmp_path, CANVAS))
    gradebook(found, tmp_path / "book")
    rows = cells(tmp_path / "book", "gradebook-canvas.csv")
    assert {(r["Student"], r["ID"]) for r in rows[1:]} == {("Gil, Eva", "77"), ("López, Ana", "1234")}


WORKSHEET = """\
Identificador,Nombre completo,Dirección de correo,Estado,Calificación
Participante 1234567,Ana López,ana@b.c,Enviado,
Participante 55,Eva Gil,eva@b.c,Sin entrega,
Participante 66,Óscar Sanz,oscar@b.c,Sin entrega,
"""
TWO_COLUMNS = """\
Nombre,Apellido(s),Número de ID,Dirección de correo
Ana,López,,ana@b.c
Eva,Gil,,eva@b.c
Óscar,Sanz,,oscar@b.c
"""
TWO_COLUMNS_ENGLISH = TWO_COLUMNS.replace(
    "Nombre,Apellido(s),Número de ID,Dirección de correo", "First name,Last name,ID number,Email address"
)


@pytest.mark.parametrize("text", [WORKSHEET, TWO_COLUMNS, TWO_COLUMNS_ENGLISH], ids=["worksheet", "es", "en"])
@pytest.mark.parametrize("flat", [False, True])
def test_moodles_download_with_its_lists(
    write: Writing, reading: Reading, tmp_path: Path, text: str, *, flat: bool
) -> None:
    """A name in two columns is one student, whose mail Moodle's import finds; the others are missing."""
    mark = "_" if flat else "_/"
    source = write(
        f"Ana López_1234567_assignsubmission_file{mark}entrega.zip",
        f"Ana López_1234567_assignsubmission_file{mark}memoria.pdf",
        f"Eva Gil_55_assignsubmission_file{mark}compose.yaml",
    )
    found = reading(as_zip(source), roster=roster(tmp_path, text))
    lines = {line.name: line for line in gradebook(found, tmp_path / "book")}
    assert {name: (line.status, line.score) for name, line in lines.items()} == {
        "Ana López": ("final", "75"), "Eva Gil": ("final", "75"), "Óscar Sanz": ("missing", ""),
    }  # fmt: skip
    rows = cells(tmp_path / "book", "gradebook-moodle.csv")
    assert {(r["Identifier"], r["Email address"]) for r in rows} == {
        ("Participant 1234567", "ana@b.c"), ("Participant 55", "eva@b.c"),
    }  # fmt: skip


def test_two_students_with_one_first_name_stay_two(write: Writing, reading: Reading, tmp_path: Path) -> None:
    """The column `Nombre` is half of a name where another one has the rest."""
    text = "Nombre,Apellido(s),Dirección de correo\nAna,López,a@b.c\nAna,Gil,g@b.c\n"
    found = reading(write("López Ana/compose.yaml", "Gil Ana/compose.yaml"), roster=roster(tmp_path, text))
    assert {(e.student, e.name, e.email) for e in found.entries} == {
        ("López-Ana", "Ana López", "a@b.c"), ("Gil-Ana", "Ana Gil", "g@b.c"),
    }  # fmt: skip


BLACKBOARD = (
    "Lab 1_alopez_attempt_2026-03-30-10-00-00_entrega.zip",
    "Lab 1_alopez_attempt_2026-03-31-10-00-00_entrega.zip",
    "Lab 1_alopez_attempt_2026-03-31-10-00-00_memoria.pdf",
    "Lab 1_eva_gil_attempt_2026-03-30-09-00-00_compose.yaml",
    "Lab 1_luis_gil_attempt_2026-03-30-09-00-00_compose.yaml",
)
TELLING = {
    "Lab 1_alopez_attempt_2026-03-31-10-00-00__txt": "Nombre: Ana López (alopez)\nEjercicio: Lab 1\n",
    "Lab 1_eva_gil_attempt_2026-03-30-09-00-00__txt": "Name: Eva Gil (eva_gil)\nAssignment: Lab 1\n",
}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_blackboards_download(write: Writing, reading: Reading, tmp_path: Path, kind: str) -> None:
    """Attempts are told by their time, names by the text about them, and users may have the sign that parts them."""
    source = write(*BLACKBOARD, **TELLING)
    found = reading(as_zip(source) if kind == "zip" else source)
    assert (found.form, found.notices) == ("blackboard", ())
    assert sorted(gradebook(found, tmp_path / "book")) == [
        Line("alopez", "Ana López", "2", "final", "75"),
        Line("eva_gil", "Eva Gil", "1", "final", "75"),
        Line("luis_gil", "", "1", "final", "75"),
    ]


def test_blackboards_gradebook_is_a_roster(write: Writing, reading: Reading, tmp_path: Path) -> None:
    """Its names stand in two columns beside the user's."""
    text = '"Last Name","First Name","Username","Student ID"\n"Paz","Luis","lpaz","7"\n"López","Ana","alopez","8"\n'
    found = reading(write(*BLACKBOARD[:2]), roster=roster(tmp_path, text))
    assert [(e.student, e.name, e.attempt, bool(e.source)) for e in found.entries] == [
        ("alopez", "Ana López", 1, True), ("alopez", "Ana López", 2, True), ("lpaz", "Luis Paz", 1, False),
    ]  # fmt: skip


@pytest.mark.parametrize("wrapper", ["", "assignment_4711_export/"])
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_gradescopes_export(write: Writing, reading: Reading, tmp_path: Path, kind: str, wrapper: str) -> None:
    """Its own file tells whose each folder is; what a student's program has put out there is nobody's name."""
    source = write(
        f"{wrapper}submission_101/compose.yaml", f"{wrapper}submission_102/entrega.zip",
        f"{wrapper}submission_102/memoria.pdf", f"{wrapper}submission_103/compose.yaml",
    )  # fmt: skip
    (source / wrapper / "submission_metadata.yml").write_text(METADATA, "utf-8")
    found = reading(as_zip(source) if kind == "zip" else source)
    assert found.form == "gradescope"
    assert sorted(gradebook(found, tmp_path / "book")) == [
        Line("Ana-López", "Ana López", "1", "final", "75"),
        Line("Eva-Gil", "Eva Gil", "1", "final", "75"),
        Line("Luis-Paz", "Luis Paz", "1", "final", "75"),
        Line("submission_103", "submission_103", "1", "final", "75"),
    ]
    assert {r["Email address"] for r in cells(tmp_path / "book", "gradebook-moodle.csv")} >= {"ana@b.c", "luis@b.c"}


def test_a_roster_that_names_submissions(write: Writing, reading: Reading, tmp_path: Path) -> None:
    """Paths are seen from it, and an empty one is nothing handed in."""
    write("ana/compose.yaml", "eva.zip")
    text = "estudiante,nombre,ruta\nana,Ana López,class/ana\neva,Eva Gil,class/eva.zip\nluis,Luis Paz,\n"
    assert sorted(gradebook(reading(roster(tmp_path, text)), tmp_path / "book")) == [
        Line("ana", "Ana López", "1", "final", "75"),
        Line("eva", "Eva Gil", "1", "final", "75"),
        Line("luis", "Luis Paz", "", "missing", ""),
    ]
