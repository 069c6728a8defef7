"""Grades a right submission and two wrong ones of one assignment, and says whether the verdicts are as they should be.

Exit code 0 when the right one passed everything and each wrong one failed, 1 otherwise, 3 when one could not be graded.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from saying import give_up
from showing import Board

from grader import assignments, process
from grader.cli.common import printable
from grader.errors import GraderError
from grader.i18n import default_language
from grader.images.endpoint import connect
from grader.model.text import Text, msg
from grader.scratch import folder
from grader.verify.subjects import materialise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ASSIGNMENT = "rabbitmq-task-queue"
GRADER = str(Path(sys.executable).with_name("grader"))
ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "reports" / "demo"
LOG = OUT / "demo.log"
ONE_GRADING_S = 900.0
# What a grading wants of the engine's memory: a broker, three workers and an API at their limits.
MEMORY_BYTES = 3 * 1024**3


class Case(NamedTuple):
    """One submission: `name` of a reference or mutant, what it is, the checks that are run (none named: all).

    What names checks is wrong, and fails one of them.
    """

    name: str
    what: Text
    checks: tuple[str, ...] = ()


# A wrong one is graded by the checks that look at its mistake and a few quick ones, so that all of it is two minutes.
CASES = (
    Case("python", msg("a right submission, all checks")),
    Case(
        "auto-ack",
        msg("its worker acknowledges before it works; four checks"),
        ("task.done", "queue.durable", "share.replicas", "ack.after-work"),
    ),
    Case(
        "transient-messages",
        msg("its messages do not survive a restart of the broker; four checks"),
        ("task.done", "queue.durable", "message.persistent", "share.replicas"),
    ),
)


def main() -> int:
    """Return the exit code."""
    lang = default_language()
    screen = Console(highlight=False, soft_wrap=True)

    def line(text: Text | str = "") -> None:
        screen.print(printable(text, lang) if isinstance(text, Text) else text, markup=False)

    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    line("\n== " + printable(msg("Demonstration: three submissions of %(id)s", id=ASSIGNMENT), lang))
    for case in CASES:
        line(f"   {case.name}: {printable(case.what, lang)}")
    line(msg("It takes about two minutes; all that happens is in %(log)s", log=str(LOG)))
    try:
        at_once = max(1, min(len(CASES), int(connect().info().get("MemTotal") or 0) // MEMORY_BYTES))
    except GraderError as error:
        return give_up(error)
    with (
        folder("demo") as scratch,
        LOG.open("w", encoding="utf-8") as log,
        Board(screen, assignments.load(ASSIGNMENT), lang, log) as board,
    ):
        codes = dict(_grade(CASES, at_once, scratch, board, lang))
    line("\n== " + printable(msg("Verdicts"), lang))
    verdicts = [(case, *_verdict(case, codes[case.name])) for case in CASES]
    for case, words, _ in verdicts:
        line(f"   {case.name}: {printable(words, lang)}")
        line(f"      {OUT / case.name / 'report.html'}")
    if not all(good for *_, good in verdicts):
        line(msg("A verdict is not as it should be; %(log)s has all that was printed.", log=str(LOG)))
        return 3 if any(code == 3 for code in codes.values()) else 1
    line("\n== " + printable(msg("What to do next"), lang))
    line(
        msg("   Open a report in a browser; that of auto-ack shows a worker being killed, and what became of its task.")
    )
    line(msg("   Solve the assignment yourself: %(command)s", command=f".venv/bin/grader new {ASSIGNMENT}"))
    line(msg("   Grade a class: %(page)s", page="docs/instructor.md"))
    return 0


def _grade(
    cases: Sequence[Case], at_once: int, scratch: Path, board: Board, lang: str
) -> Iterator[tuple[str, int | None]]:
    """Grade submissions, so many at the same time; yield the name and exit code of each."""
    waiting, running = list(cases), list[tuple[Case, process.Child]]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                case = waiting.pop(0)
                running.append((case, _start(case, scratch, board, lang)))
            case, child = running[0]
            yield case.name, child.wait(ONE_GRADING_S).returncode
            running.pop(0)
    finally:
        for _, child in running:
            child.kill()


def _start(case: Case, scratch: Path, board: Board, lang: str) -> process.Child:
    submission = scratch / case.name
    materialise(assignments.load(ASSIGNMENT), case.name, submission)
    argv = [GRADER, "grade", ASSIGNMENT, str(submission), "--out", str(OUT / case.name), "--lang", lang, "--json"]
    argv += [word for check in case.checks for word in ("--only", check)]
    board.began(case.name)
    return process.spawn(argv, env=None, on_line=lambda line: board.take(case.name, line), die_with_parent=True)


def _verdict(case: Case, code: int | None) -> tuple[Text, bool]:
    """Return what came out, and whether it is what should."""
    result = OUT / case.name / "result.json"
    if not result.is_file():
        return msg("no result (exit code %(code)s)", code=str(code)), False
    data = json.loads(result.read_text("utf-8"))
    failed = [check["id"] for check in data["checks"] if check["outcome"] == "failed" and check["level"] != "bonus"]
    good = data["status"] == "final" and code == (1 if case.checks else 0) and bool(failed) == bool(case.checks)
    score, most = data["score"], data["max_score"]
    if not failed:
        return msg("%(score)s of %(most)s points, all passed", score=score, most=most), good
    return msg("%(score)s of %(most)s points, failed: %(ids)s", score=score, most=most, ids=", ".join(failed)), good


if __name__ == "__main__":
    sys.exit(main())
