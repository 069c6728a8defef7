"""Recorded results of a large class through journal, gradebooks and class page; nothing is graded.

    .venv/bin/python benchmarks/scale.py [ASSIGNMENT] [--students N]

Prints seconds of each step and the process's peak memory.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from grader import assignments, scoring
from grader.batch import output
from grader.batch.journal import FILE, Journal, Key
from grader.batch.run import summary_of
from grader.brokers.reasons import REASONS
from grader.model.classroom import Entry
from grader.model.grade import Result
from grader.model.history import Event
from grader.model.outcome import Outcome

if TYPE_CHECKING:
    from grader.model.assignment import Assignment


def main() -> None:
    """Record, report, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", nargs="?", default="redis-cache-aside")
    parser.add_argument("--students", type=int, default=5000)
    arguments = parser.parse_args()
    assignment = assignments.load(arguments.assignment)
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        with Journal(out / FILE) as journal:
            begun = time.monotonic()
            record(journal, assignment, arguments.students, chance)
            recorded = time.monotonic()
            output.write(journal, out, output.kept_of(journal))
            written = time.monotonic()
        sizes = {p.name: p.stat().st_size / 1e6 for p in sorted(out.iterdir()) if p.is_file()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{arguments.students} results recorded, one transaction each   {recorded - begun:6.1f} s")
    print(f"class page, gradebooks, data, audit                 {written - recorded:6.1f} s")
    print(f"peak memory of the process                          {peak:6.0f} MiB")
    for file, size in sizes.items():
        print(f"  {file:24} {size:8.1f} MB")


def record(journal: Journal, assignment: Assignment, count: int, chance: random.Random) -> None:
    """Write a class and a result for each student, as a batch does."""
    entries = [Entry(student=f"student-{n:05}", name=f"Estudiante {n}", source=f"/class/{n}") for n in range(count)]
    output.keep(journal, output.Kept(assignment=assignment))
    journal.place(entries)
    for entry in entries:
        result = made_up(assignment, chance)
        journal.read(entry, entry.student)
        summary = summary_of(result, seconds=chance.uniform(20, 200), host="bench", tries=1)
        journal.write(Key(entry.student, "rubric", "grader"), summary, {"seed": result.seed}, result)


def made_up(assignment: Assignment, chance: random.Random) -> Result:
    """Return a result as large as a real one, in which each check passes three times of four."""
    reasons = sorted(REASONS)
    events = tuple(
        Event(at=n / 10, source="amqp", kind="delivered", subject=f"m-{n}", actor="worker-1") for n in range(40)
    )
    outcomes = tuple(
        Outcome(check=spec.id, verdict="passed", ended=3.0, events=events)
        if chance.random() < 0.75
        else Outcome(check=spec.id, verdict="failed", reason=chance.choice(reasons), ended=3.0, events=events)
        for spec in assignment.checks
    )
    return Result(
        assignment=assignment,
        submission="s",
        grade=scoring.grade(assignment, outcomes),
        outcomes=outcomes,
        findings=(),
        stages={"checks": 20.0},
        images=(),
        versions={"grader": "0"},
        seed=chance.randrange(2**31),
        started_at="2026-11-24T10:00:00+00:00",
    )


if __name__ == "__main__":
    main()
