"""Rosters: read whatever program wrote them, and wrong ones named with their line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from grader import i18n
from grader.errors import UsageError
from grader.model.classroom import Entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.model.classroom import ClassList

    Reading = Callable[..., ClassList]
    Laying = Callable[..., Path]
    Writing = Callable[[str | bytes], Path]


@pytest.fixture
def csv_file(tmp_path: Path) -> Writing:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "class.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        "student,name,email,source\nana,Ana López,a@b.c,https://github.com/ana/lab\n",
        "\ufeffcorreo;Nombre;ESTUDIANTE;repositorio\r\na@b.c;Ana López;ana;https://github.com/ana/lab\r\n",
        'sep=;\nusuario;"nombre";correo;url;nota\nana;"Ana López";a@b.c;https://github.com/ana/lab;\n\n;;;;\n',
        "id\tname\temail\trepo\r\nana\tAna López\ta@b.c\thttps://github.com/ana/lab",
        "\nId,Username,Full name,Correo Electrónico,path\n77,ana,Ana López,a@b.c,https://github.com/ana/lab\n",
    ],
)
def test_a_roster_is_read_in_every_dialect(csv_file: Writing, reading: Reading, content: str) -> None:
    """Separators, quotes, encodings and languages of spreadsheets."""
    found = reading(csv_file(content))
    assert found.form == "roster"
    assert found.entries == (
        Entry(student="ana", name="Ana López", email="a@b.c", source="https://github.com/ana/lab"),
    )


def test_paths_are_seen_from_the_roster_and_an_empty_one_is_nothing_handed_in(
    lay: Laying, csv_file: Writing, reading: Reading
) -> None:
    """A roster lies beside the work that it names."""
    source = lay("ana/", "eva.zip")
    found = reading(csv_file("estudiante,ruta\nana,class/ana\neva,./class/eva.zip\nluis,\n"))
    assert [e.source for e in found.entries] == [str(source / "ana"), str(source / "eva.zip"), ""]


def test_attempts_times_and_marks_are_read(lay: Laying, csv_file: Writing, reading: Reading) -> None:
    """Attempts of one student come in their order."""
    lay("a/", "b/")
    found = reading(
        csv_file(
            "student,attempt,source,submitted_at,late,github\n"
            "ana,2,class/b,2026-03-31T23:59:00-03:00,sí,Ana-G\n"
            "eva,,class/a,,no,\n"
            "Ana,1,class/a,2026-03-30T10:00:00Z,,Ana-G\n"
        )
    )
    assert [(e.student, e.attempt, e.submitted_at, e.late, e.ids) for e in found.entries] == [
        ("ana", 1, "2026-03-30T10:00:00+00:00", False, {"github": "Ana-G"}),
        ("ana", 2, "2026-03-31T23:59:00-03:00", True, {"github": "Ana-G"}),
        ("eva", 1, "", False, {}),
    ]


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("nombre,correo\nAna,a@b.c\n", "line 1", "no column is called `student`"),
        ("", "line 1", "no column is called `student`"),
        ("student,name,name\nana,x,y\n", "line 1", "name is there twice"),
        ("student,name\n", "line 2", "no student follows"),
        ("student,name\nana,x\n,Eva\n", "line 3", "the student is missing"),
        ("student,name\nana,López, Ana\n", "line 2", "3 cells, but 2 headings"),
        ("student,url\nana,http://example.com/x\n", "line 2", "no https address"),
        ("student,url\nana,git@example.com:x/y\n", "line 2", "no https address"),
        ("student,path\nana,\neva,nowhere\n", "line 3", "nothing at nowhere"),
        ("student,path\nana,a\0b\n", "line 2", ""),
        ("student,attempt\nana,0\n", "line 2", "0 is no attempt"),
        ("student,attempt\nana,²\n", "line 2", "no attempt"),
        ("student,entregado\nana,31/03/2026\n", "line 2", "no time with its offset"),
        ("student,entregado\nana,2026-03-31T23:59:00\n", "line 2", "no time with its offset"),
        ("student,late\nana,maybe\n", "line 2", "neither yes nor no"),
        ('student,name\nana,"x\neva,y\n', "line 2", "quotes are not closed"),
        ('student,name\nana,"x\ny"\neva,z\nluis,1,2\n', "line 5", "3 cells"),
        ("sep=,\nstudent,name\n,x\n", "line 3", "the student is missing"),
        ("student,name\nana,x\neva,L\xf3pez\n".encode("latin-1"), "line 3", "no UTF-8"),
        ("student\nana\neva\nANA\n", "lines 2 and 4", "attempt 1 of ANA is there twice"),
        ("student,attempt\nana,2\nana,2\n", "lines 2 and 3", "attempt 2 of ana is there twice"),
    ],
)
def test_a_wrong_roster_is_named_with_its_line(
    csv_file: Writing, reading: Reading, content: str | bytes, line: str, says: str
) -> None:
    """The message says which cell and what was expected."""
    with pytest.raises(UsageError) as caught:
        reading(csv_file(content))
    shown = i18n.render(caught.value.message, "en")
    assert shown.startswith(f"class.csv, {line}")
    assert says in shown
    assert "%(" not in shown


def test_hostile_cells_are_shown_and_never_obeyed(csv_file: Writing, reading: Reading) -> None:
    """Paths, escapes and formulas are text."""
    found = reading(csv_file("student,name,email\n../x,\x1b[31mAna,gnp\u202eexe\n..,,\n/etc,=cmd(),\n"))
    assert [e.student for e in found.entries] == ["x", "student", "etc"]
    assert found.entries[0].name == "Ana"
    assert "\u202e" not in found.entries[0].email
    msgspec.json.encode(found)


def test_a_roster_of_thousands_is_read(csv_file: Writing, reading: Reading) -> None:
    """Five thousand lines are no trouble."""
    found = reading(csv_file("student,name\n" + "".join(f"s{n},Ana\n" for n in range(5000))))
    assert len(found.entries) == 5000


def test_a_roster_beside_a_class_brings_names_and_who_handed_nothing_in(
    packed: Laying, csv_file: Writing, reading: Reading
) -> None:
    """It changes nothing else of what lies there."""
    source = packed("lópezana_LATE_1_10_lab.zip", "gileva_2_11_lab.zip", "extra_3_12_lab.zip")
    roster = csv_file("student,name,email\nal,Ana López,ana@b.c\n2,Eva Gil,eva@b.c\nluis,Luis Paz,luis@b.c\n")
    found = reading(source, roster=roster)
    assert [(e.student, e.name, e.email, bool(e.source), e.late) for e in found.entries] == [
        ("extra-3", "extra", "", True, False),
        ("gileva-2", "Eva Gil", "eva@b.c", True, False),
        ("lópezana-1", "Ana López", "ana@b.c", True, True),
        ("luis", "Luis Paz", "luis@b.c", False, False),
    ]
    assert [n.params["students"] for n in found.notices] == ["extra-3"]


def test_a_name_that_two_students_have_is_nobodys(packed: Laying, csv_file: Writing, reading: Reading) -> None:
    """Neither gets the other's work."""
    source = packed("Ana Paz_1_assignsubmission_file_a.zip", "Ana Paz_2_assignsubmission_file_a.zip")
    found = reading(source, roster=csv_file("student,name\n1,Ana Paz\nx,Ana Paz\n"))
    assert [(e.student, bool(e.source)) for e in found.entries] == [
        ("Ana-Paz-1", True),
        ("Ana-Paz-2", True),
        ("x", False),
    ]
    assert found.notices[0].params["students"] == "Ana-Paz-2"


