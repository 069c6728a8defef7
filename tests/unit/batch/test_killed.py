"""A class that is killed leaves folders, and the next command removes them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from grader.polling import eventually
from tests.unit.batch import trivial

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.usefixtures("socket_enabled")
def test_what_a_killed_class_has_left_is_cleaned_away(tmp_path: Path) -> None:
    """By `grader clean` and by the next class alike."""
    (tmp_path / "tmp").mkdir()
    more = {"TMPDIR": str(tmp_path / "tmp"), "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    with trivial.Class(tmp_path, **more) as found:
        found.until("two in work", lambda: len(found.in_work()) == 2)
        family = psutil.Process(found.process.pid).children(recursive=True)
        found.process.kill()
    eventually(lambda: not any(p.is_running() for p in family), within=60, what="the end of its gradings")
    cache = tmp_path / "site" / "cache"
    left = [*(tmp_path / "tmp").glob("grader-class-*"), *cache.glob("grader-job-*")]
    assert len(left) == 3  # what was unpacked, and two gradings
    env = trivial.environment(tmp_path / "site", **more)
    done = subprocess.run(
        [sys.executable, "-m", "grader", "clean"], env=env, capture_output=True, text=True, check=False
    )
    assert set(map(str, left)) <= set(done.stdout.split())
    assert not any(path.exists() for path in left)
