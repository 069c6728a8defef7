"""What was proven once is not run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.verify.run import Plan, Row, verify
from grader.verify.subjects import subjects
from tests.unit.verify.test_subjects import MUTANT, assignment, mutants

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from grader.model.assignment import Assignment


def rows(wanted: Assignment, plan: Plan) -> dict[str, Row]:
    return {r.subject: r for r in verify(wanted, subjects(wanted), plan, lambda _: None, lambda _: None)}


def test_all_checks_of_a_mutant_prove_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a full matrix the short one has its answer; expectations that changed since are judged anew."""
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    wanted = assignment(tmp_path, MUTANT)
    graded = []

    def grade(wanted: Assignment, subject: object, checks: tuple[str, ...], repeat: int, _: object) -> tuple[Row, None]:
        graded.append(checks)
        cells = {"a": ("failed", "message-lost"), "b": ("passed", "")}
        return Row(
            subject=subject.name, mutant=subject.mutant, repeat=repeat, cells=cells, problems=(), seconds=1
        ), None

    monkeypatch.setattr("grader.verify.run._grade", grade)
    rows(wanted, Plan(full=True))
    assert graded == [(), ()]
    short = rows(wanted, Plan())
    assert len(graded) == 2
    assert short["m"].cached
    assert not short["m"].problems
    mutants(tmp_path).write_text(MUTANT.replace("message-lost", "message-transient"), "utf-8")
    assert rows(wanted, Plan())["m"].problems
    assert len(graded) == 2
