"""Grades a right submission and two wrong ones of one assignment, and says whether the verdicts are as they should be.

Exit code 0 when the right one passed everything and each wrong one failed, 1 otherwise.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from grader import assignments, process
from grader.verify.subjects import materialise

if TYPE_CHECKING:
    from collections.abc import Sequence

ASSIGNMENT = "rabbitmq-task-queue"
GRADER = str(Path(sys.executable).with_name("grader"))
ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "reports" / "demo"
ONE_GRADING_S = 900.0


class Case(NamedTuple):
    """One submission: `name` of a reference or mutant, and what should come out."""

    name: str
    passes: bool
    what: str


CASES = (
    Case("node", True, "a right submission"),
    Case("auto-ack", False, "the worker acknowledges before it works"),
    Case("transient-messages", False, "messages do not survive a restart of the broker"),
)


def main() -> int:
    """Return the exit code."""
    with tempfile.TemporaryDirectory(prefix="grader-demo-") as scratch:
        # the right one alone, as a student would see it; then the wrong ones side by side, which saves minutes
        verdicts = _grade(CASES[:1], Path(scratch)) + _grade(CASES[1:], Path(scratch))
    print("\nVerdicts")
    for line, _ in verdicts:
        print(f"  {line}")
    print("\nReports")
    for case in CASES:
        print(f"  {OUT / case.name / 'report.html'}")
    expected = all(good for _, good in verdicts)
    if not expected:
        print("\nA verdict is not as it should be.", file=sys.stderr)
    return 0 if expected else 1


def _grade(cases: Sequence[Case], scratch: Path) -> list[tuple[str, bool]]:
    """Grade submissions at the same time; a line on each, and whether it came out as it should."""
    running: list[tuple[Case, process.Child]] = []
    try:
        for case in cases:
            print(f"\n-- {case.name}: {case.what}", flush=True)
            running.append((case, _start(case, scratch, prefix=f"{case.name}: " if len(cases) > 1 else "")))
        return [_verdict(case, child.wait(ONE_GRADING_S)) for case, child in running]
    finally:
        for _, child in running:
            child.kill()


def _start(case: Case, scratch: Path, prefix: str) -> process.Child:
    out = OUT / case.name
    shutil.rmtree(out, ignore_errors=True)
    submission = scratch / case.name
    materialise(assignments.load(ASSIGNMENT), case.name, submission)
    return process.spawn(
        [GRADER, "grade", ASSIGNMENT, str(submission), "--out", str(out), "--lang", "en"],
        env=None,
        on_line=lambda line: print(prefix + line, flush=True),
        die_with_parent=True,
    )


def _verdict(case: Case, done: process.Completed) -> tuple[str, bool]:
    result = OUT / case.name / "result.json"
    if not result.is_file():
        return f"{case.name:22} no result (exit code {done.returncode})", False
    data = json.loads(result.read_text("utf-8"))
    failed = [check["id"] for check in data["checks"] if check["outcome"] == "failed" and check["level"] != "bonus"]
    good = data["status"] == "final" and done.returncode == (0 if case.passes else 1) and bool(failed) != case.passes
    verdict = "all passed" if not failed else "failed: " + ", ".join(failed)
    return f"{case.name:22} {data['score']:>3}/{data['max_score']} {data['status']:12} {verdict}", good


if __name__ == "__main__":
    sys.exit(main())
