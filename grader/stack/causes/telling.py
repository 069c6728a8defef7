"""Findings and notes that say the cause, where the words and the files show one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from grader.stack.causes import missing, scripts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.model.findings import Finding
    from grader.stack.causes.cause import Cause, Sources

_STEP = re.compile(r"Step \d+/\d+ : (?P<instruction>.*)")


def build_explained(finding: Finding, sources: Sources) -> Finding:
    """Return the finding of a build that failed, with what its last step and the files show of the cause."""
    build = sources.build(finding.path.removeprefix("services.").removesuffix(".build"))
    if build is None or finding.code != "build-failed":
        return finding
    steps = [(n, match) for n, text in enumerate(finding.detail) if (match := _STEP.match(text))]
    begun, instruction = (steps[-1][0] + 1, steps[-1][1]["instruction"]) if steps else (0, "")
    words = finding.detail[begun:]
    found = missing.cause(words, sources, build, instruction, finding.line)
    return _with(finding, found or scripts.cause(words, sources, build.service))


def start_explained(finding: Finding, words: Iterable[str], sources: Sources, service: str) -> Finding:
    """Return the finding of a start that failed, with what the words and the files show of the cause."""
    said = list(words)
    return _with(finding, scripts.cause(said, sources, service) or missing.started(said, sources, service))


def _with(finding: Finding, cause: Cause | None) -> Finding:
    if cause is None:
        return finding
    return msgspec.structs.replace(
        finding,
        message=cause.message,
        remedy=cause.remedy,
        file=cause.file,
        line=cause.line,
    )
