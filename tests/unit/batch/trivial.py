"""A class on a machine without Docker: every worker is fit, and a grading does nothing for a while and is right.

The rest is the grader's own: command, cluster, workers, a process a grading. `environment` is what they are started in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from grader import pipeline
from grader.batch import child, worker
from grader.events import StageBegan
from grader.polling import eventually, pause
from tests.unit.batch.results import result

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.grade import Result

ROOT = Path(__file__).parents[3]
ASSIGNMENTS = ROOT / "tests" / "docker" / "assignments"
MEMORY_MIB = 100_000
STEPS, STEP_S = 30, 0.1
WITHIN_S = 120.0
COUNT = 6


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


class Class:
    """A class that is being graded; a context manager, at whose end it is no longer."""

    def __init__(self, tmp_path: Path, *options: str, **more: str) -> None:
        self.out = tmp_path / "out"
        self._log = tmp_path / "log"
        env = environment(tmp_path / "site", **more)
        folder = submissions(tmp_path / "class", COUNT)
        argv = ["batch", "greeting", str(folder), "--out", str(self.out), "--json", "--jobs", "2", *options]
        with self._log.open("wb") as log:
            self.process = start(env, *argv, stdout=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        return self._log.read_text("utf-8")

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = [line for line in self.said().split("\n")[:-1] if line.startswith("{")]
        return [event for event in map(json.loads, lines) if event["type"] == kind]

    def until(self, what: str, probe: Callable[[], Any]) -> None:
        def look() -> Any:
            assert self.process.poll() is None, self.said()
            return probe()

        eventually(look, within=WITHIN_S, every=0.1, what=what)

    def assert_graded(self) -> None:
        """It ends with everybody's grade, each after one try that counts."""
        assert self.process.wait(WITHIN_S) == 0, self.said()
        rows = json.loads((self.out / "class.json").read_text("utf-8"))["students"]
        assert {row["student"]: row["state"] for row in rows} == {f"s{n}": "final" for n in range(COUNT)}
        audit = [json.loads(line) for line in (self.out / "audit.jsonl").read_text("utf-8").splitlines()]
        assert [line["tries"] for line in audit] == [1] * COUNT

    def in_work(self) -> set[str]:
        """Return who is being graded."""
        return {e["name"] for e in self.events("grading")} - {e["name"] for e in self.events("graded")}


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
