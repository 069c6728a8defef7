"""Repositories within the one that is handed in: their files are not there, and it is said what to type."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from grader.intake import take

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed on this machine")


def git(*argv: str, cwd: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *who, *argv], cwd=cwd, env=env, check=True, capture_output=True)


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """A repository in whose folder `el worker` another one was made before it was added."""
    work = tmp_path / "work"
    inner = work / "el worker"
    inner.mkdir(parents=True)
    (work / "compose.yaml").write_text("services: {w: {build: './el worker'}}\n")
    (inner / "Dockerfile").write_text("FROM node:20-alpine\n")
    for folder in (inner, work):
        git("init", "-q", cwd=folder)
        git("add", "-A", cwd=folder)
        git("commit", "-qm", "x", cwd=folder)
    return work


def as_bundle(work: Path) -> Path:
    git("bundle", "create", "-q", str(work.parent / "a.bundle"), "HEAD", cwd=work)
    return work.parent / "a.bundle"


def as_clone(work: Path) -> Path:
    git("clone", "-q", str(work), str(work.parent / "clone"), cwd=work.parent)
    return work.parent / "clone"


@pytest.mark.parametrize("form", [as_bundle, as_clone])
def test_a_reference_to_another_repository_is_said_with_what_to_type(
    nested: Path, tmp_path: Path, form: Callable[[Path], Path]
) -> None:
    """In a bundle (as in what https gives) and in the folder of a clone."""
    workspace = take(form(nested), tmp_path / "copy")
    found = [f for f in workspace.findings if f.code == "git-nested-repository"]
    assert [(f.severity, f.file) for f in found] == [("notice", "el worker")]
    assert found[0].remedy
    assert str(found[0].remedy.params["command"]).startswith(
        "git rm --cached 'el worker' && rm -rf 'el worker'/.git && "
    )


def test_what_is_to_be_typed_mends_it(nested: Path, tmp_path: Path) -> None:
    """The command, run by a shell up to the commit, brings the files into the repository."""
    found = take(as_bundle(nested), tmp_path / "copy").findings
    remedy = next(f.remedy for f in found if f.code == "git-nested-repository")
    assert remedy
    command = str(remedy.params["command"]).removesuffix(" && git push")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    env |= {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["sh", "-c", command], cwd=nested, env=env, check=True, capture_output=True)
    (tmp_path / "a.bundle").unlink()
    workspace = take(as_bundle(nested), tmp_path / "again")
    assert (tmp_path / "again" / "el worker" / "Dockerfile").is_file()
    assert [f.code for f in workspace.findings] == []


def test_the_folder_itself_in_which_it_was_made_has_the_files(nested: Path, tmp_path: Path) -> None:
    """Handed in as a folder nothing is missing, and nothing is said but that git's own are left out."""
    workspace = take(nested, tmp_path / "copy")
    assert (tmp_path / "copy" / "el worker" / "Dockerfile").is_file()
    assert {f.code for f in workspace.findings} == {"left-out"}


@pytest.mark.parametrize("form", [as_bundle, as_clone])
def test_a_declared_submodule_is_said_as_such(nested: Path, tmp_path: Path, form: Callable[[Path], Path]) -> None:
    """With .gitmodules it is meant, and only its files have to be committed."""
    other = tmp_path / "other"
    other.mkdir()
    git("init", "-q", cwd=other)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=other)
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "compose.yaml").write_text("services: {}\n")
    git("init", "-q", cwd=plain)
    git("submodule", "add", "-q", str(other), "lib", cwd=plain)
    git("add", "-A", cwd=plain)
    git("commit", "-qm", "x", cwd=plain)
    codes = {f.code for f in take(form(plain), tmp_path / "copy").findings}
    assert "git-submodules" in codes
    assert "git-nested-repository" not in codes


def test_an_empty_folder_of_a_clone_is_no_repository(nested: Path, tmp_path: Path) -> None:
    """Only what git lists as a commit is one."""
    clone = as_clone(nested)
    (clone / "datos").mkdir()
    found = [f.file for f in take(clone, tmp_path / "copy").findings if f.code == "git-nested-repository"]
    assert found == ["el worker"]
