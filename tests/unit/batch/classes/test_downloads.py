"""The downloads of Moodle and Canvas, as their own code names what is in them."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.batch.classes import read
from grader.batch.classes.platforms import attempt_of
from grader.errors import UsageError
from grader.intake import take
from tests.unit.batch.classes.conftest import listed, zipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.classroom import ClassList

    Reading = Callable[..., ClassList]
    Laying = Callable[..., Path]

MOODLE_FOLDERS = (
    "Ana López_1234567_assignsubmission_file_/entrega.zip",
    "Eva Gil_55_assignsubmission_file/compose.yaml",
    "Eva Gil_55_assignsubmission_file/app/main.py",
    "Eva Gil_55_assignsubmission_onlinetext/onlinetext.html",
)
MOODLE_FLAT = (
    "Ana López_1234567_assignsubmission_file_entrega.zip",
    "Eva Gil_55_assignsubmission_file_compose.yaml",
    "Eva Gil_55_assignsubmission_file_Dockerfile",
    "Eva Gil_55_assignsubmission_onlinetext_onlinetext.html",
)


@pytest.mark.parametrize("kind", ["packed", "lay"])
@pytest.mark.parametrize("wrapper", ["", "Curso-Tarea 1-123/"])
@pytest.mark.parametrize("names", [MOODLE_FOLDERS, MOODLE_FLAT], ids=["folders", "flat"])
def test_moodles_download_is_read(
    request: pytest.FixtureRequest, reading: Reading, tmp_path: Path, kind: str, wrapper: str, names: tuple[str, ...]
) -> None:
    """As a folder and as a zip, with and without folders for each student."""
    found = reading(request.getfixturevalue(kind)(*(wrapper + name for name in names)))
    assert (found.form, found.notices) == ("moodle", ())
    assert [(e.student, e.name, e.ids, e.attempt, e.late) for e in found.entries] == [
        ("Ana-López-1234567", "Ana López", {"moodle": "1234567"}, 1, False),
        ("Eva-Gil-55", "Eva Gil", {"moodle": "55"}, 1, False),
    ]
    assert found.entries[0].source.endswith(".zip")
    for number, entry in enumerate(found.entries):
        workspace = take(entry.source, tmp_path / f"taken-{number}")
        assert "compose.yaml" in listed(workspace.root)


def test_a_single_loose_file_is_a_submission(lay: Laying, packed: Laying, reading: Reading, tmp_path: Path) -> None:
    """A compose file may be all that was handed in."""
    found = reading(lay("Ana_1_assignsubmission_file_compose.yaml"))
    assert listed(found.entries[0].source) == ["compose.yaml"]


@pytest.mark.parametrize("kind", ["packed", "lay"])
def test_one_archive_counts_and_what_lies_beside_it_is_named(
    request: pytest.FixtureRequest, reading: Reading, tmp_path: Path, kind: str
) -> None:
    """Intake says it, to whoever opens the submission, in a class or alone."""
    names = ("Ana_1_assignsubmission_file_/informe.pdf", "Ana_1_assignsubmission_file_/lab.zip")
    found = reading(request.getfixturevalue(kind)(*names))
    workspace = take(found.entries[0].source, tmp_path / "taken")
    assert listed(workspace.root) == ["compose.yaml"]
    assert [f.message.params for f in workspace.findings if f.code == "archive-beside"] == [
        {"file": "lab.zip", "count": 1}
    ]


def test_groups_blind_marking_and_texts_are_read(packed: Laying, reading: Reading) -> None:
    """What Moodle names after groups and participants, and texts typed online."""
    found = reading(
        packed(
            "Default group_assignsubmission_file/lab.zip",
            "Grupo 3_17_assignsubmission_file/lab.zip",
            "Participante_99_assignsubmission_onlinetext/onlinetext.html",
            "readme.txt",
        )
    )
    assert [(e.student, e.ids) for e in found.entries] == [
        ("Default-group", {}),
        ("Grupo-3-17", {"moodle": "17"}),
        ("Participante-99", {"moodle": "99"}),
    ]
    assert [n.params for n in found.notices] == [{"count": 1, "files": "readme.txt"}, {"student": "Participante-99"}]


def test_two_students_of_one_name_stay_two(packed: Laying, reading: Reading) -> None:
    """Their numbers tell them apart."""
    found = reading(packed("Ana_1_assignsubmission_file_a.zip", "Ana_2_assignsubmission_file_a.zip"))
    assert [e.student for e in found.entries] == ["Ana-1", "Ana-2"]


def test_canvas_download_is_read(packed: Laying, reading: Reading, tmp_path: Path) -> None:
    """Late, anonymous, in groups, and files that belong to one submission."""
    found = reading(
        packed(
            "lópezana_LATE_1234_5678_entrega.zip",
            "gileva_77_88_compose.yaml",
            "gileva_77_89_Dockerfile",
            "gileva_77_text.html",
            "LATE_anon_x1Y2z_91_lab.zip",
            "grupo 3_55_92_lab_final_2.tar.gz",
        )
    )
    assert found.form == "canvas"
    assert [(e.student, e.name, e.late, e.ids) for e in found.entries] == [
        ("gileva-77", "gileva", False, {"canvas": "77"}),
        ("grupo-3-55", "grupo 3", False, {"canvas": "55"}),
        ("anon-x1Y2z", "anon-x1Y2z", True, {}),
        ("lópezana-1234", "lópezana", True, {"canvas": "1234"}),
    ]
    assert listed(found.entries[0].source) == ["Dockerfile", "compose.yaml"]
    assert found.entries[3].source.endswith("/entrega.zip")
    take(found.entries[3].source, tmp_path / "taken")


def test_canvas_attempts_are_all_returned_in_order(packed: Laying, reading: Reading) -> None:
    """The number that Canvas adds to a name used before tells them."""
    found = reading(
        packed(
            "ana_1_12_lab-2.zip", "ana_1_10_lab.zip", "ana_1_11_lab-1.zip", "eva_2_13_lab-1.zip", "luis_3_14_lab.zip"
        )
    )
    assert [(e.student, e.attempt) for e in found.entries] == [
        ("ana-1", 1), ("ana-1", 2), ("ana-1", 3), ("eva-2", 2), ("luis-3", 1),
    ]  # fmt: skip
    assert len({e.source for e in found.entries}) == 5
    assert all(zipfile.is_zipfile(e.source) for e in found.entries)


def test_a_number_that_all_names_have_is_no_attempt(packed: Laying, reading: Reading) -> None:
    """Then the assignment told students what to call it."""
    found = reading(packed("ana_1_12_lab-2.zip", "eva_2_13_lab-2.zip"))
    assert [e.attempt for e in found.entries] == [1, 1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lab.zip", ("lab.zip", 1)),
        ("lab-1.tar.gz", ("lab.tar.gz", 2)),
        ("lab-2026.zip", ("lab-2026.zip", 1)),
        ("2026-03-12.zip", ("2026-03-12.zip", 1)),
        ("-1.zip", ("-1.zip", 1)),
    ],
)
def test_the_number_of_another_attempt(name: str, expected: tuple[str, int]) -> None:
    """Read from the file's name, before its suffix."""
    assert attempt_of(name) == expected


