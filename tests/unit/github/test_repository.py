"""Which repository a clone came from: read from its files, whatever a student put there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from grader.github import repository
from tests.unit.github.clones import SHA, clone

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/course/lab-ana.git", "course/lab-ana"),
        ("https://github.com/course/lab-ana", "course/lab-ana"),
        ("https://github.com/course/lab-ana/", "course/lab-ana"),
        ("https://x-access-token@github.com/course/lab-ana.git", "course/lab-ana"),
        ("git@github.com:course/lab-ana.git", "course/lab-ana"),
        ("ssh://git@github.com/course/lab-ana.git", "course/lab-ana"),
        ("https://github.com.evil.example/course/lab-ana", ""),
        ("https://evil.example/github.com/course", ""),
        ("https://github.com/course/..", ""),
        ("https://github.com/course/lab/more", ""),
        ("https://github.com/-R/x", ""),
        ("https://github.com/course/lab?x", ""),
        ("file:///course/lab", ""),
        ("", ""),
    ],
)
def test_names_of_addresses(address: str, name: str) -> None:
    """Owner and name on github.com alone."""
    assert repository.of_address(address) == name


def test_another_host_on_request() -> None:
    """An enterprise's (GH_HOST)."""
    assert repository.of_address("https://git.uni.example/c/lab-ana.git", "git.uni.example") == "c/lab-ana"


def test_remote_and_commit(tmp_path: Path) -> None:
    """Of origin and no other remote; HEAD by a loose ref, a packed one, or itself."""
    folder = clone(tmp_path / "lab-ana", "https://github.com/course/lab-ana.git")
    assert repository.remote(folder) == "https://github.com/course/lab-ana.git"
    assert repository.commit(folder) == SHA
    ref = folder / ".git" / "refs" / "heads" / "main"
    ref.unlink()
    (folder / ".git" / "packed-refs").write_text(f"# pack-refs\n{'1' * 40} refs/heads/mainly\n{SHA} refs/heads/main\n")
    assert repository.commit(folder) == SHA
    (folder / ".git" / "HEAD").write_text("2" * 40 + "\n")
    assert repository.commit(folder) == "2" * 40


@pytest.mark.parametrize("head", ["", "ref: refs/heads/../../config", "ref: refs/tags/x", "--help", "a" * 39, "\x00"])
def test_odd_heads_are_no_commit(head: str, tmp_path: Path) -> None:
    """Only 40 or 64 hexadecimal digits are one."""
    folder = clone(tmp_path / "c", "https://github.com/c/c")
    (folder / ".git" / "HEAD").write_text(head)
    assert repository.commit(folder) == ""


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    """A file that somebody put there is not opened elsewhere, and nobody waits for a pipe."""
    (tmp_path / "elsewhere").write_text('[remote "origin"]\n\turl = https://github.com/c/other\n')
    folder = clone(tmp_path / "c", "https://github.com/c/c")
    config = folder / ".git" / "config"
    config.unlink()
    config.symlink_to(tmp_path / "elsewhere")
    assert repository.remote(folder) == ""
    config.unlink()
    os.mkfifo(config)
    assert repository.remote(folder) == ""
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / ".git").symlink_to(clone(tmp_path / "d", "https://github.com/c/d") / ".git")
    assert repository.remote(linked) == ""
