"""A class on a machine without Docker: every worker is fit, and a grading does nothing for a while and is right.

The rest is the grader's own: command, cluster, workers, a process a grading. `environment` is what they are started in.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import pipeline
from grader.batch import child, worker
from grader.events import StageBegan
from grader.polling import pause
from tests.unit.batch.results import result

if TYPE_CHECKING:
    from grader.model.grade import Result

ROOT = Path(__file__).parents[3]
ASSIGNMENTS = ROOT / "tests" / "docker" / "assignments"
MEMORY_MIB = 100_000
STEPS, STEP_S = 30, 0.1


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which every Python begins by calling `install`; `folder` is for that."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text("from tests.unit.batch import trivial\ntrivial.install()\n")
    return {
        **os.environ,
        "PYTHONPATH": f"{folder}:{ROOT}",
        "GRADER_CACHE": str(folder / "cache"),
        "GRADER_ASSIGNMENTS": str(ASSIGNMENTS),
        **more,
    }


def submissions(folder: Path, count: int) -> Path:
    """Write so many different submissions of the assignment `greeting`."""
    for number in range(count):
        (folder / f"s{number}").mkdir(parents=True)
        (folder / f"s{number}" / "compose.yaml").write_text(f"services: {{api: {{image: 'x:{number}'}}}}\n")
    return folder


def start(env: dict[str, str], *argv: str, **more: Any) -> subprocess.Popen[bytes]:
    """Start the grader's command line."""
    return subprocess.Popen([sys.executable, "-m", "grader", *argv], env=env, stderr=subprocess.STDOUT, **more)


def install() -> None:
    """Make this process's machine fit and, where it is a grading's own, its grading trivial."""
    fit = worker.Fitness(host="h", memory_mib=MEMORY_MIB, cpus=64.0)
    worker.fitness = lambda _terms: fit
    if child.EVENTS in os.environ:
        pipeline.grade_taken = _graded  # type: ignore[assignment]


def _graded(_name: str, _take: object, _assignment: object, listen: Any, _options: object) -> Result:
    listen(StageBegan("checks"))
    for _ in range(STEPS):
        pause(STEP_S)
    return result(4)
