"""Runs references and mutants through the pipeline; what was proven for the same content is not run again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grader import digests, paths, pipeline, scratch
from grader.exports import result_json
from grader.presentation.audience import redacted
from grader.reports import html
from grader.verify.judging import Row, problems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grader.events import Listener
    from grader.model.assignment import Assignment
    from grader.model.grade import Result
    from grader.verify.subjects import Subject


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to run.

    full: all checks for mutants too. fresh: ignore the journal. repeat: runs of each subject. reports: a folder that
    gets the report of each run that contradicts what is expected.
    """

    repeat: int = 1
    reports: Path | None = None
    full: bool = False
    fresh: bool = False


def verify(
    assignment: Assignment, subjects: Sequence[Subject], plan: Plan, listen: Listener, on_row: Callable[[Row], None]
) -> tuple[Row, ...]:
    """Grade each subject `plan.repeat` times and judge it; `on_row` is told each row as it comes."""
    rows = []
    journal = _Journal(assignment)
    for repeat in range(1, plan.repeat + 1):
        for subject in subjects:
            checks = () if plan.full or not subject.mutant else tuple(subject.kills)
            key = journal.key(subject, checks, repeat)
            row = None if plan.fresh else journal.read(key) or journal.read(journal.key(subject, (), repeat))
            if row is None:
                row, result = _grade(assignment, subject, checks, repeat, listen)
                journal.write(key, row)
                if plan.reports and problems_of(subject, row.cells):
                    _keep(result, plan.reports / f"{subject.name}-{repeat}")
            row = msgspec.structs.replace(row, problems=problems_of(subject, row.cells))
            rows.append(row)
            on_row(row)
    return tuple(rows)


def _grade(
    assignment: Assignment, subject: Subject, checks: tuple[str, ...], repeat: int, listen: Listener
) -> tuple[Row, Result]:
    began = time.monotonic()
    with scratch.folder("verify") as folder:
        into = folder / subject.name
        subject.lay(into)
        result = pipeline.grade(into, assignment, listen, pipeline.Options(checks=checks))
    row = Row(
        subject=subject.name,
        mutant=subject.mutant,
        repeat=repeat,
        cells={o.check: (o.verdict, o.reason) for o in result.outcomes},
        problems=(),
        seconds=round(time.monotonic() - began, 1),
    )
    return row, result


def _keep(result: Result, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    whole = redacted(result, "instructor")
    html.write(whole, folder / "report.html")
    result_json.write(whole, folder / "result.json")


class _Journal:
    """One file a run under the cache, named by everything that its outcome depends on."""

    def __init__(self, assignment: Assignment) -> None:
        self._folder = paths.cache() / "verify" / assignment.id
        self._folder.mkdir(parents=True, exist_ok=True)
        checks = digests.of_checks(Path(assignment.directory), assignment.version)
        self._base = digests.of_texts(digests.of_grader(), checks)

    def key(self, subject: Subject, checks: tuple[str, ...], repeat: int) -> str:
        return f"{subject.name}-{self._base[:12]}-{subject.digest()[:12]}-{tree_hash(checks)}-{repeat}"

    def read(self, key: str) -> Row | None:
        try:
            row = msgspec.json.decode((self._folder / f"{key}.json").read_bytes(), type=Row)
        except (OSError, msgspec.DecodeError):
            return None
        if any(verdict == "error" for verdict, _ in row.cells.values()):
            return None  # our error proves nothing: run it again
        return msgspec.structs.replace(row, cached=True)

    def write(self, key: str, row: Row) -> None:
        file = self._folder / f"{key}.json"
        draft = file.with_suffix(".tmp")
        draft.write_bytes(msgspec.json.encode(row))
        draft.replace(file)


def tree_hash(checks: Sequence[str]) -> str:
    """Return a short name for a choice of checks."""
    return digests.of_texts(*checks)[:8] if checks else "all"