@pytest.mark.parametrize(
    "file", ["\x1b[31m.zip", "gnp\u202eexe.zip", "...zip", "\u202e.zip", "a" * 300 + ".zip", "nul.zip"]
)
def test_what_a_student_calls_an_archive_never_keeps_it_from_opening(
    packed: Laying, reading: Reading, tmp_path: Path, file: str
) -> None:
    """Whatever stands in the name, the suffix reaches the copy."""
    found = reading(packed(f"ana_1_10_{file}", "eva_2_11_lab.zip"))
    assert [e.student for e in found.entries] == ["ana-1", "eva-2"]
    for number, entry in enumerate(found.entries):
        take(entry.source, tmp_path / f"taken-{number}")


@pytest.mark.parametrize("bad", ["../../../x", "sub/../../../x", "\x1b]0;x\x07", "C:/x", "Compose.yaml"])
def test_a_hostile_entry_refuses_its_student_and_nobody_else(
    packed: Laying, reading: Reading, tmp_path: Path, bad: str
) -> None:
    """Nothing is written outside of the class's folder."""
    found = reading(
        packed(
            f"Ana_1_assignsubmission_file_/{bad}",
            "Ana_1_assignsubmission_file_/compose.yaml",
            "Eva_2_assignsubmission_file_/lab.zip",
        )
    )
    inside = tmp_path / "out" / "unpacked"
    assert [e.student for e in found.entries] == ["Ana-1", "Eva-2"]
    assert listed(found.entries[0].source) == []
    assert found.notices[0].params["student"] == "Ana-1"
    assert all(Path(e.source).resolve().is_relative_to(inside.resolve()) for e in found.entries)
    assert listed(tmp_path) == ["class.zip", "out"]
    assert listed(tmp_path / "out") == ["unpacked"]


