"""The verdict that `grader inspect --json` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader import scratch, untrusted
from grader.errors import SubmissionRefusedError
from grader.intake import clean_place
from grader.policy import judge
from grader.receiving import receive

if TYPE_CHECKING:
    from pathlib import Path

    from grader.model.assignment import Assignment
    from grader.model.findings import Finding
    from grader.model.plan import Build, StackPlan
    from grader.policy import Catalogue


def verdict(
    source: Path, assignment: Assignment | None, catalogue: Catalogue, *, lang: str, unpack: Path | None = None
) -> dict[str, Any]:
    """Return {accepted, findings: [{code, severity, file, line, path, message, remedy}], effective} as plain data.

    `effective` is the model that would be handed to Compose, with what would be built for each service that is built;
    null when the submission is refused. Without an assignment any public image is accepted. `unpack`: a new or empty
    folder that keeps the clean copy of a submission that is accepted. Raises UsageError if there is nothing at
    `source`, or something in `unpack`.
    """
    findings: tuple[Finding, ...] = ()
    effective = None
    with scratch.folder("inspect") as folder:
        into = unpack or folder / "workspace"
        try:
            with clean_place(into):
                workspace = receive(source, into)
                findings = workspace.findings
                plan = judge(workspace, assignment, catalogue)
            findings += plan.findings
            effective = _effective(plan)
        except SubmissionRefusedError as refused:
            findings += refused.findings
    shown = [_shown(f, lang) for f in findings]
    return {"accepted": effective is not None, "findings": shown, "effective": effective}


def _effective(plan: StackPlan) -> dict[str, Any]:
    """Return the plan's model; a service that is built says what would be built, beside the name of the result."""
    built = {build.service: _built(build) for build in plan.builds}
    services = {
        name: {**service, "build": built[name]} if name in built else service
        for name, service in plan.compose["services"].items()
    }
    return {**plan.compose, "services": services}


def _built(build: Build) -> dict[str, Any]:
    """Return a build in the words of a compose file; paths are relative to the submission."""
    return {
        "context": build.context,
        "dockerfile": build.dockerfile,
        "target": build.target,
        "args": build.args,
        "images": list(build.base_images),
    }


def _shown(finding: Finding, lang: str) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "file": untrusted.one_line(finding.file),
        "line": finding.line,
        "path": untrusted.one_line(finding.path),
        "message": untrusted.rendered(finding.message, lang),
        "remedy": untrusted.rendered(finding.remedy, lang) if finding.remedy else "",
    }
