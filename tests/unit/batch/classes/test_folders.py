from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from grader.errors import UsageError
from grader.intake import take
from tests.unit.batch.classes.conftest import listed, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.model.classroom import ClassList

    Reading = Callable[..., ClassList]
    Laying = Callable[..., Path]


def test_each_folder_and_archive_is_a_student(lay: Laying, reading: Reading) -> None:
    """What systems, tools and the grader itself leave there is nobody."""
    source = lay("Luis Gil/", "ana.zip", ".git/", "__MACOSX/", "grader-report/", "notes.txt", "eva.tar.gz")
    found = reading(source)
    assert found.form == "folder"
    assert [(e.student, e.name, e.source) for e in found.entries] == [
        ("ana", "", str(source / "ana.zip")),
        ("eva", "", str(source / "eva.tar.gz")),
        ("Luis-Gil", "Luis Gil", str(source / "Luis Gil")),
    ]
    assert [e.ids for e in found.entries] == [{"folder": "ana"}, {"folder": "eva"}, {"folder": "Luis Gil"}]
    assert [n.params["files"] for n in found.notices] == ["notes.txt"]


def test_an_archive_beside_its_own_folder_is_not_another_student(lay: Laying, reading: Reading) -> None:
    """Somebody unpacked it, and the folder is taken."""
    found = reading(lay("ana/", "ana.zip"))
    assert [e.source[-4:] for e in found.entries] == ["/ana"]
    assert len(found.notices) == 1


def test_a_link_is_left_out_and_named(lay: Laying, reading: Reading, tmp_path: Path) -> None:
    """It might lead anywhere."""
    source = lay("ana/")
    (source / "eva").symlink_to(tmp_path)
    found = reading(source)
    assert [e.student for e in found.entries] == ["ana"]
    assert found.notices[0].params == {"name": "eva"}


def test_a_name_that_is_no_text_is_left_out_and_named(lay: Laying, reading: Reading) -> None:
    """One such name costs nobody else the class."""
    source = lay("ana/")
    os.mkdir(os.fsencode(source) + b"/\xff\xfe")  # noqa: PTH102 - a name in bytes
    found = reading(source)
    assert [e.student for e in found.entries] == ["ana"]
    assert len(found.notices) == 1


def test_the_folder_that_the_grader_writes_to_is_no_student(lay: Laying, reading: Reading, tmp_path: Path) -> None:
    """It may lie within the class."""
    lay("ana/")
    assert [e.student for e in reading(tmp_path).entries] == ["class"]


def test_hostile_names_become_identifiers(lay: Laying, reading: Reading) -> None:
    """Escapes and direction signs reach neither a file name nor a page."""
    found = reading(lay("\x1b[31mred/", "gnp\u202eexe/", "-rf/"))
    assert sorted(e.student for e in found.entries) == ["31mred", "gnp-exe", "rf"]
    assert not any("\x1b" in e.name or "\u202e" in e.name for e in found.entries)


def test_a_class_of_thousands_is_read(lay: Laying, reading: Reading) -> None:
    """Five thousand folders are no trouble."""
    source = lay()
    for number in range(5000):
        (source / f"student-{number}").mkdir()
    assert len(reading(source).entries) == 5000


def test_a_zip_of_folders_and_archives_is_unpacked_a_student_each(
    packed: Laying, reading: Reading, tmp_path: Path
) -> None:
    """What is no submission in it is left alone."""
    found = reading(packed("ana/compose.yaml", "ana/app/main.py", "eva.zip", "__MACOSX/x", "notes.txt"))
    assert [e.student for e in found.entries] == ["ana", "eva"]
    for number, entry in enumerate(found.entries):
        assert entry.source.startswith(str(tmp_path / "out" / "unpacked"))
        workspace = take(entry.source, tmp_path / f"taken-{number}")
        assert listed(workspace.root)[-1] == "compose.yaml"


def test_a_class_that_was_packed_with_its_folder_is_entered(packed: Laying, reading: Reading) -> None:
    """One folder around all students is none of them."""
    assert [e.student for e in reading(packed("class/ana/compose.yaml", "class/eva.zip")).entries] == ["ana", "eva"]


def test_one_student_in_a_zip_is_not_entered(packed: Laying, reading: Reading) -> None:
    """A single submission is not taken for a class of its parts."""
    assert [e.student for e in reading(packed("ana/compose.yaml", "ana/x/y", "ana/z/y")).entries] == ["ana"]


@pytest.mark.parametrize("bad", ["ana/../../x", "ana/../eva/compose.yaml", "ana/C:/x", "ana/\x1b[31m"])
def test_what_leads_out_of_a_zip_refuses_one_student_only(
    packed: Laying, reading: Reading, tmp_path: Path, bad: str
) -> None:
    """Nothing is written outside, and the others are unpacked."""
    before = ["class.zip", "out"]
    found = reading(packed(bad, "ana/compose.yaml", "eva/compose.yaml"))
    assert [e.student for e in found.entries] == ["ana", "eva"]
    assert listed(found.entries[0].source) == []
    assert listed(found.entries[1].source) == ["compose.yaml"]
    assert [n.params["student"] for n in found.notices] == ["ana"]
    assert listed(tmp_path) == before


