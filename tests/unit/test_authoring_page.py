"""What docs/authoring.md writes down is a whole assignment, as far as can be told without starting anything."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from grader import assignments
from grader.brokers.reasons import reasons_for
from grader.cli import command
from grader.verify import subjects
from tests import authoring_page

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which somebody has followed the page."""
    authoring_page.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_file_of_the_page_is_found() -> None:
    """One that is named otherwise would not be tested."""
    kinds = {name.partition("/")[0] for name in authoring_page.files()}
    assert kinds == {"assignments", "reference_solutions", "fixtures"}
    assert len(authoring_page.files()) == 9


def test_the_assignment_is_whole(desk: Path) -> None:
    """Rubric, tests and reasons fit each other, and every code that it says has words."""
    result = CliRunner().invoke(command, ["list", "--assignments", "assignments"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert authoring_page.NAME in result.output
    folder = desk / "assignments" / authoring_page.NAME
    python = "".join(p.read_text("utf-8") for p in folder.rglob("*.py"))
    codes = {
        k.value.value
        for k in ast.walk(ast.parse(python.replace("from __future__ import annotations", "")))
        if isinstance(k, ast.keyword) and k.arg == "otherwise" and isinstance(k.value, ast.Constant)
    }
    assert codes
    assert all(reasons_for(folder)[code].said for code in codes if isinstance(code, str))


def test_the_mutant_is_one_edit_of_the_reference(desk: Path) -> None:
    """It fits exactly once, and the check and the reason that it names are there."""
    found = assignments.load(authoring_page.NAME, desk / "assignments")
    right, wrong = subjects.subjects(found)
    assert (right.name, right.mutant, wrong.name, wrong.mutant) == ("python", False, "other-key", True)
    assert list(wrong.contents()) == ["api.py"]
    assert wrong.kills == {"visits.counted": ("visit-not-counted",)}


def test_the_reference_is_accepted(desk: Path) -> None:
    """Its compose file has no faults."""
    argv = ["inspect", "reference_solutions/visits/python", "--assignment", "visits", "--assignments", "assignments"]
    result = CliRunner().invoke(command, argv, catch_exceptions=False)
    assert result.exit_code == 0, result.output
