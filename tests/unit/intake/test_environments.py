"""Virtual environments under any name are left out; what of the student's lies among them is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.errors import SubmissionRefusedError
from grader.intake import take
from tests.unit.intake.archives import contents

if TYPE_CHECKING:
    from collections.abc import Callable

OWN = {"compose.yaml", "worker/Dockerfile", "worker/worker.py", "worker/requirements.txt"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A program of a worker, as it is handed in but for the environment."""
    folder = tmp_path / "tarea"
    for name in OWN:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("services: {worker: {build: worker}}\n" if name == "compose.yaml" else "x\n")
    return folder


def made(folder: Path) -> None:
    """Make an environment as students do, with its links to the Python of this machine."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--symlinks", str(folder)], check=True)


def as_folder(source: Path) -> Path:
    return source


def as_tar(source: Path) -> Path:
    with tarfile.open(source.with_suffix(".tar.gz"), "w:gz") as archive:
        archive.add(source, "tarea")
    return source.with_suffix(".tar.gz")


def as_followed_zip(source: Path) -> Path:
    """Pack what links lead to in place of the links, as `zip -r` and Windows do."""
    with zipfile.ZipFile(source.with_suffix(".zip"), "w") as archive:
        for root, _, files in os.walk(source, followlinks=True):
            for name in files:
                path = Path(root, name)
                if path.exists():
                    archive.writestr(path.relative_to(source).as_posix(), path.read_bytes()[:1000])
    return source.with_suffix(".zip")


def as_bundle(source: Path) -> Path:
    env = {"PATH": os.environ["PATH"], "HOME": str(source.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    made = source.with_suffix(".bundle")
    for arguments in (
        ("init", "-q"),
        ("add", "-fA"),
        (*who, "commit", "-qm", "x"),
        ("bundle", "create", str(made), "HEAD"),
    ):
        subprocess.run(["git", *arguments], cwd=source, env=env, check=True, capture_output=True)
    return made


@pytest.mark.parametrize("form", [as_folder, as_tar, as_followed_zip, as_bundle])
@pytest.mark.parametrize("name", ["entorno", "worker/env", "mi entorno 3.11"])
def test_an_environment_under_any_name_is_left_out(
    source: Path, tmp_path: Path, form: Callable[[Path], Path], name: str
) -> None:
    """In each form, with one notice for the whole of it and none of its links refused."""
    if form is as_bundle and shutil.which("git") is None:
        pytest.skip("git is not installed on this machine")
    made(source / name)
    if form is as_bundle:
        (source / name / ".gitignore").unlink(missing_ok=True)
    workspace = take(form(source), tmp_path / "copy")
    root = Path(workspace.root)
    assert {n for n, what in contents(root).items() if what[0] != "folder"} == OWN
    left = [f.file for f in workspace.findings if f.code == "left-out" and not f.file.endswith(".git")]
    assert [file.removeprefix("tarea/") for file in left] == [name]


def test_an_environment_of_windows_is_left_out(source: Path, tmp_path: Path) -> None:
    """Its folders have other names."""
    for name in ("Scripts/activate.bat", "Lib/site-packages/x/y.py", "Include/z.h", "pyvenv.cfg"):
        (source / "amb" / name).parent.mkdir(parents=True, exist_ok=True)
        (source / "amb" / name).write_text("x")
    take(source, tmp_path / "copy")
    assert not (tmp_path / "copy" / "amb").exists()


def test_an_environment_of_conda_is_left_out(source: Path, tmp_path: Path) -> None:
    """It has no pyvenv.cfg, but a history."""
    for name in ("conda-meta/history", "bin/python3.11", "ssl/cert.pem", "x86_64-conda-linux-gnu/bin/ld"):
        (source / "curso" / name).parent.mkdir(parents=True, exist_ok=True)
        (source / "curso" / name).write_text("x")
    take(source, tmp_path / "copy")
    assert not (tmp_path / "copy" / "curso").exists()


@pytest.mark.parametrize("name", [".tox", ".nox"])
def test_environments_of_test_runners_are_left_out(source: Path, tmp_path: Path, name: str) -> None:
    """Also where they hold nothing that tells them."""
    (source / name / "py311").mkdir(parents=True)
    take(source, tmp_path / "copy")
    assert not (tmp_path / "copy" / name).exists()


@pytest.mark.parametrize("where", ["", "worker"])
def test_sources_within_an_environment_are_kept(source: Path, tmp_path: Path, where: str) -> None:
    """Who types `python -m venv .` has the environment's folders among the program's: only those go."""
    made(source / where)
    (source / where / "lib" / "own.py").write_text("x")
    (source / where / "src" / "bin").mkdir(parents=True)
    (source / where / "src" / "bin" / "run.sh").write_text("x")
    take(source, tmp_path / "copy")
    found = {n for n, what in contents(tmp_path / "copy").items() if what[0] != "folder"}
    here = f"{where}/" if where else ""
    assert found - {f"{here}.gitignore"} == OWN | {f"{here}lib/own.py", f"{here}src/bin/run.sh"}


def test_folders_that_only_look_like_an_environment_are_kept(source: Path, tmp_path: Path) -> None:
    """`bin`, `lib` and `include` are honest names where nothing marks an environment."""
    for name in ("env/bin/activate", "env/lib/python3/x.py", "conda-meta/notes.txt"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x")
    take(source, tmp_path / "copy")
    assert (tmp_path / "copy" / "env" / "lib" / "python3" / "x.py").is_file()
    assert (tmp_path / "copy" / "conda-meta" / "notes.txt").is_file()


def test_a_link_to_a_link_in_its_own_folder_is_not_the_one_that_leads_out(source: Path, tmp_path: Path) -> None:
    """`python3` leads to `python` beside it; only that one leads out, and mending it mends both."""
    (source / "bin").mkdir()
    (source / "bin" / "python").symlink_to("/usr/bin/python3")
    for name in ("python3", "python3.11"):
        (source / "bin" / name).symlink_to("python")
    with pytest.raises(SubmissionRefusedError) as error:
        take(source, tmp_path / "copy")
    assert [(f.code, f.file) for f in error.value.findings] == [("link-outside", "bin/python")]


def test_links_to_links_that_stay_within_are_kept(source: Path, tmp_path: Path) -> None:
    """As many as there are."""
    (source / "a").symlink_to("b")
    (source / "b").symlink_to("worker/c")
    (source / "worker" / "c").symlink_to("worker.py")
    take(source, tmp_path / "copy")
    assert (tmp_path / "copy" / "a").read_text() == "x\n"
