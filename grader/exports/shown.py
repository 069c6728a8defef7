"""What a reader may see of a result, in words of one language: the place that all formats of platforms start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from grader import untrusted
from grader.brokers.reasons import reason_of
from grader.exports import result_json
from grader.exports.result_json import CheckEntry, FindingEntry, ResultDocument
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from grader.presentation.audience import Redacted

EXPECTED: Final = msg("Expected")
OBSERVED: Final = msg("Observed")
HINT: Final = msg("Hint")
BONUS: Final = msg("bonus")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A result as one kind of reader sees it; all texts are cleaned, none is escaped for any format.

    document: what `result.json` would say. title: the assignment's. hints: by check id, "" where there is none.
    """

    document: ResultDocument
    title: str
    hints: dict[str, str]

    def say(self, text: Text) -> str:
        """Return one of our own texts in the reader's language."""
        return untrusted.rendered(text, self.document.lang)

    def facts(self, check: CheckEntry) -> list[tuple[str, str]]:
        """Return what is known of a check that did not pass as (label, text): why, expected, observed, hint."""
        found: list[tuple[str, str]] = []
        if check.blocked_by:
            found.append(("", self.say(msg("Waits for %(id)s, which did not pass.", id=check.blocked_by))))
        for label, text in ((EXPECTED, check.expected), (OBSERVED, check.observed), (HINT, self.hints[check.id])):
            if text and check.outcome != "passed":
                found.append((self.say(label), text))
        return found

    def told(self, check: CheckEntry) -> str:
        """Return the same as plain text, a line each."""
        return "\n".join(f"{label}: {text}" if label else text for label, text in self.facts(check))


def shown(result: Redacted, lang: str) -> Shown:
    """Return what a reader may see, in words."""
    document = result_json.typed(result, lang)
    extra = Path(result.assignment.directory) if result.assignment.directory else None

    def hint(check: CheckEntry) -> str:
        reason = reason_of(check.reason, extra)
        return untrusted.rendered(reason.hint, lang, extra) if reason else ""

    return Shown(
        document=document,
        title=untrusted.one_line(result.assignment.title.in_language(lang)),
        hints={check.id: hint(check) for check in document.checks},
    )


def place(finding: FindingEntry) -> str:
    """Return where a finding lies, "compose.yaml:9", "" when nowhere."""
    return f"{finding.file}:{finding.line}" if finding.file and finding.line else finding.file


def text_of(finding: FindingEntry) -> str:
    """Return message and remedy of a finding."""
    return f"{finding.message} {finding.remedy}".strip()
