"""Intake of git: bundles are read without obeying them, addresses only where they are public and https."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from grader.errors import GraderError, SubmissionRefusedError
from grader.intake import git, git_address, is_address, take
from grader.intake.findings import Remarks

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed on this machine")


def bundle(folder: Path, files: dict[str, str], links: dict[str, str] | None = None) -> Path:
    work = folder / "work"
    work.mkdir()
    for name, text in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(text.encode())
    for name, target in (links or {}).items():
        (work / name).symlink_to(target)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false")
    for arguments in (
        ("init", "-q"),
        ("-c", "core.attributesFile=/dev/null", "add", "-A"),
        (*who, "commit", "-qm", "x"),
        ("bundle", "create", "-q", str(folder / "entrega.bundle"), "HEAD"),
    ):
        subprocess.run(["git", *arguments], cwd=work, env=env, check=True, capture_output=True)
    return folder / "entrega.bundle"


@needs_git
def test_a_bundle_is_taken_as_it_was_committed(tmp_path: Path) -> None:
    """No attribute, filter or substitution of git's changes a byte."""
    source = bundle(
        tmp_path,
        {
            "compose.yaml": "services: {}\n",
            "secret.txt": "$Format:%H$\n",
            ".gitattributes": "[attr]sub export-subst\nsecret.txt sub export-ignore\ncompose.yaml text eol=crlf\n",
            "big.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
            ".gitmodules": "",
        },
    )
    workspace = take(source, tmp_path / "copy")
    root = Path(workspace.root)
    assert workspace.name == "entrega"
    assert (root / "compose.yaml").read_bytes() == b"services: {}\n"
    assert (root / "secret.txt").read_text() == "$Format:%H$\n"
    assert {f.code for f in workspace.findings} == {"git-lfs", "git-submodules"}


@needs_git
def test_links_of_a_bundle_are_judged_as_everywhere(tmp_path: Path) -> None:
    """One that leads out refuses it."""
    source = bundle(tmp_path, {"compose.yaml": ""}, {"l": "/etc/passwd"})
    with pytest.raises(SubmissionRefusedError) as error:
        take(source, tmp_path / "copy")
    assert [f.code for f in error.value.findings] == ["link-outside"]
    assert not (tmp_path / "copy").exists()


@needs_git
def test_a_broken_bundle_is_refused(tmp_path: Path) -> None:
    """git's own complaint is the submission's."""
    source = tmp_path / "a.bundle"
    source.write_bytes(b"# v2 git bundle\nnonsense\n")
    with pytest.raises(SubmissionRefusedError) as error:
        take(source, tmp_path / "copy")
    assert [f.code for f in error.value.findings] == ["git-failed"]


@needs_git
def test_a_bundle_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    """Wherever it ends."""
    source = bundle(tmp_path, {"compose.yaml": "services: {}\n"})
    data = source.read_bytes()
    for length in (
        len(data) - 1,
        len(data) - 20,
        len(data) // 2,
        data.index(b"PACK") + 12,
        data.index(b"PACK"),
        20,
        10,
    ):
        source.write_bytes(data[:length])
        with pytest.raises(SubmissionRefusedError) as error:
            take(source, tmp_path / "copy")
        assert {f.code for f in error.value.findings} <= {"git-failed", "archive-not-supported"}, length
        assert not (tmp_path / "copy").exists()


def test_without_git_the_machine_is_at_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs the submission nothing."""
    monkeypatch.setattr(git.shutil, "which", lambda _: None)
    source = tmp_path / "a.bundle"
    source.write_bytes(b"# v2 git bundle\n")
    with pytest.raises(GraderError):
        take(source, tmp_path / "copy")


@pytest.mark.parametrize(
    "url",
    [
        "http://github.com/a/b",
        "ssh://git@github.com/a/b",
        "git@github.com:a/b.git",
        "git://github.com/a/b",
        "file:///etc",
        "ext::sh -c id",
        "https://user:password@github.com/a/b",
        "https://token@github.com/a/b",
        "https://github.com:8443/a/b",
        "https://127.0.0.1/a/b",
        "https://[::1]/a/b",
        "https://2130706433/a",
        "https://0x7f.1/a",
        "https://localhost/a/b",
        "https://github.com/a/../b",
        "https://github.com/a?x=y",
        "https://github.com/a b",
        "https://github.com",
        "https://github.com:x/a",
    ],
)
def test_an_address_that_is_not_plain_https_is_refused(url: str, tmp_path: Path) -> None:
    """No other scheme, user, port or address of a machine."""
    with pytest.raises(SubmissionRefusedError) as error:
        take(url, tmp_path / "copy")
    assert [f.code for f in error.value.findings] == ["git-address"]
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    "found",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "fe80::1%eth0", "::ffff:10.0.0.1",
     "64:ff9b::7f00:1", "100.64.0.1", "224.0.0.1", "0.0.0.0", "2002:7f00:1::"],
)  # fmt: skip
def test_a_name_that_leads_to_an_inner_address_is_refused(found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If only one of its addresses is."""
    monkeypatch.setattr(git_address, "resolve", lambda _: ["140.82.121.4", found])
    with pytest.raises(SubmissionRefusedError):
        git_address.accepted("https://example.org/a/b", Remarks())


def test_a_public_address_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clone goes to what was judged, whatever DNS says later."""
    monkeypatch.setattr(git_address, "resolve", lambda _: ["140.82.121.4"])
    assert git_address.accepted("https://GitHub.com/a/b.git", Remarks()) == ("github.com", "140.82.121.4")


def test_a_path_that_was_an_address_is_still_one(tmp_path: Path) -> None:
    """The command line makes paths of what it is given."""
    assert git_address.address(Path("https://github.com/a/b")) == "https://github.com/a/b"
    assert not is_address(tmp_path)
    assert not is_address(Path("entrega.zip"))
