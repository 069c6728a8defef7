"""Where the copy goes: a new or empty folder, left as it was when there is no copy."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from grader.cli import command
from tests.unit.intake.archives import OK, contents, zipped

COMPOSE = b"services:\n  cache:\n    image: redis:7\n"
GOOD = zipped(("compose.yaml", COMPOSE), ("a/b.txt", b"x"))
REFUSED = {
    "at once": zipped(("compose.yaml", COMPOSE), ("../x", b"x")),
    "half way": zipped(("compose.yaml", COMPOSE), ("a/b.txt", b"x"), method=0).replace(b"txtx", b"txty"),
    "by the policy": zipped(OK, ("a/b.txt", b"x")),  # has no services
    "within": zipped(("inner.zip", zipped(("compose.yaml", COMPOSE), ("../x", b"x")))),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "entrega.zip"
    path.write_bytes(GOOD)
    return path


def inspect(source: Path, into: Path | str) -> Result:
    return CliRunner().invoke(
        command, ["inspect", str(source), "--unpack", str(into), "--lang", "en", "--json"], catch_exceptions=False
    )


def listing(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def unpacked(into: Path) -> bool:
    return contents(into) == {
        "compose.yaml": ("file", COMPOSE, 0o644), "a": ("folder",), "a/b.txt": ("file", b"x", 0o644),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["new", "new/with/parents", "empty"])
def test_a_new_or_empty_folder_takes_the_copy(source: Path, tmp_path: Path, name: str) -> None:
    """Folders above it are made."""
    (tmp_path / "empty").mkdir()
    assert inspect(source, tmp_path / name).exit_code == 0
    assert unpacked(tmp_path / name)


def test_a_relative_folder_is_where_the_caller_stands(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every program has it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert inspect(source, "copy/of").exit_code == 0
    assert unpacked(tmp_path / "here" / "copy" / "of")
    assert inspect(source, ".").exit_code == 2  # not empty by now


def test_a_link_to_an_empty_folder_takes_the_copy_there(source: Path, tmp_path: Path) -> None:
    """The link stays."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert inspect(source, tmp_path / "link").exit_code == 0
    assert (tmp_path / "link").is_symlink()
    assert unpacked(tmp_path / "real")


@pytest.mark.parametrize("why", REFUSED)
@pytest.mark.parametrize("name", ["empty", "new", "new/with/parents", "link"])
def test_a_refused_submission_leaves_everything_as_it_was(tmp_path: Path, name: str, why: str) -> None:
    """Nothing is made, nothing is removed."""
    source = tmp_path / "entrega.zip"
    source.write_bytes(REFUSED[why])
    for folder in ("empty", "real"):
        (tmp_path / folder).mkdir()
    (tmp_path / "link").symlink_to("real")
    before = listing(tmp_path)
    found = inspect(source, tmp_path / name)
    assert found.exit_code == 4
    assert json.loads(found.stdout)["accepted"] is False
    assert listing(tmp_path) == before


def a_file(folder: Path) -> Path:
    (folder / "file").write_text("mine")
    return folder / "file"


def below_a_file(folder: Path) -> Path:
    return a_file(folder) / "new" / "copy"


def link_to_a_file(folder: Path) -> Path:
    (folder / "link").symlink_to(a_file(folder))
    return folder / "link"


def link_to_nothing(folder: Path) -> Path:
    (folder / "link").symlink_to("nowhere")
    return folder / "link"


def below_a_link_to_nothing(folder: Path) -> Path:
    return link_to_nothing(folder) / "copy"


def a_loop(folder: Path) -> Path:
    (folder / "link").symlink_to("link")
    return folder / "link" / "copy"


def filled(folder: Path) -> Path:
    (folder / "filled" / "mine").mkdir(parents=True)
    return folder / "filled"


def link_to_a_filled_one(folder: Path) -> Path:
    (folder / "link").symlink_to(filled(folder))
    return folder / "link"


def a_long_name(folder: Path) -> Path:
    return folder / "new" / ("n" * 300)


def of_the_kernel(_: Path) -> Path:
    return Path("/proc/grader/copy")


BAD = (
    a_file, below_a_file, link_to_a_file, link_to_nothing, below_a_link_to_nothing, a_loop, filled,
    link_to_a_filled_one, a_long_name,
    pytest.param(of_the_kernel, marks=pytest.mark.skipif(not Path("/proc/self").exists(), reason="Linux")),
)  # fmt: skip


@pytest.mark.parametrize("place", BAD)
def test_a_place_that_cannot_be_used_is_a_wrong_call(source: Path, tmp_path: Path, place: object) -> None:
    """One line says why, and nothing changes."""
    assert callable(place)
    into = place(tmp_path)
    before = listing(tmp_path)
    found = inspect(source, into)
    assert found.exit_code == 2
    assert found.stderr.startswith("grader: ")
    assert found.stderr.count("\n") == 1
    assert (into.name if into.name[0] != "n" else into.parent.name) in found.stderr
    assert listing(tmp_path) == before


@pytest.mark.parametrize("name", ["locked", "locked/new"])
def test_a_folder_that_may_not_be_written_to_is_a_wrong_call(source: Path, tmp_path: Path, name: str) -> None:
    """It is found before anything is read."""
    (tmp_path / "locked").mkdir(0o555)
    if os.access(tmp_path / "locked", os.W_OK):
        pytest.skip("this user may write everywhere")
    assert inspect(source, tmp_path / name).exit_code == 2
    assert listing(tmp_path) == [source, tmp_path / "locked"]


@pytest.mark.parametrize("name", ["submission", "submission/copy", "submission/a/b", "link/copy", "submission/../link"])
def test_a_copy_within_the_submission_is_a_wrong_call(tmp_path: Path, name: str) -> None:
    """Through a link too."""
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "compose.yaml").write_bytes(COMPOSE)
    (tmp_path / "link").symlink_to("submission")
    before = listing(tmp_path)
    assert inspect(tmp_path / "submission", tmp_path / name).exit_code == 2
    assert listing(tmp_path) == before


def test_a_copy_beside_the_submission_in_the_same_folder_is_none_within(source: Path, tmp_path: Path) -> None:
    """A common beginning of two names is no folder."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "compose.yaml").write_bytes(COMPOSE)
    assert inspect(tmp_path / "sub", tmp_path / "submission").exit_code == 0
    assert (tmp_path / "submission" / "compose.yaml").is_file()
