"""What a grading gathers on its way, and the result that is made of it whatever happened."""

from __future__ import annotations

import platform
import traceback
from typing import TYPE_CHECKING

import msgspec

from grader import scoring
from grader._version import __version__
from grader.errors import GraderError, ImageMissingError, SubmissionBrokenError, SubmissionRefusedError
from grader.model.assignment import Assignment
from grader.model.findings import Finding
from grader.model.grade import ResolvedImage, Result
from grader.model.outcome import Evidence, Outcome
from grader.model.text import msg

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGE_MISSING = "image-missing"  # an error of ours that no second try mends


class Run(msgspec.Struct, kw_only=True):
    """What a grading gathers on its way; `result` turns it into a Result whatever happened."""

    assignment: Assignment
    submission: str
    seed: int
    checks: tuple[str, ...]
    stages: dict[str, float] = {}
    findings: tuple[Finding, ...] = ()
    images: tuple[ResolvedImage, ...] = ()
    versions: dict[str, str] = {}
    errors: tuple[str, ...] = ()
    started_at: str = ""
    rejected: bool = False

    def found(self, findings: Sequence[Finding]) -> None:
        """Note findings, those that are not known yet."""
        self.findings += tuple(finding for finding in findings if finding not in self.findings)

    def kept_from(self, error: Exception) -> tuple[Outcome, ...]:
        """Return the outcomes where `error` kept the checks from running, and note whose fault it was."""
        match error:
            case SubmissionRefusedError():
                self.rejected = True
                self.found(error.findings)
                return self._all_blocked("submission-refused", error.findings)
            case SubmissionBrokenError():
                self.findings += error.findings
                return self._all_blocked(error.findings[0].code, error.findings)
            case GraderError():
                return self._all_errors(error)
        # a defect of ours must not cost a student the report
        self.errors += ("".join(traceback.format_exception(error)),)
        return self._all_errors(GraderError(msg("the grader itself failed: %(error)s", error=repr(error)[:300])))

    def result(self, outcomes: tuple[Outcome, ...]) -> Result:
        """Return the result of what was gathered."""
        return Result(
            assignment=self.assignment,
            submission=self.submission,
            grade=scoring.grade(self.assignment, outcomes, rejected=self.rejected),
            outcomes=outcomes,
            findings=self.findings,
            stages=self.stages,
            images=self.images,
            versions={"grader": __version__, "assignment": self.assignment.version, "python": platform.python_version()}
            | self.versions,
            seed=self.seed,
            started_at=self.started_at,
            errors=self.errors,
        )

    def _all_blocked(self, reason: str, findings: Sequence[Finding]) -> tuple[Outcome, ...]:
        evidence = tuple(Evidence(title=f.message, lines=f.detail) for f in findings if f.severity == "error")
        return tuple(
            Outcome(check=c, verdict="blocked", reason=reason, observed=findings[0].message, evidence=evidence)
            for c in self.checks
        )

    def _all_errors(self, error: GraderError) -> tuple[Outcome, ...]:
        self.errors += (str(error),)
        evidence = (Evidence(title=error.remedy, lines=()),) if error.remedy else ()
        reason = IMAGE_MISSING if isinstance(error, ImageMissingError) else "grader-error"
        return tuple(
            Outcome(check=c, verdict="error", reason=reason, observed=error.message, evidence=evidence)
            for c in self.checks
        )


def chosen_checks(assignment: Assignment, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the wanted checks with all that they need, in rubric order."""
    if not wanted:
        return tuple(c.id for c in assignment.checks)
    needed = set(wanted)
    for spec in reversed(assignment.checks):
        if spec.id in needed:
            needed |= set(spec.needs)
    return tuple(c.id for c in assignment.checks if c.id in needed)