def test_a_damaged_entry_refuses_its_student_and_nobody_else(reading: Reading, tmp_path: Path) -> None:
    """A wrong checksum is that student's."""
    names = ("Ana_1_assignsubmission_file_/compose.yaml", "Eva_2_assignsubmission_file_/compose.yaml")
    content = zipped(*names, data=b"XXXXXXXX").replace(b"XXXXXXXX", b"YYYYYYYY", 1)
    (tmp_path / "class.zip").write_bytes(content)
    found = reading(tmp_path / "class.zip")
    assert [len(listed(e.source)) for e in found.entries] == [0, 1]
    assert found.notices[0].params["code"] == "archive-damaged"


def test_an_entry_of_wrong_bzip2_data_refuses_its_student_and_nobody_else(reading: Reading, tmp_path: Path) -> None:
    """Its library says so with another kind of error than all others."""
    with zipfile.ZipFile(tmp_path / "class.zip", "w", zipfile.ZIP_BZIP2) as archive:
        for name in ("Ana_1", "Eva_2"):
            archive.writestr(f"{name}_assignsubmission_file_/compose.yaml", b"services: {}\n" * 50)
    data = (tmp_path / "class.zip").read_bytes()
    at = data.index(b"BZh") + 4
    (tmp_path / "class.zip").write_bytes(data[:at] + bytes(6) + data[at + 6 :])
    found = reading(tmp_path / "class.zip")
    assert [len(listed(e.source)) for e in found.entries] == [0, 1]
    assert found.notices[0].params["code"] == "archive-damaged"


def test_a_link_in_a_zip_is_never_followed(reading: Reading, tmp_path: Path) -> None:
    """Nothing is written through it."""
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        link = zipfile.ZipInfo("Ana_1_assignsubmission_file_/x")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc")
        archive.writestr("Ana_1_assignsubmission_file_/x/passwd", "x")
        archive.writestr("Ana_1_assignsubmission_file_/compose.yaml", "services: {}")
    found = reading(tmp_path / "class.zip")
    assert listed(found.entries[0].source) == []
    assert found.notices[0].params["student"] == "Ana-1"


def test_a_form_that_is_asked_for_is_taken(packed: Laying, reading: Reading) -> None:
    """Names that look like Canvas's may be folders all the same."""
    source = packed("ana_1_10_lab.zip", "eva_2_11_lab.zip")
    assert [e.student for e in reading(source, form="folder").entries] == ["ana_1_10_lab", "eva_2_11_lab"]


PARTS = st.text(max_size=12) | st.sampled_from([
    "Ana", "..", ".", "", "C:", "compose.yaml", "a.zip", ".git", "\x1b[2J", "\u202egnp", "a\u0301", "CON",
    "Ana_1_assignsubmission_file_", "Eva_2_assignsubmission_onlinetext_x.html", "ana_1_2_x-1.zip",
    "eva_LATE_2_3_../x", "LATE_anon_x1_2_b.zip",
])  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(PARTS, min_size=1, max_size=4), min_size=1, max_size=8), st.sampled_from("/\\"))
def test_whatever_a_zip_holds_nothing_leaves_its_folder(entries: list[list[str]], separator: str) -> None:
    """Any names, in any combination."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        named = (zipfile.ZipInfo(separator.join(parts).encode("utf-8", "replace").decode() or "x") for parts in entries)
        for info in {info.filename: info for info in named}.values():  # which ends a name at its first NUL
            archive.writestr(info, "" if info.filename.endswith(("/", "\\")) else "content")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        (place / "class.zip").write_bytes(content.getvalue())
        try:
            found = read(place / "class.zip", "lab", place / "into")
        except UsageError:
            assert listed(place) == ["class.zip"]
            return
        msgspec.json.encode(found)
        assert listed(place) == ["class.zip", "into"]
        assert all(Path(e.source).resolve().is_relative_to(place / "into") for e in found.entries)
        assert all(path.resolve().is_relative_to(place / "into") for path in (place / "into").rglob("*"))
