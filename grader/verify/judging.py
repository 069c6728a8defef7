"""Judges what grading a reference or a mutant gave, against what it must give. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.model.assignment import Assignment
    from grader.verify.subjects import Subject


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one subject: check -> (verdict, reason), and what is wrong with it ("" when nothing is)."""

    subject: str
    mutant: bool
    repeat: int
    cells: dict[str, tuple[str, str]]
    problems: tuple[str, ...]
    seconds: float
    cached: bool = False


def problems_of(subject: Subject, cells: dict[str, tuple[str, str]]) -> tuple[str, ...]:
    """Return what contradicts the subject's expectations: one line each."""
    found = []
    for check, (verdict, reason) in cells.items():
        if verdict == "error":
            found.append(f"{check}: the grader itself failed")
        elif not subject.mutant and verdict != "passed":
            found.append(f"{check}: a reference must pass, but it {verdict} ({reason})")
        elif subject.mutant and verdict == "failed" and check not in subject.kills and check not in subject.allowed:
            found.append(f"{check}: failed ({reason}), which mutants.yaml does not allow")
    for check, codes in subject.kills.items():
        verdict, reason = cells.get(check, ("missing", ""))
        if verdict != "failed":
            found.append(f"{check}: the mutant survived ({verdict})")
        elif reason not in codes:
            found.append(f"{check}: failed for {reason}, expected {' or '.join(codes)}")
    return tuple(found)


def untested(assignment: Assignment, subjects: Sequence[Subject]) -> tuple[str, ...]:
    """Return the checks that no mutant is meant to fail: a check that has caught nothing is not a check."""
    killed = {check for s in subjects for check in s.kills}
    return tuple(c.id for c in assignment.checks if c.id not in killed)


def flaky(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return subject/check pairs whose verdict or reason differed between repeats."""
    seen: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for row in rows:
        for check, cell in row.cells.items():
            seen.setdefault((row.subject, check), set()).add(cell)
    return tuple(
        f"{subject}/{check}: {', '.join(sorted('/'.join(filter(None, c)) for c in cells))}"
        for (subject, check), cells in seen.items()
        if len(cells) > 1
    )
