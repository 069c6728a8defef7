"""A class on a bad day: twelve right submissions beside two processes that burn the cores, and a machine that sleeps.

    .venv/bin/python benchmarks/hard_class.py [--students N] [--asleep SECONDS]

The submissions of `kafka-consumer-group` are its references and right alternatives, over and over (ZooKeeper and KRaft,
a health check by `nc`). As soon as two of them are in their checks, every process of the grader is stopped by SIGSTOP,
for 6 minutes, while the containers run on: a laptop that is closed, or a virtual machine that is moved, does that.

All must end final with full marks; exit code 1 says which did not. Some 40 minutes for twelve on two cores. Linux or
macOS; nothing else should be graded on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from grader import assignments, process
from grader.polling import DeadlineError, eventually, pause
from grader.verify import subjects

ASSIGNMENT = "kafka-consumer-group"
ASLEEP_S = 360.0
TOGETHER = 2  # gradings in their checks when the machine falls asleep
UNTIL_THEN_S = 1800.0
CLASS_S = 3 * 3600.0
BURN = "import os\nwhile os.getppid() == {owner}: sum(range(100000))"


class Watch:
    """Follows a batch's JSON lines: which submissions are in their checks now."""

    def __init__(self) -> None:
        self._checking: set[str] = set()
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        """Take one line of its output."""
        with contextlib.suppress(ValueError):
            event = json.loads(text)
            inner = event.get("event") or {}
            with self._lock:
                if inner.get("type") == "stage-began" and inner.get("stage") == "checks":
                    self._checking.add(event["content"])
                elif inner.get("type") == "stage-ended" and inner.get("stage") == "checks":
                    self._checking.discard(event["content"])

    def checking(self) -> bool:
        """Say whether enough of them are."""
        with self._lock:
            return len(self._checking) >= TOGETHER


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=12)
    parser.add_argument("--asleep", type=float, default=ASLEEP_S)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="grader-hard-class-") as name:
        work = Path(name)
        given = write_class(work / "class", asked.students)
        watch = Watch()
        argv = [sys.executable, "-m", "grader", "batch", ASSIGNMENT, str(work / "class"), "--out", str(work / "out")]
        burners = [process.spawn([sys.executable, "-c", BURN.format(owner=os.getpid())], env=None) for _ in range(2)]
        batch = process.spawn([*argv, "--json"], env=None, on_line=watch.line, die_with_parent=True)
        try:
            slept = sleep_once(batch, watch, asked.asleep)
            done = batch.wait(CLASS_S)
        finally:
            batch.kill()
            for burner in burners:
                burner.kill()
        return report(work / "out", given, slept, done.returncode)


def write_class(into: Path, count: int) -> dict[str, str]:
    """Write the class, each submission with a comment of its own; return student -> what it was made of."""
    found = assignments.load(ASSIGNMENT)
    right = [subject.name for subject in subjects.subjects(found) if not subject.kills]
    given = {f"student-{number:02}": right[number % len(right)] for number in range(count)}
    for student, name in given.items():
        subjects.materialise(found, name, into / student)
        compose = next((into / student).glob("*compose*.y*ml"))
        compose.write_text(f"# {student}\n{compose.read_text('utf-8')}", "utf-8")
    return given


def sleep_once(batch: process.Child, watch: Watch, seconds: float) -> float:
    """Stop every process of the grader for so long, once enough gradings are in their checks; return for how long."""
    try:
        eventually(
            lambda: watch.checking() or not batch.running(), within=UNTIL_THEN_S, what="gradings in their checks"
        )
    except DeadlineError:
        return 0.0
    if not batch.running():
        return 0.0
    own = psutil.Process(batch.pid)
    everyone = [own, *own.children(recursive=True)]
    began = time.monotonic()
    for each in everyone:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.send_signal(signal.SIGSTOP)
    try:
        pause(seconds)
    finally:
        for each in reversed(everyone):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGCONT)
    return time.monotonic() - began


def report(out: Path, given: dict[str, str], slept: float, code: int | None) -> int:
    """Print a line a student, and say whether all is as it must be."""
    try:
        students = json.loads((out / "class.json").read_text("utf-8"))["students"]
    except (OSError, ValueError, KeyError) as error:
        print(f"no class.json: {error} (exit code {code})")
        return 1
    rows = {row["student"]: row for row in students}
    good = 0
    for student, name in given.items():
        row = rows.get(student, {})
        right = row.get("state") == "final" and row.get("score") == row.get("max_score")
        good += right
        print(f"{'ok ' if right else 'BAD'} {student} {name:36} {row.get('state')} {row.get('score')}")
    print(f"{good} of {len(given)} final with full marks; asleep for {slept:.0f} s; exit code {code}")
    return 0 if good == len(given) and slept else 1


if __name__ == "__main__":
    sys.exit(main())
