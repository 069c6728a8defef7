"""What `expected.yaml` may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.errors import UsageError
from grader.model.assignment import Assignment, CheckSpec
from grader.model.text import Bilingual
from grader.verify.subjects import subject

if TYPE_CHECKING:
    from pathlib import Path

TEXT = Bilingual(es="x", en="x")
HEAD = "base: node\nmistake: {es: x, en: x}\nkills: {a: message-lost}\n"


def assignment(root: Path, expected: str) -> Assignment:
    """An assignment `w` with one reference and one mutant `m`."""
    (root / "reference_solutions" / "w" / "node").mkdir(parents=True)
    mutant = root / "fixtures" / "submissions" / "w" / "m"
    mutant.mkdir(parents=True)
    (mutant / "expected.yaml").write_text(expected, "utf-8")
    checks = tuple(
        CheckSpec(id=i, title=TEXT, requirement=TEXT, points=50, level="core", visibility="public") for i in "ab"
    )
    return Assignment(
        id="w", title=TEXT, services=(), checks=checks, version="1", directory=str(root / "assignments" / "w")
    )


@pytest.mark.parametrize(
    ("allowed", "read"),
    [
        ("", {}),
        ("allowed: {b: b sees nothing else than what a sees}", {"b": "b sees nothing else than what a sees"}),
        ("allowed: [b]", {"b": ""}),
    ],
)
def test_what_may_fail_says_why(allowed: str, read: dict[str, str], tmp_path: Path) -> None:
    """Each further check has its reason; a list is read as long as assignments have one."""
    assert subject(assignment(tmp_path, HEAD + allowed), "m").allowed == read


@pytest.mark.parametrize("allowed", ["allowed: {b: }", "allowed: {b: short}", "allowed: {c: there is no such check}"])
def test_a_reason_is_said_and_a_check_exists(allowed: str, tmp_path: Path) -> None:
    """An empty reason, a word that is none and an unknown check are the author's mistakes."""
    with pytest.raises(UsageError):
        subject(assignment(tmp_path, HEAD + allowed), "m")


def test_what_is_expected_is_no_part_of_what_is_graded(tmp_path: Path) -> None:
    """Another reason needs no new run; a file that is taken away does."""
    wanted = assignment(tmp_path, HEAD)
    (tmp_path / "reference_solutions" / "w" / "node" / "gone.js").write_text("x", "utf-8")
    expected = tmp_path / "fixtures" / "submissions" / "w" / "m" / "expected.yaml"
    before = subject(wanted, "m").digest()
    expected.write_text(HEAD + "allowed: {b: b sees what a sees}", "utf-8")
    assert subject(wanted, "m").digest() == before
    expected.write_text(HEAD + "removed: [gone.js]", "utf-8")
    assert subject(wanted, "m").digest() != before
