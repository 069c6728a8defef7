"""Collecting findings: everything that is wrong is said at once, not only the first thing."""

from __future__ import annotations

import msgspec

from grader import untrusted
from grader.model.findings import Finding, Severity
from grader.model.text import Text

MAX_FINDINGS = 200  # a hostile file could earn thousands; nobody reads more


class Place(msgspec.Struct, frozen=True):
    """Where something stands: file relative to the submission, line from 1 (0: unknown), path in the model."""

    file: str
    line: int = 0
    path: str = ""


def _shown(text: Text) -> Text:
    """Return a message in which what a submission wrote cannot steer a terminal or turn the reading round."""
    return Text(text.msgid, {n: untrusted.one_line(p) if isinstance(p, str) else p for n, p in text.params.items()})


class Collector:
    """Findings in the order in which they were made, each place and code once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, int, str, str], Finding] = {}

    def add(self, severity: Severity, code: str, at: Place, message: Text, remedy: Text | None = None) -> None:
        """Remember one finding."""
        if len(self._seen) >= MAX_FINDINGS and severity != "error":
            return
        at = Place(untrusted.one_line(at.file), at.line, untrusted.one_line(at.path))
        message, remedy = _shown(message), remedy and _shown(remedy)
        finding = Finding(
            code=code, severity=severity, message=message, file=at.file, line=at.line, path=at.path, remedy=remedy
        )
        key = (code, at.file, at.line, at.path, repr(sorted(message.params.items())))
        if len(self._seen) < 2 * MAX_FINDINGS:
            self._seen.setdefault(key, finding)

    @property
    def all(self) -> tuple[Finding, ...]:
        """Everything collected."""
        return tuple(self._seen.values())

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What refuses the submission."""
        return tuple(f for f in self._seen.values() if f.severity == "error")
