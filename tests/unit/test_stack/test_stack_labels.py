"""Whose a left-over is: decided by machine, pid and start time."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from grader import process
from grader.stack.labels import Owner, labels_of, new_project
from grader.stack.stage import new_stage, own, reap_stages

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path))
    return tmp_path


def ended() -> Owner:
    """The owner of a process that has just ended."""
    owner = Owner.current()
    child = process.spawn([sys.executable, "-c", ""], env=None)
    child.wait(10)
    return msgspec.structs.replace(owner, pid=child.pid)


def test_an_owner_survives_its_label() -> None:
    """What a label says is the owner again; a foreign label is nobody."""
    owner = Owner.current()
    assert Owner.parse(owner.label()) == owner
    assert Owner.parse("someone else") is None
    assert Owner.parse("a/b/c") is None


def test_only_a_certainly_dead_process_is_dead() -> None:
    """This one lives; an ended one, and one whose pid has been taken over, are dead; another machine's is unknown."""
    here = Owner.current()
    assert not here.dead()
    assert ended().dead()
    assert msgspec.structs.replace(here, started=here.started - 60).dead()
    assert not msgspec.structs.replace(ended(), host="elsewhere").dead()


def test_projects_of_one_run_are_told_apart() -> None:
    """Run names are stable within a process, project names are not repeated, and both fit Compose's rules."""
    owner = Owner.current()
    projects = {new_project(owner) for _ in range(50)}
    assert len(projects) == 50
    assert all(name.startswith(f"grader-{owner.run}-") and name == name.lower() for name in projects)
    assert labels_of("p", owner, "gateway")["grader.role"] == "gateway"
    assert set(labels_of("p", owner)) == {"grader.project", "grader.run", "grader.owner"}


def test_stage_folders_of_the_dead_are_removed(cache: Path) -> None:
    """Ours and a foreign machine's stay, also one that is being made; a dead one goes."""
    ours = new_stage()
    dead, foreign, young = (cache / "runs" / name for name in ("dead", "foreign", "young"))
    own(dead, ended())
    own(foreign, msgspec.structs.replace(ended(), host="elsewhere"))
    young.mkdir()
    assert reap_stages() == [str(dead)]
    assert ours.is_dir()
    assert ours.stat().st_mode & 0o077 == 0
    os.utime(young, (0, 0))
    assert reap_stages() == [str(young)]


def test_everything_means_all_but_our_own(cache: Path) -> None:
    """`clean` with everything removes the stages of other graders, and never those of the process that asks."""
    ours = new_stage()
    foreign = cache / "runs" / "foreign"
    own(foreign, msgspec.structs.replace(ended(), host="elsewhere"))
    assert reap_stages(everything=True) == [str(foreign)]
    assert ours.is_dir()
