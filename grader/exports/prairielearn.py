"""PrairieLearn's `results.json`: read by the student, so always what a student may see; at most 1 MB.

What was refused, or could not be judged because of us, is `gradable: false`: it costs no attempt. Every test has
points, for one without would switch them off for all; a bonus check has 0 of 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from grader.exports import result_json
from grader.exports.shown import BONUS, Shown, place, shown, text_of
from grader.presentation import limits
from grader.presentation.words import STATUS_MEANINGS, STATUSES, VERDICTS

if TYPE_CHECKING:
    from grader.exports.result_json import CheckEntry
    from grader.presentation.audience import Redacted

ROOM: Final = 1_000_000
_WORDS: Final = (4_000, 1_000, 200, 0)  # characters of a test's output: the first with which the file fits


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the student's page."""

    name: str
    points: int
    max_points: int
    message: str
    output: str


class Results(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The file; score: 0 to 1."""

    gradable: bool
    message: str
    score: float = -1.0  # never written: a file without a score is one that is not gradable
    output: str = ""
    format_errors: tuple[str, ...] = ()
    tests: tuple[Test, ...] = ()


def text(result: Redacted, *, lang: str) -> bytes:
    """Return the file."""
    seen = shown(result, lang)
    for words in _WORDS:
        data = result_json.encode(_results(seen, words)) + b"\n"
        if len(data) <= ROOM:
            break
    return data


def _results(seen: Shown, words: int) -> Results:
    document = seen.document
    message = seen.say(STATUSES[document.status])
    if document.status != "final":
        why = [f for f in document.findings if f.severity == "error"] if document.status == "rejected" else []
        told = [f"{place(f)}: {text_of(f)}" if f.file else text_of(f) for f in why[: limits.PRAIRIELEARN_FINDINGS]]
        meaning = seen.say(STATUS_MEANINGS[document.status])
        return Results(gradable=False, message=message, format_errors=(meaning, *told, *document.errors))
    findings = "\n".join(f"{place(f)}: {text_of(f)}" if f.file else text_of(f) for f in document.findings)
    return Results(
        gradable=True,
        message=message,
        score=round(document.score / document.max_score, 6) if document.max_score else 0.0,
        output=findings[: words * 10],
        tests=tuple(_test(seen, check, words) for check in document.checks),
    )


def _test(seen: Shown, check: CheckEntry, words: int) -> Test:
    bonus = check.level == "bonus"
    return Test(
        name=f"{check.title} ({seen.say(BONUS)})" if bonus else check.title,
        points=0 if bonus else check.points,
        max_points=0 if bonus else check.max_points,
        message=seen.say(VERDICTS[check.outcome]),
        output=seen.told(check)[:words],
    )
