"""What processes that were killed have left is removed; what somebody uses, and what is not this user's, stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader import atomic, scratch
from grader.owners import Owner
from grader.stack.stage import new_stage

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
# Makes one thing of each kind, says so, and waits for its end.
OTHER = """
import threading
from pathlib import Path
from grader import paths, scratch
from grader.stack.stage import new_stage
with scratch.folder("git") as git, scratch.folder("job", paths.cache()) as job:
    stage = new_stage()
    for folder in (git, job, stage):
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
    half = paths.cache() / scratch.name("compose")
    half.write_text("x")
    print(git, job, stage, half, flush=True)
    threading.Event().wait()
"""


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache and a folder for temporary things of the test's own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)


class Another:
    """Another grader, and what it has made."""

    def __init__(self) -> None:
        argv = [sys.executable, "-c", OTHER]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout
        self.made = [Path(path) for path in self._process.stdout.readline().split()]
        assert len(self.made) == 4

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


@pytest.fixture
def living() -> Iterator[Another]:
    another = Another()
    yield another
    another.kill()


@pytest.fixture
def dead() -> Another:
    another = Another()
    another.kill()
    return another


def test_what_the_dead_have_left_is_removed_and_the_living_keep_theirs(living: Another, dead: Another) -> None:
    """The owner in a folder's name tells."""
    ours = [scratch.make("job"), new_stage()]
    assert all(path.exists() for path in dead.made)  # SIGKILL leaves everything
    assert sorted(scratch.sweep()) == sorted(map(str, dead.made))
    assert not any(path.exists() for path in dead.made)
    assert all(path.exists() for path in (*living.made, *ours))
    assert all(path.stat().st_mode & 0o077 == 0 for path in (*living.made[:3], *ours))


def test_everything_means_the_livings_too_but_for_our_own(living: Another) -> None:
    """This process still needs its folder."""
    ours = new_stage()
    assert sorted(scratch.sweep(everything=True)) == sorted(map(str, living.made))
    assert ours.is_dir()


def test_clean_removes_them_without_an_engine(dead: Another) -> None:
    """And says with its exit code that the engine was not asked."""
    env = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    argv = [sys.executable, "-m", "grader", "clean", "--lang", "en"]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 3  # there may be containers too
    assert sorted(done.stdout.split()) == sorted(map(str, dead.made))
    assert not any(path.exists() for path in dead.made)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_what_belongs_to_another_user_stays(dead: Another) -> None:
    """It could not be removed, and is not ours to try."""
    theirs, *rest = dead.made
    os.chown(theirs, 12345, 12345)
    assert sorted(scratch.sweep(everything=True)) == sorted(map(str, rest))
    assert theirs.exists()


def test_a_name_of_another_machine_or_of_nobody_tells_no_death(tmp_path: Path, dead: Another) -> None:
    """A shared file system holds folders of others."""
    foreign = tmp_path / "tmp" / dead.made[0].name.replace(Owner.current().host, "0123456789ab")
    strange = tmp_path / "tmp" / "grader-notes"
    link = tmp_path / "cache" / "runs" / dead.made[0].name
    for folder in (foreign, strange):
        folder.mkdir()
    link.symlink_to(strange)
    assert str(link) in scratch.sweep()
    assert foreign.is_dir()
    assert strange.is_dir()  # the link went, what it led to stays


def test_what_earlier_versions_left_goes_after_a_day(tmp_path: Path) -> None:
    """Their names tell no owner."""
    cache = tmp_path / "cache"
    former = [cache / "runs" / "1a2b3c4d-x", cache / "grader-job-x", cache / "bootstrap-12-x"]
    for folder in former:
        folder.mkdir(parents=True)
    assert scratch.sweep() == []
    for folder in former:
        os.utime(folder, (0, 0))
    assert sorted(scratch.sweep()) == sorted(map(str, former))


def test_a_file_that_was_half_written_is_gone_with_the_next(tmp_path: Path, dead: Another) -> None:
    """Whoever writes beside it sweeps."""
    half = tmp_path / f".{dead.made[0].name}"
    half.write_text("half")
    atomic.write(tmp_path / "report.html", b"whole")
    assert {p.name for p in tmp_path.iterdir()} == {"report.html", "cache", "tmp"}


def test_nothing_else_in_the_grader_makes_temporary_things_with_a_name() -> None:
    """Only what scratch names can be found again."""
    used = {
        path.name: set(re.findall(r"tempfile\.(\w+)", path.read_text("utf-8")))
        for path in (ROOT / "grader").rglob("*.py")
    }
    assert {name: calls for name, calls in used.items() if calls - {"TemporaryFile"}} == {"scratch.py": {"gettempdir"}}
