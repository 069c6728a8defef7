"""Annotations of GitHub Actions: `::error file=…,line=…,title=…::…` on the line that is to blame.

They are read in the student's repository, so they hold what a student may see. GitHub shows ten of a kind a step: the
findings come first, for they have a place, then the checks that failed or could not be judged. Whatever else is
printed in the same job must stand between lines that stop the runner's commands (action.yml has them), or it could
write such lines itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grader import untrusted
from grader.exports.sarif import uri
from grader.exports.shown import shown, text_of
from grader.presentation import limits
from grader.presentation.findings import SEVERITIES
from grader.presentation.words import STATUSES, VERDICTS

if TYPE_CHECKING:
    from grader.presentation.audience import Redacted

MOST: Final = 10  # of each kind, as GitHub shows them


def text(result: Redacted, *, lang: str, prefix: str = "") -> bytes:
    """Return the lines. prefix: the submission's folder within the repository, "" when it is the repository."""
    seen = shown(result, lang)
    document = seen.document
    lines: dict[str, list[str]] = {kind: [] for kind in SEVERITIES}
    for finding in document.findings:
        at = {"file": _path(finding.file, prefix), "line": str(finding.line or ""), "title": finding.code}
        lines[finding.severity].append(command(finding.severity, text_of(finding), at))
    for check in document.checks:
        if check.outcome in {"failed", "error"}:  # what waits for something else says nothing new
            kind = "error" if check.outcome == "failed" and check.level != "bonus" else "warning"
            told = seen.told(check) or seen.say(VERDICTS[check.outcome])
            lines[kind].append(command(kind, told, {"title": check.title}))
    status = f"{seen.say(STATUSES[document.status])}: {document.score} / {document.max_score}"
    lines["notice"].insert(0, command("notice", status, {"title": seen.title}))
    return "".join(f"{line}\n" for kind in SEVERITIES for line in lines[kind][:MOST]).encode("utf-8", "replace")


def command(kind: str, message: str, properties: dict[str, str]) -> str:
    """Return one workflow command on one line; nothing in its texts can end it or begin another one."""
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{kind} {given}::{_data(message)}" if given else f"::{kind}::{_data(message)}"


def _path(file: str, prefix: str) -> str:
    """Return a file's path relative to the repository, "" for one outside of it."""
    return f"{prefix}/{file}".lstrip("/") if uri(file, prefix) else ""


def _data(words: str) -> str:
    # by our own rules first, so that the line is harmless for other readers of the log too
    lines = [untrusted.for_log(line) for line in untrusted.clean(words, limit=limits.ANNOTATION_TEXT).split("\n")]
    return "%0A".join(line.replace("%", "%25").replace("\r", "%0D") for line in lines)


def _property(words: str) -> str:
    return untrusted.for_log(words).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
