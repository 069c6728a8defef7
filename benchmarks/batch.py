"""How fast a class is graded: the batch, a plain loop and the bound, over the same class in one run.

    .venv/bin/python benchmarks/batch.py [ASSIGNMENT] [REFERENCE] [--students N] [--jobs N]

Three ways over N submissions that differ in one comment:

- plain loop: compose up, wait until ready, pytest with one request to each service that speaks HTTP, compose down;
- one by one: `pipeline.grade` with all checks, the next one when the last one is down;
- batch: `grader batch`, a process of its own with an empty journal.

The bound is what no scheduler beats: the CPU seconds of "one by one" over the number of processors. CPU seconds are the
whole machine's, so run it on an idle one (Linux: the plain loop reaches containers by their addresses).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from grading import PROJECT, bare_project, compose_for, measured, wait_ready

from grader import assignments, pipeline, process
from grader.images.endpoint import connect
from grader.verify import subjects

if TYPE_CHECKING:
    from grader.model.assignment import Assignment

SMOKE = """
import os, urllib.request
def test_health():
    for address in os.environ["ADDRESSES"].split():
        assert urllib.request.urlopen(f"http://{address}/health", timeout=10).status == 200
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", nargs="?", default="redis-cache-aside")
    parser.add_argument("reference", nargs="?", default="node")
    parser.add_argument("--students", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=0)
    arguments = parser.parse_args()
    assignment = assignments.load(arguments.assignment)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        students = class_of(assignment, arguments.reference, arguments.students, work / "class")
        file = bare_project(students[0], assignment, work)
        plain(file, assignment, 1, work)  # fills the layer cache, so that all three find it warm
        rows = {
            "plain loop": measured(lambda: plain(file, assignment, len(students), work)),
            "one by one": measured(lambda: one_by_one(students, assignment)),
            "batch": measured(lambda: batch(assignment, work / "class", work / "out", arguments.jobs)),
        }
    show(assignment, rows, len(students))


def class_of(assignment: Assignment, reference: str, count: int, into: Path) -> list[Path]:
    """Write a class whose submissions differ in one comment of their compose file."""
    folders = []
    for number in range(count):
        folder = into / f"student-{number:03}"
        subjects.materialise(assignment, reference, folder)
        compose = next(folder.glob("*compose*.y*ml"))
        compose.write_text(f"# student {number}\n{compose.read_text('utf-8')}", "utf-8")
        folders.append(folder)
    return folders


def plain(file: Path, assignment: Assignment, count: int, work: Path) -> None:
    """Do what a shell script would: up, pytest, down, one submission after the other."""
    test = work / "test_smoke.py"
    test.write_text(SMOKE)
    compose, env = compose_for(file)
    for _ in range(count):
        try:
            process.run([*compose, "up", "-d", "--build"], deadline_s=600, env=env, check=True)
            wait_ready(assignment)
            argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(test)]
            environment = {**os.environ, "ADDRESSES": " ".join(addresses(assignment))}
            process.run(argv, deadline_s=120, env=environment, cwd=work, check=True)
        finally:
            process.run([*compose, "down", "-v", "-t", "0"], deadline_s=120, env=env)


def addresses(assignment: Assignment) -> list[str]:
    """Return address:port of each container that speaks HTTP."""
    client = connect()
    found = []
    for service in (s for s in assignment.services if s.role == "http"):
        labels = [f"com.docker.compose.project={PROJECT}", f"com.docker.compose.service={service.name}"]
        for container in client.containers.list(filters={"label": labels}):
            network = next(iter(container.attrs["NetworkSettings"]["Networks"].values()))
            found.append(f"{network['IPAddress']}:{service.port}")
    return found


def one_by_one(students: list[Path], assignment: Assignment) -> None:
    """Grade each with all checks, alone on the machine."""
    for folder in students:
        result = pipeline.grade(folder, assignment, lambda _event: None)
        assert result.grade.status == "final", result.errors
        assert result.grade.score == result.grade.max_score, [o for o in result.outcomes if o.verdict != "passed"]


def batch(assignment: Assignment, folder: Path, out: Path, jobs: int) -> None:
    """Grade the class as an instructor does."""
    argv = [sys.executable, "-m", "grader", "batch", assignment.id, str(folder), "--out", str(out)]
    process.run([*argv, *(["--jobs", str(jobs)] if jobs else [])], deadline_s=3600, env=None, check=True)


def show(assignment: Assignment, rows: dict[str, tuple[float, float, object]], count: int) -> None:
    """Print rates, CPU seconds a submission, and the ratios to the plain loop and to the bound."""
    cores = os.cpu_count() or 1
    bound = rows["one by one"][1] / cores
    base = rows["plain loop"][0]
    print(f"\n{assignment.id}, {count} submissions, {cores} processors")
    print(f"{'':12} {'wall':>8} {'an hour':>8} {'CPU-s each':>11} {'x plain':>8} {'x bound':>8}")
    for name, (wall, cpu, _) in rows.items():
        rate, ratios = 3600 * count / wall, f"{wall / base:8.2f} {wall / bound:8.2f}"
        print(f"{name:12} {wall:6.0f} s {rate:8.0f} {cpu / count:11.1f} {ratios}")
    print(f"{'bound':12} {bound:6.0f} s {3600 * count / bound:8.0f}")


if __name__ == "__main__":
    main()
