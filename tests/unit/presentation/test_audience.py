"""Who may read what: one decision for everything that is written, and for what is told while a grading runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.events import CheckEnded, StageBegan
from grader.model.text import Bilingual
from grader.presentation.audience import redacted, redacting
from grader.reports import progress
from tests.unit.reports import builders

if TYPE_CHECKING:
    from grader.events import PipelineEvent

HIDDEN = {spec.id for spec in builders.ASSIGNMENT.checks if spec.visibility == "hidden"}


def test_an_instructor_reads_everything() -> None:
    """Nothing is taken away."""
    result = builders.several_failed()
    seen = redacted(result, "instructor")
    assert {name: getattr(seen, name) for name in result.__struct_fields__} == {
        name: getattr(result, name) for name in result.__struct_fields__
    }
    assert (seen.closed, seen.trouble) == (frozenset(), False)


def test_of_a_hidden_check_a_student_reads_title_and_verdict() -> None:
    """Of a public one everything; points and score stay."""
    result = builders.several_failed()
    seen = redacted(result, "student")
    assert seen.closed == HIDDEN
    assert seen.grade == result.grade
    for before, after in zip(result.outcomes, seen.outcomes, strict=True):
        if before.check in HIDDEN:
            bare = type(before)(check=before.check, verdict=before.verdict)
            assert after == bare
        else:
            assert after == before
    for spec, shown in zip(result.assignment.checks, seen.assignment.checks, strict=True):
        assert shown.title == spec.title
        assert (shown == spec) is (spec.id not in HIDDEN)
    assert all(spec.requirement == Bilingual("", "") for spec in seen.assignment.checks if spec.id in HIDDEN)


def test_a_student_reads_that_the_grader_had_trouble_and_not_which() -> None:
    """Its words may quote a hidden check."""
    seen = redacted(builders.provisional(), "student")
    assert (seen.errors, seen.trouble) == ((), True)


def test_what_is_told_while_a_grading_runs_is_redacted_too() -> None:
    """Everything else is handed on as it is."""
    heard: list[PipelineEvent] = []
    result = builders.several_failed()
    tell = redacting(heard.append, result.assignment, "student")
    tell(StageBegan("checks"))
    for outcome in result.outcomes:
        tell(CheckEnded(outcome))
    assert heard == [StageBegan("checks"), *(CheckEnded(outcome) for outcome in redacted(result, "student").outcomes)]


def test_a_reason_that_a_reader_does_not_know_has_not_changed() -> None:
    """An attempt may have been written for a teacher, and the next one for a student."""
    result = builders.several_failed()
    for earlier, later in (("instructor", "student"), ("student", "instructor")):
        before = progress.of_result(redacted(result, earlier))  # type: ignore[arg-type]
        assert progress.changes(before, redacted(result, later)) == ()  # type: ignore[arg-type]
