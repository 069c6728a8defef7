"""SARIF 2.1.0 of the findings on a submission's files, for code scanning and editors.

A rule is a finding's code. What has no place in a file is a notification of the run: code scanning refuses results
without a location. Paths are relative to the repository; what would leave it has no location.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from grader import untrusted
from grader._version import __version__
from grader.brokers.reasons import REASONS
from grader.exports import result_json
from grader.exports.shown import shown, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.exports.result_json import FindingEntry
    from grader.presentation.audience import Redacted

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final = {"error": "error", "warning": "warning", "notice": "note"}
MAX_PATH: Final = 4096  # no file system has longer ones
_LINK: Final = re.compile(r"\](?=\()")  # in SARIF's plain text "[text](address)" is a link all the same


def text(result: Redacted, *, lang: str, prefix: str = "") -> bytes:
    """Return the log. prefix: the submission's folder within the repository, "" when it is the repository."""
    seen = shown(result, lang)
    # a file's name may be cut for people, an address must not be
    raw = {(f.code, untrusted.one_line(f.file), f.line): f.file for f in result.findings}
    uris = [uri(raw.get((f.code, f.file, f.line), f.file), prefix) for f in seen.document.findings]
    findings = list(zip(seen.document.findings, uris, strict=True))
    rules = _rules([f for f, _ in findings], lang)
    index = {rule["id"]: at for at, rule in enumerate(rules)}
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "broker-grader", "version": __version__, "rules": rules}},
                "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The repository's folder."}}},
                "invocations": [
                    {
                        "executionSuccessful": seen.document.status != "provisional",
                        "toolExecutionNotifications": [
                            {"level": LEVELS[f.severity], "message": {"text": _message(f)}}
                            for f, at in findings
                            if not at
                        ],
                    }
                ],
                "results": [_result(f, at, index[f.code]) for f, at in findings if at],
            }
        ],
    }
    return result_json.encode(log) + b"\n"


def uri(file: str, prefix: str = "") -> str:
    """Return a file's address relative to the repository, percent-encoded; "" for none and for one outside of it."""
    if not file or len(file) > MAX_PATH:
        return ""
    parts = [p for p in f"{prefix}/{file}".replace("\\", "/").split("/") if p not in {"", "."}]
    return "" if ".." in parts else quote("/".join(parts), safe="/", errors="replace")


def _rules(findings: Sequence[FindingEntry], lang: str) -> list[dict[str, Any]]:
    rules: dict[str, dict[str, Any]] = {}
    for f in findings:
        if f.code not in rules:
            reason = REASONS.get(f.code)
            short = untrusted.rendered(reason.title, lang) if reason else f.code
            help_ = untrusted.rendered(reason.hint, lang) if reason else f.remedy or f.message
            rules[f.code] = {
                "id": f.code,
                "shortDescription": {"text": _unlinked(short)},
                "help": {"text": _unlinked(help_) or f.code},
                "defaultConfiguration": {"level": LEVELS[f.severity]},
            }
    return list(rules.values())


def _result(finding: FindingEntry, at: str, rule: int) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": at, "uriBaseId": "%SRCROOT%"}}
    if finding.line > 0:
        physical["region"] = {"startLine": finding.line}
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [location],
    }


def _message(finding: FindingEntry) -> str:
    return _unlinked(text_of(finding)) or finding.code


def _unlinked(words: str) -> str:
    return _LINK.sub("] ", words)
