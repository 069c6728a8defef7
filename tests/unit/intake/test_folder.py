"""Intake of a folder: a clean copy, or every reason why there is none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from grader.errors import SubmissionRefusedError, UsageError
from grader.intake import CopyLimits, take

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "práctica de Ana"
    folder.mkdir()
    (folder / "compose.yaml").write_text("services: {}\n")
    return folder


def refused(source: Path, into: Path, **limits: int) -> dict[str, str]:
    """Return code -> file of the refusal."""
    with pytest.raises(SubmissionRefusedError) as error:
        take(source, into, limits=CopyLimits(**limits))
    return {f.code: f.file for f in error.value.findings}


def test_files_and_folders_are_copied_with_their_names_and_executable_bits(source: Path, tmp_path: Path) -> None:
    """Other bits of a mode are not."""
    (source / "código ñ").mkdir()
    (source / "código ñ" / "run.sh").write_text("#!/bin/sh\n")
    (source / "código ñ" / "run.sh").chmod(0o4755)
    workspace = take(source, tmp_path / "copy")
    copied = tmp_path / "copy" / "código ñ" / "run.sh"
    assert copied.read_text() == "#!/bin/sh\n"
    assert copied.stat().st_mode & 0o7777 == 0o755
    assert (workspace.name, workspace.root) == ("práctica de Ana", str(tmp_path / "copy"))
    assert workspace.findings == ()


def test_a_source_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    """It is nobody's submission."""
    with pytest.raises(UsageError):
        take(tmp_path / "nada", tmp_path / "copy")


@pytest.mark.parametrize(
    ("name", "code"),
    [("a.zip", "archive-not-supported"), ("a.TAR.GZ", "archive-not-supported"), ("a.txt", "not-a-folder")],
)
def test_a_file_is_answered_with_what_to_do(tmp_path: Path, name: str, code: str) -> None:
    """A single file is refused by its kind."""
    (tmp_path / name).write_bytes(b"x")
    assert refused(tmp_path / name, tmp_path / "copy") == {code: name}


@pytest.mark.parametrize("name", [".git", ".GIT", "node_modules", ".venv", "__pycache__"])
def test_what_is_no_source_is_left_out_with_a_notice(source: Path, tmp_path: Path, name: str) -> None:
    """Dependencies and caches of tools are made anew while building."""
    (source / "app" / name).mkdir(parents=True)
    (source / "app" / name / "config").write_text("x")
    workspace = take(source, tmp_path / "copy")
    assert not (tmp_path / "copy" / "app" / name).exists()
    assert [(f.code, f.severity, f.file) for f in workspace.findings] == [("left-out", "notice", f"app/{name}")]


def test_a_git_file_is_left_out_too(source: Path, tmp_path: Path) -> None:
    """A worktree's `.git` leads elsewhere."""
    (source / ".git").write_text("gitdir: /elsewhere")
    take(source, tmp_path / "copy")
    assert not (tmp_path / "copy" / ".git").exists()


def test_build_output_is_left_out_only_beside_its_tool(source: Path, tmp_path: Path) -> None:
    """A folder called target may be the student's own."""
    for folder in ("java/target", "mine/target"):
        (source / folder).mkdir(parents=True)
    (source / "java" / "pom.xml").write_text("<project/>")
    take(source, tmp_path / "copy")
    assert not (tmp_path / "copy" / "java" / "target").exists()
    assert (tmp_path / "copy" / "mine" / "target").is_dir()


def test_a_link_within_the_tree_stays_a_link(source: Path, tmp_path: Path) -> None:
    """It leads in the copy to where it led."""
    (source / "lib").mkdir()
    (source / "lib" / "here").symlink_to("../compose.yaml")
    take(source, tmp_path / "copy")
    assert (tmp_path / "copy" / "lib" / "here").is_symlink()
    assert (tmp_path / "copy" / "lib" / "here").read_text() == "services: {}\n"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "../práctica de Ana/compose.yaml", "loop", "up/x"])
def test_a_link_out_of_the_tree_is_refused(source: Path, tmp_path: Path, target: str) -> None:
    """However many links it takes to get out."""
    (source / "up").symlink_to("..")
    (source / "loop").symlink_to(target)
    found = refused(source, tmp_path / "copy")
    assert set(found) == {"link-outside"}


def test_every_bad_link_is_named(source: Path, tmp_path: Path) -> None:
    """One refusal says all."""
    for name in ("a", "b"):
        (source / name).symlink_to("/etc/shadow")
    with pytest.raises(SubmissionRefusedError) as error:
        take(source, tmp_path / "copy")
    assert [f.file for f in error.value.findings] == ["a", "b"]


def test_special_files_are_refused(source: Path, tmp_path: Path) -> None:
    """A pipe has no content."""
    os.mkfifo(source / "pipe")
    assert refused(source, tmp_path / "copy") == {"special-file": "pipe"}


@pytest.mark.parametrize("name", [b"a\nb", b"a\xff", b"a\x1b[31m", "a\u2028b".encode()])
def test_odd_names_are_refused(source: Path, tmp_path: Path, name: bytes) -> None:
    """Names that some file system or program reads otherwise."""
    (source / os.fsdecode(name)).write_text("x")
    assert set(refused(source, tmp_path / "copy")) == {"odd-name"}


def test_limits_hold_while_copying(source: Path, tmp_path: Path) -> None:
    """One file, all files, and their number."""
    (source / "big").write_bytes(b"x" * 2000)
    assert refused(source, tmp_path / "1", file_bytes=1000) == {"file-too-large": "big"}
    assert refused(source, tmp_path / "2", total_bytes=1000) == {"submission-too-large": "big"}
    assert refused(source, tmp_path / "3", entries=1) == {"too-many-files": "compose.yaml"}
    (source / "a/b/c/d").mkdir(parents=True)
    assert refused(source, tmp_path / "4", depth=3) == {"too-deep": "a/b/c/d"}


def test_a_wrapping_folder_is_entered_when_it_is_alone(tmp_path: Path) -> None:
    """Whoever packs a project packs its folder too."""
    inner = tmp_path / "entrega" / "main" / "proyecto"
    inner.mkdir(parents=True)
    (inner / "compose.yaml").write_text("x")
    (inner / "other").write_text("x")
    workspace = take(tmp_path / "entrega", tmp_path / "copy")
    assert workspace.root == str(tmp_path / "copy" / "main" / "proyecto")
    assert [f.code for f in workspace.findings] == ["folder-entered"]


def test_a_folder_beside_other_files_is_not_entered(tmp_path: Path) -> None:
    """Then the whole is the submission."""
    (tmp_path / "entrega" / "proyecto").mkdir(parents=True)
    (tmp_path / "entrega" / "readme.md").write_text("x")
    assert take(tmp_path / "entrega", tmp_path / "copy").root == str(tmp_path / "copy")


def test_a_copy_within_the_source_is_a_wrong_call(source: Path) -> None:
    """It would copy itself."""
    with pytest.raises(UsageError):
        take(source, source / "copy")
    assert not (source / "copy").exists()