def test_two_lines_for_one_student_are_named(lay: Laying, csv_file: Writing, reading: Reading) -> None:
    """The first counts, and both lines are said."""
    found = reading(lay("ana/"), roster=csv_file("student,name,github\nana,Ana,\nx,Ana,\n"))
    assert [(e.student, e.name) for e in found.entries] == [("ana", "Ana")]
    assert found.notices[0].params == {"first": 2, "line": 3, "student": "ana"}


def test_a_roster_beside_a_roster_is_an_error(csv_file: Writing, reading: Reading) -> None:
    """One of them is not what the caller thinks."""
    path = csv_file("student\nana\n")
    with pytest.raises(UsageError):
        reading(path, roster=path)


def test_a_roster_that_is_not_there_is_an_error(reading: Reading, tmp_path: Path) -> None:
    """It is said that it cannot be read."""
    with pytest.raises(UsageError, match="cannot be read"):
        reading(tmp_path / "nowhere.csv")


def test_moodles_grading_worksheet_is_a_roster(packed: Laying, csv_file: Writing, reading: Reading) -> None:
    """Its participants' numbers are those of the download."""
    worksheet = csv_file(
        "Identificador,Nombre completo,Dirección de correo,Estado,Calificación\n"
        "Participante 1234567,Ana López,ana@b.c,Enviado,\nParticipante 55,Eva Gil,eva@b.c,Sin entrega,\n"
    )
    found = reading(packed("Ana López_1234567_assignsubmission_file_/lab.zip"), roster=worksheet)
    assert [(e.student, e.name, e.email, bool(e.source), e.ids) for e in found.entries] == [
        ("Ana-López-1234567", "Ana López", "ana@b.c", True, {"moodle": "1234567"}),
        ("Eva-Gil-55", "Eva Gil", "eva@b.c", False, {"moodle": "55"}),
    ]
    assert found.notices == ()