@pytest.mark.parametrize("bad", ["../x", "/etc/x", "C:/x", "..\\x", "//host/x"])
def test_an_entry_of_nobody_that_leads_out_is_left_out(
    packed: Laying, reading: Reading, tmp_path: Path, bad: str
) -> None:
    """It is said, and the class goes on."""
    found = reading(packed(bad, "eva/compose.yaml"))
    assert [e.student for e in found.entries] == ["eva"]
    assert len(found.notices) == 1
    assert listed(tmp_path) == ["class.zip", "out"]


def test_names_that_one_file_system_takes_for_one_are_two_students(packed: Laying, reading: Reading) -> None:
    """Case and composed letters lose nobody."""
    found = reading(packed("ana/compose.yaml", "ANA/compose.yaml", "Jose\u0301/compose.yaml", "José/compose.yaml"))
    assert len({e.student.casefold() for e in found.entries}) == len({e.source.casefold() for e in found.entries}) == 4


@pytest.mark.parametrize("content", [b"PK\x03\x04 not a zip", zipped("a/x")[:-30], b"", b"Rar!\x1a\x07..."])
def test_a_file_that_is_no_class_is_named(reading: Reading, tmp_path: Path, content: bytes) -> None:
    """Nothing is left of the attempt."""
    source = tmp_path / "class.zip"
    source.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        reading(source)
    assert "class.zip" in str(caught.value.message.params)
    assert not (tmp_path / "out").exists()


def test_an_empty_class_is_an_error(lay: Laying, packed: Laying, reading: Reading, tmp_path: Path) -> None:
    """Whoever grades nobody has named the wrong folder."""
    for source in (lay(), packed("notes.txt"), packed()):
        with pytest.raises(UsageError):
            reading(source)
    assert not (tmp_path / "out").exists()


def test_a_class_that_is_not_there_is_an_error(reading: Reading, tmp_path: Path) -> None:
    """The message says so and no more."""
    with pytest.raises(UsageError, match="There is no class"):
        reading(tmp_path / "nowhere")


def test_clones_are_told_by_user(lay: Laying, reading: Reading) -> None:
    """The part of a repository's name behind the assignment's is the student."""
    found = reading(lay("lab-ana-gil/", "lab-luis/", "cs-2026-lab-Eva/"))
    assert found.form == "github"
    assert [(e.student, e.ids["github"]) for e in found.entries] == [
        ("Eva", "Eva"),
        ("ana-gil", "ana-gil"),
        ("luis", "luis"),
    ]


def test_clones_of_another_name_are_told_by_what_they_share(lay: Laying, reading: Reading) -> None:
    """What all names begin with is the assignment's, if they are clones."""
    found = reading(lay("task-2-ana/.git/", "task-2-alba/.git/"))
    assert found.form == "github"
    assert [e.student for e in found.entries] == ["alba", "ana"]
    assert reading(lay("grupo-1/", "grupo-2/", under="other"), form=None).form == "folder"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"0 1 Ana <a@b.c> 1772000000 -0300\tcommit: done\n", "2026-02-25T03:13:20-03:00"),
        (b"0 1 Ana <a@b.c> 1772000000 +0530\tcommit (initial): x\n", "2026-02-25T11:43:20+05:30"),
        (b"0 1 T <t@b.c> 1772000000 +0000\tclone: from github.com:x/y\n", ""),  # the teacher's, not the student's
        (b"0 1 Ana <a@b.c> 99999999999 +9999\tcommit: x\n", ""),
        (b"\xff\x00garbage", ""),
    ],
)
def test_a_commit_made_in_the_clone_says_when(lay: Laying, reading: Reading, line: bytes, expected: str) -> None:
    """The log of HEAD tells a commit from a clone or a pull."""
    source = lay("lab-ana/.git/logs/")
    (source / "lab-ana/.git/logs/HEAD").write_bytes(b"earlier\n" + line)
    assert reading(source).entries[0].submitted_at == expected


def test_a_log_that_is_a_pipe_or_a_link_is_not_read(lay: Laying, reading: Reading, tmp_path: Path) -> None:
    """It would hang, or tell about another file."""
    source = lay("lab-ana/.git/logs/", "lab-eva/.git/logs/")
    os.mkfifo(source / "lab-ana/.git/logs/HEAD")
    (tmp_path / "log").write_bytes(b"0 1 Ana <a@b.c> 1772000000 -0300\tcommit: done\n")
    (source / "lab-eva/.git/logs/HEAD").symlink_to(tmp_path / "log")
    assert [e.submitted_at for e in reading(source).entries] == ["", ""]
